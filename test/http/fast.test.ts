import { getIntrospectionQuery } from 'graphql'
import { beforeEach, expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import type { Context } from '../../src/context.ts'
import { fastDoor, type FastDoor } from '../../src/http/graphql/fast.ts'
import { parseWithin, quotas } from '../../src/execution/limits/index.ts'
import { DocumentCache } from '../../src/execution/document-cache.ts'
import { graphqlServer } from '../../src/http/graphql/yoga.ts'
import { unmeasured } from '../../src/ports/metrics/metrics.ts'
import { untraced } from '../../src/ports/tracing/tracing.ts'

const config = readConfig({})
const user = { id: 'id', email: 'user@example.com', name: null, isServerAdmin: false }
const viewer = { kind: 'user', user, memberships: [] }
// these operations ask for nothing else
const ctx = {
  requestId: 'id',
  config,
  operation: quotas(config).openOperation({
    key: () => '',
    isGone: () => false,
    onGone: () => () => {},
  }),
  viewer,
  metrics: unmeasured,
  tracing: untraced,
} as unknown as Context

let fast: FastDoor
let yoga: ReturnType<typeof graphqlServer>
beforeEach(() => {
  const cache = new DocumentCache((text) => parseWithin(text, config))
  yoga = graphqlServer(config, cache)
  fast = fastDoor(cache, { named: () => undefined })
})

async function meet(query: string, operationName?: string): Promise<void> {
  const body = JSON.stringify({ query, operationName })
  const headers = { 'content-type': 'application/json' }
  await yoga.fetch('http://localhost/graphql', { method: 'POST', headers, body }, { ...ctx })
}

const answer = (body: object | string, headers: Record<string, string> = {}) =>
  fast(
    { 'content-type': 'application/json', ...headers },
    Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
    { ...ctx },
  )

test('a document takes the fast door once Yoga has found it valid', async () => {
  const query = '{ __typename }'
  expect(await answer({ query })).toBeUndefined()
  await meet(query)
  expect(await answer({ query })).toEqual({
    status: 200,
    headers: { 'Content-Type': 'application/json; charset=utf-8' },
    body: expect.stringMatching(/^\{"data":\{"__typename":"Query"\}/),
  })
  for (const wrong of ['{ nothing }', '{', 'fragment F on Query { __typename }']) {
    await meet(wrong)
    expect(await answer({ query: wrong }), wrong).toBeUndefined()
  }
})

test('whatever is not plain is left to Yoga', async () => {
  const query = 'query A { __typename } query B { b: __typename }'
  await meet(query, 'A')
  await meet('subscription { serviceChanged(serviceId: "x") { cursor } }')
  expect(await answer({ query, operationName: 'B' })).toMatchObject({ status: 200 })
  for (const body of [
    { query },
    { query, operationName: 'C' },
    { query, operationName: 1 },
    { query, operationName: 'A', variables: [] },
    { query, operationName: 'A', extensions: '' },
    { query, operationName: 'A', other: null },
    { query: 'subscription { serviceChanged(serviceId: "x") { cursor } }' },
    [{ query, operationName: 'A' }],
    JSON.stringify({ query, operationName: 'A' }).slice(0, -1),
    ` ${JSON.stringify({ query, operationName: 'A' })}`,
    'null',
    '',
  ])
    expect(await answer(body), JSON.stringify(body)).toBeUndefined()
  const body = { query, operationName: 'A' }
  const types = ['text/plain', 'application/json; charset=utf-16', 'application/graphql+json']
  for (const type of types) expect(await answer(body, { 'content-type': type })).toBeUndefined()
  expect(await answer(body, { 'content-encoding': 'gzip' })).toBeUndefined()
  expect(await answer(body, { accept: 'text/event-stream' })).toBeUndefined()
  expect(await answer(body, { accept: 'text/html, application/json' })).toBeDefined()
})

const named = (name: string): string => `query ${name} { __typename }`

test('only so many documents are remembered, those used last', async () => {
  await meet(named('First'))
  for (let n = 0; n < 999; n += 1) await meet(named(`N${n}`))
  expect(await answer({ query: named('First') })).toBeDefined()
  await meet(named('Last'))
  expect(await answer({ query: named('First') })).toBeDefined()
  expect(await answer({ query: named('N0') })).toBeUndefined()
  const long = `${'#'.repeat(70_000)}\n${named('Long')}`
  await meet(long)
  expect(await answer({ query: long })).toBeUndefined()
})

test('introspection is compiled like anything else, and says the same', async () => {
  const query = getIntrospectionQuery()
  await meet(query)
  const first = await answer({ query })
  expect(first?.body.length).toBeGreaterThan(10_000)
  for (let n = 0; n < 3; n += 1) expect(await answer({ query })).toEqual(first)
})
