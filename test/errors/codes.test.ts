import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { testApp, type TestApp } from '../../testkit/app.ts'
import { testFolder, type TestFolder } from '../../testkit/folder.ts'
import { doors } from '../limits/doors.ts'

let app: TestApp
/** Runs no documents but its own. */
let trusting: TestApp
let folder: TestFolder
/** `enum ErrorCode`, as the schema shows it. */
let codes: readonly string[]
beforeAll(async () => {
  folder = await testFolder({ 'documents.json': '{"Type":"{ __typename }"}' })
  app = await testApp({ MAX_SUBSCRIPTIONS: '1', MAX_COST: '2000', MAX_BODY_BYTES: '100000' })
  trusting = await testApp({ TRUSTED_DOCUMENTS: join(folder.path, 'documents.json') })
  const schema = await readFile(new URL('../../schema.graphql', import.meta.url), 'utf8')
  const [, body = ''] = /^enum ErrorCode \{([^]*?)^\}/m.exec(schema) ?? []
  codes = body.match(/^  [A-Z_]+$/gm)?.map((line) => line.trim()) ?? []
  expect(codes).toContain('INTERNAL')
})
afterAll(async () => {
  await Promise.all([app.close(), trusting.close()])
  await folder.remove()
})

interface Answer {
  readonly errors?: readonly { readonly message: string; readonly extensions?: { code?: string } }[]
}

/** Expects errors with codes of the list, and answers them. */
function coded(what: string, { errors = [] }: Answer): string[] {
  const found = errors.map(({ extensions }) => String(extensions?.code))
  expect([what, found]).not.toEqual([what, []])
  for (const code of found) expect([what, codes.includes(code), code]).toEqual([what, true, code])
  return found
}

const TWO = 'query A { a: __typename } query B { b: __typename }'
/** Operations of whoever has every right, each of which is refused. */
const wrong: [what: string, body: Record<string, unknown>, code: string][] = [
  ['no document', {}, 'BAD_REQUEST'],
  ['an empty document', { query: '' }, 'BAD_REQUEST'],
  ['a document that is no text', { query: 3 }, 'BAD_REQUEST'],
  ['a syntax error', { query: '{' }, 'BAD_REQUEST'],
  ['a field that is not there', { query: '{ nothing }' }, 'BAD_REQUEST'],
  ['no operation', { query: 'fragment A on Query { __typename }' }, 'BAD_REQUEST'],
  ['several operations and no name', { query: TWO }, 'BAD_REQUEST'],
  ['several operations and an empty name', { query: TWO, operationName: '' }, 'BAD_REQUEST'],
  ['a name of no operation', { query: TWO, operationName: 'C' }, 'BAD_REQUEST'],
  ['a name that is no text', { query: TWO, operationName: 3 }, 'BAD_REQUEST'],
  ['variables that are a list', { query: '{ __typename }', variables: [] }, 'BAD_REQUEST'],
  ['extensions that are a number', { query: '{ __typename }', extensions: 3 }, 'BAD_REQUEST'],
  ['a member that is not known', { query: '{ __typename }', more: 1 }, 'BAD_REQUEST'],
  ['a name of a document', { documentId: 'a' }, 'NOT_FOUND'],
  ['a hash of a document', { extensions: { persistedQuery: { sha256Hash: 'a' } } }, 'NOT_FOUND'],
  [
    'too many aliases',
    { query: `{ ${Array.from({ length: 300 }, (_, n) => `a${n}:__typename`).join(' ')} }` },
    'TOO_COMPLEX',
  ],
  ['too much', { query: '{ services { nodes { events { nodes { number } } } } }' }, 'TOO_COMPLEX'],
  ['a bad cursor', { query: '{ jobs(after: "a") { totalCount nodes { id } } }' }, 'BAD_CURSOR'],
]

