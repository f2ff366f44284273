import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedApp, type SharedApp } from '../../testkit/shared.ts'
import { runningService } from '../../testkit/seed/services.ts'
import { doors } from './doors.ts'

let app: SharedApp
beforeAll(async () => {
  app = await sharedApp()
})
afterAll(() => app.close())

const lists = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth))
const objects = (depth: number): unknown =>
  JSON.parse('{"a":'.repeat(depth) + '1' + '}'.repeat(depth))

/** JSON.stringify calls itself, so the body is written by hand. */
async function sent(depth: number): Promise<unknown> {
  const query = '{ __typename }'
  const body = `{"query":${JSON.stringify(query)},"variables":{"value":${'['.repeat(depth)}${']'.repeat(depth)}}}`
  const headers = { 'content-type': 'application/json', ...app.admin.headers }
  const response = await fetch(`${app.url}/graphql`, { method: 'POST', headers, body })
  return response.json()
}

const tooDeep = { errors: [{ extensions: { code: 'TOO_COMPLEX' } }] }

test('variables nested 100,000 deep are a typed error', async () => {
  expect(await sent(100_000)).toMatchObject(tooDeep)
})

test('variables nested too deep are refused on every door, whether or not they are used', async () => {
  const query =
    'query ($ids: [ID!]!, $filter: ServiceFilter) { nodes(ids: $ids) { id } services(filter: $filter) { totalCount } }'
  for (const ask of Object.values(doors))
    for (const variables of [
      { ids: lists(101) },
      { ids: [], filter: objects(101) },
      { ids: [], other: objects(1_000) },
    ])
      expect(await ask(app.admin, { query, variables })).toMatchObject(tooDeep)
})

test('JSON passes to a service and back as deep as it may be, and deeper answers are refused', async () => {
  const files = {
    'main.mjs': `export const handler = async (request) => {
      const { depth, ...rest } = await request.json()
      return new Response(depth ? '['.repeat(depth) + ']'.repeat(depth) : JSON.stringify(rest), { headers: { 'content-type': 'application/json' } })
    }`,
  }
  const { id } = await runningService(app.admin, files, { image: 'node' })
  const query = `mutation ($input: InvokeServiceInput!) {
    invokeService(input: $input) { ... on InvokeServiceSuccess { json } ... on Error { code message } }
  }`
  const call = async (json: unknown): Promise<unknown> =>
    (await doors['POST']!(app.admin, { query, variables: { input: { id, json } } })).data
  expect(await call({ a: lists(98) })).toEqual({ invokeService: { json: { a: lists(98) } } })
  for (const depth of [101, 3_000, 100_000])
    expect(await call({ depth })).toMatchObject({ invokeService: { code: 'UNAVAILABLE' } })
})
