import { defineConfig } from 'vitest/config'
import { engineFlags } from '../testkit/engine.ts'
import { amount } from '../testkit/random.ts'
import { asksForServers, changesItsProcess, testFiles } from './files.ts'
import Slowest from './slowest.ts'

/** A second run, against servers, need not repeat what can use none. */
const isSecond = process.env['TEST_ONLY_WITH_SERVERS'] !== undefined
const files = isSecond ? testFiles.filter(asksForServers) : testFiles

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    reporters: ['default', new Slowest()],
    globalSetup: ['testkit/database/prepare.ts'],
    // Pothos and Yoga load index.js; an import of ours would load index.mjs, a second GraphQL.
    alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }],
    pool: 'forks',
    execArgv: engineFlags,
    maxWorkers: 3, // of two cores: while one file waits for a fact, others go on
    testTimeout: amount({ share: 240_000, whole: 3_600_000 }),
    hookTimeout: 240_000,
    projects: [
      { extends: true, test: { name: 'alone', include: files.filter(changesItsProcess) } },
      {
        // files in a row share a process: to load the server takes longer than most of their tests do
        extends: true,
        test: {
          name: 'shared',
          include: files.filter((file) => !changesItsProcess(file)),
          isolate: false,
          sequence: { groupOrder: 1 }, // a file of the other kind in between would end the process
        },
      },
    ],
  },
})