test.each(wrong)('%s', async (what, body, code) => {
  for (const accept of [
    'application/json',
    'application/graphql-response+json',
    'text/event-stream',
  ])
    for (const type of ['application/json', 'application/graphql+json'])
      for (const method of ['POST', 'GET']) {
        if (method === 'GET' && type !== 'application/json') continue
        const response = await fetch(`${app.url}/graphql${method === 'GET' ? inUrl(body) : ''}`, {
          method,
          headers: { 'content-type': type, accept, ...app.admin.headers },
          ...(method === 'POST' ? { body: JSON.stringify(body) } : {}),
        })
        const where = `${what}: ${method} ${type}, ${accept}`
        const answer = await answerOf(response)
        // a URL has no numbers, lists and members of JSON
        const isSame = method === 'POST' || Object.values(body).every(isText)
        if (isSame) expect([where, coded(where, answer)[0]]).toEqual([where, code])
        else if (answer.errors) coded(where, answer)
      }
})

const isText = (value: unknown): boolean => typeof value === 'string'

const inUrl = (body: Record<string, unknown>): string =>
  `?${new URLSearchParams(Object.entries(body).map(([name, value]) => [name, isText(value) ? String(value) : JSON.stringify(value)]))}`

/** What came back, in JSON or as the first event of a stream. */
async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text()
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream')
  return JSON.parse(isStream ? (/^data: (.+)$/m.exec(text)?.[1] ?? '{}') : text) as Answer // the server's own form
}

/** A socket that is acknowledged, and what it is answered to one operation. */
async function overSocket(payload: Record<string, unknown>): Promise<Answer> {
  const socket = new WebSocket(`${app.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
  try {
    await once(socket, 'open')
    socket.send(JSON.stringify({ type: 'connection_init', payload: app.admin.headers }))
    await once(socket, 'message')
    socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload }))
    const [data] = (await once(socket, 'message')) as [Buffer]
    const message = JSON.parse(data.toString()) as { type: string; payload: never }
    return message.type === 'error' ? { errors: message.payload } : message.payload
  } finally {
    socket.terminate()
  }
}

// whatever graphql-ws does not take for an operation ends the socket (test/http/close-codes.test.ts)
const asked = wrong.filter(
  ([, { query, operationName, variables, extensions }]) =>
    typeof query === 'string' &&
    typeof operationName !== 'number' &&
    !Array.isArray(variables) &&
    typeof extensions !== 'number',
)

test.each(asked.filter(([, { more }]) => more === undefined))(
  '%s, over a socket',
  async (what, body, code) => {
    expect(coded(what, await overSocket(body))[0]).toBe(code)
  },
)

test('an empty name of an operation is none, on every door', async () => {
  for (const [door, ask] of Object.entries(doors))
    expect([
      door,
      await ask(app.admin, { query: 'query A { __typename }', operationName: '' }),
    ]).toMatchObject([door, { data: { __typename: 'Query' } }])
})

test('several operations and no name: which there are', async () => {
  for (const ask of Object.values(doors)) {
    const message = 'The document has several operations: give one of "A", "B" as `operationName`.'
    expect((await ask(app.admin, { query: TWO })).errors).toEqual([
      { message, extensions: { code: 'BAD_REQUEST' } },
    ])
  }
})

/** What is wrong with a request before its operation is looked at. */
const requests: [what: string, path: string, init: RequestInit, status: number, code: string][] = [
  [
    'no credential',
    '',
    posted('{"query":"{ services { nodes { id } } }"}'),
    200,
    'UNAUTHENTICATED',
  ],
  [
    'a credential that is not known',
    '',
    posted('{"query":"{ __typename }"}', { authorization: 'Bearer mrt_a' }),
    401,
    'UNAUTHENTICATED',
  ],
  [
    'a page of another site',
    '',
    posted('{"query":"{ __typename }"}', { cookie: 'millrace=a', 'sec-fetch-site': 'cross-site' }),
    403,
    'FORBIDDEN',
  ],
  ['no JSON', '', posted('{'), 400, 'BAD_REQUEST'],
  ['a batch', '', posted('[{"query":"{ __typename }"}]'), 400, 'BAD_REQUEST'],
  ['null', '', posted('null'), 400, 'BAD_REQUEST'],
  [
    'multipart',
    '',
    posted('a', { 'content-type': 'multipart/form-data; boundary=a' }),
    415,
    'BAD_REQUEST',
  ],
  ['no type', '', posted('a', { 'content-type': 'none' }), 400, 'BAD_REQUEST'],
  [
    'a form with variables that are no JSON',
    '',
    posted('query={__typename}&variables=[', {
      'content-type': 'application/x-www-form-urlencoded',
    }),
    200,
    'BAD_REQUEST',
  ],
  [
    'a body that is too large',
    '',
    posted(JSON.stringify({ query: `#${'a'.repeat(200_000)}` })),
    413,
    'QUOTA_REACHED',
  ],
  [
    'a media type that there is not',
    '',
    posted('{"query":"{ __typename }"}', { accept: 'image/png' }),
    406,
    'BAD_REQUEST',
  ],
  ['a method that there is not', '', { method: 'PUT' }, 405, 'BAD_REQUEST'],
  ['a mutation by GET', '?query=mutation{logOut(input:{}){__typename}}', {}, 405, 'BAD_REQUEST'],
  [
    'a subscription that takes no events',
    '?query=subscription{organizationChanged{cursor}}',
    { headers: { accept: 'application/json' } },
    406,
    'BAD_REQUEST',
  ],
  [
    'variables in a URL that are no JSON',
    '?query={__typename}&variables=[',
    {},
    200,
    'BAD_REQUEST',
  ],
  ['a URL that is too long', `?query=${'a'.repeat(9_000)}`, {}, 414, 'BAD_REQUEST'],
]

