import { afterEach, expect, test, vi } from 'vitest'
import { graphiQl } from '../../src/http/graphql/graphiql.ts'
import { mustHave } from '../../src/kit/patch.ts'

afterEach(() => {
  vi.doUnmock('pg')
  vi.doUnmock('graphql-yoga')
  vi.resetModules()
})

test('what a library has no more is named', () => {
  expect(() => mustHave('some-library', 'Thing.part', true)).not.toThrow()
  expect(() => mustHave('some-library', 'Thing.part', false)).toThrow(
    'some-library has no Thing.part any more',
  )
})

test('a server does not start with a pg whose queries hand their rows over otherwise', async () => {
  vi.doMock('pg', async (actual) => ({ ...(await actual<object>()), Query: Object }))
  await expect(import('../../src/db/bounded-query.ts')).rejects.toThrow(
    'pg has no Query.handleDataRow any more',
  )
})

test('nor with a Yoga that writes results otherwise', async () => {
  vi.doMock('graphql-yoga', async (actual) => ({
    ...(await actual<object>()),
    processRegularResult: () => ({}),
  }))
  await expect(import('../../src/http/graphql/fast.ts')).rejects.toThrow(
    'graphql-yoga has no processRegularResult that makes a Response any more',
  )
})

test('the script of the GraphiQL page is found and has its digest', () => {
  const page = graphiQl()
  expect(page.render({})).toContain('<script>')
  expect(page.headers()['content-security-policy']).toMatch(/script-src 'sha256-[\w+/]{43}='/)
})
