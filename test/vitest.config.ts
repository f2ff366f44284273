import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/prepare.ts'],
    // Pothos and Yoga load index.js; an import of ours would load index.mjs, a second GraphQL.
    alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }],
    pool: 'forks',
    // CI's two cores are for one file at a time: servers, services and their clients are processes too
    maxWorkers: process.env.CI ? 1 : 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})
