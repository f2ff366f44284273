import { randomUUID } from 'node:crypto'
import { request } from 'node:http'
import { createClient } from 'graphql-sse'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { persistent } from '../../src/client/index.ts'
import { graphql } from '../../testkit/generated/index.ts'
import { sharedApp, type SharedApp } from '../../testkit/shared.ts'

/* What is answered in what form, and what is done for whoever takes none of ours. */

let app: SharedApp
beforeAll(async () => {
  app = await sharedApp()
})
afterAll(() => app.close())

const JSON_ = 'application/json; charset=utf-8'
const GRAPHQL = 'application/graphql-response+json; charset=utf-8'
const STREAM = 'text/event-stream'
const PAGE = 'text/html'

type Kind = 'query' | 'mutation' | 'subscription'
const name = randomUUID()
const documents: Readonly<Record<Kind, string>> = {
  query: '{ __typename }',
  mutation: `mutation { createProject(input: { name: "${name}" }) { __typename } }`,
  subscription: 'subscription { organizationChanged(after: "start") { cursor } }',
}

const Projects = graphql(`
  query AcceptProjects {
    projects(first: 100) {
      nodes {
        name
      }
    }
  }
`)

interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string
}

/** fetch() always sends an `Accept`. */
const send = (method: 'GET' | 'POST', kind: Kind, accept: string | undefined) =>
  new Promise<Answer>((resolve, reject) => {
    const query = documents[kind]
    const path = method === 'GET' ? `/graphql?${new URLSearchParams({ query })}` : '/graphql'
    const headers = {
      ...app.admin.headers,
      ...(method === 'POST' && { 'content-type': 'application/json' }),
      ...(accept !== undefined && { accept }),
    }
    const sent = request(app.url + path, { method, headers }, (response) => {
      const { statusCode: status = 0, headers: told } = response
      const type = told['content-type'] ?? ''
      let body = ''
      const done = (): void => {
        resolve({ status, type, body })
        sent.destroy()
      }
      response.setEncoding('utf8').on('end', done)
      response.on('data', (text: string) => {
        body += text
        // a stream is not waited for
        if (type === STREAM && body.includes('data:')) done()
      })
    })
    sent.on('error', reject)
    sent.end(method === 'POST' ? JSON.stringify({ query }) : undefined)
  })

const AMBIGUOUS = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'

/** In what a query and a mutation are answered, and a subscription; without it 406. */
test.each<[string | undefined, string | undefined, string | undefined]>([
  [undefined, JSON_, STREAM],
  ['', JSON_, STREAM],
  ['*/*', JSON_, STREAM],
  ['*', JSON_, STREAM],
  ['image/gif, *; q=.2, */*; q=.2', JSON_, STREAM],
  ['application/*', JSON_, undefined],
  ['application/json', JSON_, undefined],
  ['APPLICATION/JSON ;Charset="UTF-8"', JSON_, undefined],
  ['application/json, text/plain, */*', JSON_, STREAM],
  ['application/graphql-response+json', GRAPHQL, undefined],
  ['application/graphql-response+json, application/json;q=0.9', GRAPHQL, undefined],
  ['application/json;q=0.5, application/graphql-response+json', GRAPHQL, undefined],
  ['application/json;q=0, */*', GRAPHQL, STREAM],
  ['application/json;charset=iso-8859-1, application/graphql-response+json', GRAPHQL, undefined],
  ['text/event-stream', STREAM, STREAM],
  ['text/*', STREAM, STREAM],
  ['text/event-stream;q=0.1, application/json', JSON_, STREAM],
  ['application/json, text/event-stream', JSON_, STREAM],
  // Apollo Client
  ['multipart/mixed;deferSpec=20220824,application/json', JSON_, undefined],
  ['multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json', JSON_, undefined],
  ['multipart/mixed', undefined, undefined],
  ['multipart/mixed;boundary=graphql;subscriptionSpec=1.0', undefined, undefined],
  // urql
  [
    'application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed',
    GRAPHQL,
    STREAM,
  ],
  ['application/json;q=0', undefined, undefined],
  ['*/*;q=0', undefined, undefined],
  ['application/json;charset=iso-8859-1', undefined, undefined],
  ['application/graphql+json', undefined, undefined],
  ['application/xml', undefined, undefined],
  ['image/png', undefined, undefined],
  ['json', undefined, undefined],
  [',;=', undefined, undefined],
])('%j', async (accept, single, streamed) => {
  for (const kind of ['query', 'subscription'] as const)
    for (const method of ['POST', 'GET'] as const) {
      const type = kind === 'query' ? single : streamed
      const answer = await send(method, kind, accept)
      const asked = `${method} ${kind}`
      expect({ asked, status: answer.status }).toEqual({ asked, status: type ? 200 : 406 })
      if (type !== undefined) expect({ asked, type: answer.type }).toEqual({ asked, type })
      else expectRefusal(answer)
    }
})

/** A sentence in GraphQL's form. */
function expectRefusal({ type, body }: Answer): void {
  expect(type).toMatch(/^application\/(graphql-response\+)?json/)
  expect(JSON.parse(body)).toEqual({
    errors: [{ message: expect.stringContaining(STREAM), extensions: { code: 'BAD_REQUEST' } }],
  })
}

test.each([PAGE, AMBIGUOUS, 'text/html, application/json'])(
  'a browser that asks for %s gets the page',
  async (accept) => {
    for (const kind of ['query', 'mutation', 'subscription'] as const)
      expect(await send('GET', kind, accept)).toMatchObject({ status: 200, type: PAGE })
  },
)

const projects = async (): Promise<readonly string[]> =>
  (await app.admin.request(Projects)).projects.nodes.map((one) => one.name)

test('a mutation whose answer nobody takes is not carried out', async () => {
  for (const accept of ['image/png', 'text/html', 'multipart/mixed', 'application/json;q=0']) {
    const answer = await send('POST', 'mutation', accept)
    expect(answer.status).toBe(406)
    expectRefusal(answer)
  }
  expect(await projects()).not.toContain(name)
  expect(await send('POST', 'mutation', 'application/json')).toMatchObject({ status: 200 })
  expect(await projects()).toContain(name)
})

/** Why a client of graphql-sse gives a subscription up. */
const given = (client: Pick<ReturnType<typeof createClient>, 'subscribe'>) =>
  new Promise<Error>((resolve, reject) => {
    const sink = { next: reject, error: resolve, complete: () => reject(new Error('complete')) }
    client.subscribe({ query: documents.subscription }, sink)
  })

test('graphql-sse in single connection mode is told that there is none, and does not try for ever', async () => {
  const options = {
    url: `${app.url}/graphql`,
    headers: app.admin.headers,
    singleConnection: true,
  } as const
  const plain = createClient({ ...options, retryAttempts: 0 })
  expect((await given(plain)).message).toBe(
    'Server responded with 405: No single connection mode here',
  )
  plain.dispose()
  const lasting = persistent(createClient, options as never)
  expect((await given(lasting)).message).toContain('has no single connection mode (status 405)')
  lasting.dispose()
})

test.each(['PUT', 'DELETE', 'PATCH'])('%s is no way to ask', async (method) => {
  const response = await fetch(`${app.url}/graphql`, { method, headers: app.admin.headers })
  expect(response.status).toBe(405)
  expect(response.headers.get('allow')).toBe('GET, POST')
  expect(await response.json()).toEqual({
    errors: [{ message: expect.any(String), extensions: { code: 'BAD_REQUEST' } }],
  })
})