function posted(body: string, headers: Record<string, string> = {}): RequestInit {
  return { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body }
}

test.each(requests)('%s', async (what, path, init, status, code) => {
  const response = await fetch(`${app.url}/graphql${path}`, init)
  expect([what, response.status, coded(what, await answerOf(response))]).toEqual([
    what,
    status,
    [code],
  ])
})

test('a document that is not trusted', async () => {
  for (const body of ['{"query":"{ a: __typename }"}', '{"documentId":"a"}']) {
    const response = await fetch(`${trusting.url}/graphql`, posted(body, trusting.admin.headers))
    coded(body, await answerOf(response))
  }
})

test('more subscriptions than a caller may have', async () => {
  const query = 'subscription { organizationChanged { cursor } }'
  const leaving = new AbortController()
  const follow = () =>
    fetch(`${app.url}/graphql`, {
      ...posted(JSON.stringify({ query }), { accept: 'text/event-stream', ...app.admin.headers }),
      signal: leaving.signal,
    })
  expect((await follow()).status).toBe(200)
  expect(coded('subscriptions', await answerOf(await follow()))).toEqual(['QUOTA_REACHED'])
  leaving.abort()
})

/** Statuses in both media types of JSON, as docs/errors.md has them. */
const statuses: [what: string, body: Record<string, unknown>, json: number, own: number][] = [
  ['syntax', { query: '{' }, 200, 400],
  ['validation', { query: '{ nothing }' }, 200, 400],
  ['no document', {}, 200, 400],
  ['variables', { query: 'query ($a: ID!) { service(id: $a) { id } }' }, 200, 200],
  ['a field', { query: '{ jobs(after: "a") { nodes { id } } }' }, 200, 200],
  ['cost', { query: '{ services { nodes { events { nodes { number } } } } }' }, 200, 200],
  ['no name', { query: TWO }, 400, 400],
  ['a name of no document', { documentId: 'a' }, 400, 400],
]

test.each(statuses)('the statuses of %s', async (what, body, json, own) => {
  const found = []
  for (const accept of ['application/json', 'application/graphql-response+json']) {
    const sent = posted(JSON.stringify(body), { accept, ...app.admin.headers })
    found.push((await fetch(`${app.url}/graphql`, sent)).status)
  }
  expect([what, ...found]).toEqual([what, json, own])
})

test('the statuses of a document that is not trusted', async () => {
  for (const [accept, status] of [
    ['application/json', 200],
    ['application/graphql-response+json', 403],
  ] as const) {
    const sent = posted('{"query":"{ a: __typename }"}', { accept, ...trusting.admin.headers })
    expect([accept, (await fetch(`${trusting.url}/graphql`, sent)).status]).toEqual([
      accept,
      status,
    ])
  }
})
