import { createHash } from 'node:crypto'
import { createClient } from 'graphql-ws'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { ownClients } from '../../src/execution/own-documents.ts'
import { testApp, type TestApp } from '../../testkit/app.ts'

/* A server without TRUSTED_DOCUMENTS. */
let app: TestApp
beforeAll(async () => {
  app = await testApp({ OPERATIONS_PER_SECOND: '0' })
})
afterAll(() => app.close())

const hashOf = (text: string) => createHash('sha256').update(text).digest('hex')
const texts = Object.values(ownClients).flatMap((own) => own())
const LIST = texts.find((text) => text.includes('query CliServices('))!

async function post(body: object, type = 'application/json') {
  const response = await fetch(`${app.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': type, ...app.admin.headers },
    body: JSON.stringify(body),
  })
  return response.text()
}

test.each(Object.entries(ownClients))(
  'every server knows the documents of the %s by their names, in every form of a name',
  async (_client, own) => {
    expect(own().length).toBeGreaterThan(4)
    for (const text of own()) {
      const sha256Hash = hashOf(text)
      for (const named of [
        { documentId: sha256Hash },
        { documentId: `sha256:${sha256Hash}` },
        { extensions: { persistedQuery: { version: 1, sha256Hash } } },
      ]) {
        const byName = await post(named)
        expect(byName).not.toContain('NOT_FOUND')
        expect(byName).not.toContain('must be a valid GraphQL')
      }
    }
  },
)

test('what a document answers by its name is what it answers by its text, on every door', async () => {
  const documentId = hashOf(LIST)
  const answer = await post({ query: LIST })
  expect(JSON.parse(answer)).toMatchObject({ data: { services: { nodes: [] } } })
  for (const type of ['application/json', 'application/json', 'application/graphql+json'])
    expect(await post({ documentId }, type)).toBe(answer)
  const url = `${app.url}/graphql?documentId=sha256%3A${documentId}`
  const got = await fetch(url, { headers: { accept: 'application/json', ...app.admin.headers } })
  expect(await got.text()).toBe(answer)
  const client = createClient({
    url: `${app.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: app.admin.headers,
    retryAttempts: 0,
  })
  const extensions = { persistedQuery: { version: 1, sha256Hash: documentId } }
  const overSocket = await new Promise((resolve) => {
    client.subscribe({ query: '', extensions }, { next: resolve, error: resolve, complete() {} })
  })
  expect(overSocket).toMatchObject({ data: { services: { nodes: [] } } })
  await client.dispose()
})

test('a document that is sent as text runs whether it is known or not, and an unknown name is refused', async () => {
  expect(await post({ query: '{ __typename }' })).toContain('"__typename":"Query"')
  expect(await post({ documentId: hashOf('{ __typename }') })).toContain('"code":"NOT_FOUND"')
})
