import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { createClient } from 'graphql-ws'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { testApp, type TestApp } from '../../testkit/app.ts'
import { testFolder, type TestFolder } from '../../testkit/folder.ts'

const LIST = 'query List($first: Int) { services(first: $first) { nodes { id } } }'
const FOLLOW = 'subscription ($id: ID!) { serviceChanged(serviceId: $id) { cursor } }'
const EMPTY = '{"data":{"services":{"nodes":[]}}'
const sha256 = createHash('sha256').update(LIST).digest('hex')

let app: TestApp
let folder: TestFolder
beforeAll(async () => {
  folder = await testFolder({
    'documents.json': JSON.stringify({ List: LIST, [sha256]: LIST, Follow: FOLLOW }),
    'wrong.json': JSON.stringify({ Good: LIST, Bad: '{ nothing }' }),
    'cut.json': '{"List":',
    'list.json': '[]',
    'number.json': '{"List":1}',
  })
  app = await testApp({ TRUSTED_DOCUMENTS: join(folder.path, 'documents.json') })
})
afterAll(async () => {
  await app.close()
  await folder.remove()
})

async function post(body: object, to = app, type = 'application/json') {
  const response = await fetch(`${to.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': type, ...to.admin.headers },
    body: JSON.stringify(body),
  })
  return { status: response.status, body: await response.text() }
}

test('a trusted document is named in every way, on both doors', async () => {
  for (const named of [
    { documentId: 'List' },
    { documentId: sha256 },
    { documentId: `sha256:${sha256}` },
    { extensions: { persistedQuery: { version: 1, sha256Hash: sha256 } } },
    { query: LIST },
    { query: LIST, extensions: { persistedQuery: { version: 1, sha256Hash: 'of another' } } },
  ])
    for (const type of ['application/json', 'application/json', 'application/graphql+json']) {
      const { status, body } = await post({ ...named, variables: { first: 1 } }, app, type)
      expect(status).toBe(200)
      expect(body).toContain(EMPTY)
    }
  const url = `${app.url}/graphql?documentId=sha256%3A${sha256}&variables={"first":1}`
  const response = await fetch(url, { headers: app.admin.headers })
  expect(await response.text()).toContain(EMPTY)
})

test('whatever else is sent is refused, on every door', async () => {
  const forbidden = '"code":"FORBIDDEN"'
  for (const query of [
    '{ __typename }',
    '{ __schema { types { name } } }',
    `${LIST} `,
    '{',
    '{ no }',
  ])
    for (const type of ['application/json', 'application/json', 'application/graphql+json'])
      expect((await post({ query }, app, type)).body, query).toContain(forbidden)
  const url = `${app.url}/graphql?query=${encodeURIComponent('{ __typename }')}`
  for (const accept of ['application/json', 'text/event-stream']) {
    const response = await fetch(url, { headers: { accept, ...app.admin.headers } })
    expect(await response.text()).toContain(forbidden)
  }
  for (const named of [
    { documentId: 'None' },
    { extensions: { persistedQuery: { sha256Hash: '0' } } },
  ])
    expect(await post(named)).toMatchObject({
      status: 400,
      body: expect.stringContaining('"code":"NOT_FOUND"'),
    })
  const page = await fetch(`${app.url}/graphql`, { headers: { accept: 'text/html' } })
  expect(await page.text()).not.toContain('GraphiQL')
})

test('over WebSocket too', async () => {
  const client = createClient({
    url: `${app.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: app.admin.headers,
    retryAttempts: 0,
  })
  const first = (payload: { query: string; extensions?: Record<string, unknown> }) =>
    new Promise<unknown>((resolve) => {
      client.subscribe(payload, { next: resolve, error: resolve, complete() {} })
    })
  try {
    expect(await first({ query: LIST })).toMatchObject({ data: { services: { nodes: [] } } })
    const persistedQuery = { version: 1, sha256Hash: sha256 }
    expect(await first({ query: '', extensions: { persistedQuery } })).toMatchObject({
      data: { services: { nodes: [] } },
    })
    expect(await first({ query: '{ __typename }' })).toMatchObject([
      { extensions: { code: 'FORBIDDEN' } },
    ])
  } finally {
    await client.dispose()
  }
})

test.each([
  ['wrong.json', 'the document "Bad" is wrong: Cannot query field "nothing" on type "Query".'],
  ['cut.json', 'Unexpected end of JSON input.'],
  ['list.json', 'it is not a JSON object of documents by their names.'],
  ['number.json', '"List" is not the text of a document.'],
  ['absent.json', 'ENOENT: no such file or directory'],
])('a server does not start with %s, and says why', async (file, why) => {
  const path = join(folder.path, file)
  await expect(testApp({ TRUSTED_DOCUMENTS: path })).rejects.toThrow(
    `TRUSTED_DOCUMENTS (${path}) cannot be used: ${why}`,
  )
})
