import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedApp, type SharedApp } from '../../testkit/shared.ts'

/* In what an operation may be sent, and that nothing is taken for what it is not. */

let app: SharedApp
beforeAll(async () => {
  app = await sharedApp()
})
afterAll(() => app.close())

const QUERY = '{"query":"{ __typename }"}'
const JSON_ = 'application/json'

interface Answer {
  readonly data?: unknown
  readonly errors?: readonly { message: string; extensions?: { code?: string } }[]
}

async function send(
  body: string | Buffer | undefined,
  headers: Record<string, string>,
  path = '/graphql',
): Promise<{ status: number; body: Answer }> {
  const response = await fetch(app.url + path, {
    method: 'POST',
    headers: { ...app.admin.headers, ...headers },
    // a text would bring a content type of its own
    body: body === undefined ? null : new Uint8Array(Buffer.from(body)),
  })
  return { status: response.status, body: (await response.json()) as Answer }
}

test.each([
  [QUERY, JSON_],
  [QUERY, 'Application/JSON'],
  [QUERY, 'application/json ; charset="UTF-8"'],
  [QUERY, 'application/json; charset=us-ascii'],
  [`\ufeff${QUERY}`, JSON_],
  [QUERY, 'application/graphql+json'],
  ['{ __typename }', 'application/graphql; charset=utf-8'],
  ['query=%7B__typename%7D', 'application/x-www-form-urlencoded'],
  ['{"query":"{ __typename }","operationName":""}', JSON_],
  ['query=%7B__typename%7D&operationName=', 'application/x-www-form-urlencoded'],
])('%j is read as %s', async (body, type) => {
  for (const time of ['first', 'second'])
    expect([time, await send(body, { 'content-type': type })]).toMatchObject([
      time,
      { status: 200, body: { data: { __typename: 'Query' } } },
    ])
})

test('an operation without a name may be asked for by none', async () => {
  const query = 'query One { __typename } query Two { __typename }'
  const { body } = await send(JSON.stringify({ query, operationName: '' }), {
    'content-type': JSON_,
  })
  expect(body.errors).toHaveLength(1)
})

test.each<[string | Buffer | undefined, Record<string, string>, string]>([
  [QUERY, {}, 'Say by Content-Type in what the operation is sent'],
  [QUERY, { 'content-type': 'text/plain' }, 'The server does not read operations as text/plain'],
  [
    '<a/>',
    { 'content-type': 'application/xml' },
    'The server does not read operations as application/xml',
  ],
  [
    '',
    { 'content-type': 'multipart/form-data; boundary=x' },
    'does not read operations as multipart/form-data',
  ],
  [Buffer.from(QUERY, 'utf16le'), { 'content-type': `${JSON_}; charset=utf-16le` }, 'in utf-16le'],
  [
    Buffer.from(QUERY, 'latin1'),
    { 'content-type': `${JSON_}; charset=ISO-8859-1` },
    'A body is not read in iso-8859-1: send it in UTF-8.',
  ],
  [
    gzipSync(QUERY),
    { 'content-type': JSON_, 'content-encoding': 'gzip' },
    'A body is not read in the encoding gzip: send it as it is.',
  ],
])('%o with %j is 415, in words', async (body, headers, words) => {
  const answer = await send(body, headers)
  expect(answer).toEqual({
    status: 415,
    body: {
      errors: [{ message: expect.stringContaining(words), extensions: { code: 'BAD_REQUEST' } }],
    },
  })
})

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1')

test('bytes that are not UTF-8 are kept by nobody, at no door', async () => {
  const mutation = 'mutation { createProject(input: { name: \\"caf\u00e9\\" }) { __typename } }'
  const headers = { 'content-type': JSON_ }
  const answer = await send(latin1(`{"query":"${mutation}"}`), headers)
  expect(answer).toEqual({
    status: 400,
    body: { errors: [{ message: 'The body is not UTF-8.', extensions: { code: 'BAD_REQUEST' } }] },
  })
  const { body } = await send(
    '{"query":"{ viewer { organization { address(front: ABEJA) } } }"}',
    headers,
  )
  const { data } = body as { data: { viewer: { organization: { address: string } } } }
  const abeja = `/abeja/organizations/${data.viewer.organization.address}/deployments`
  expect(await send(latin1('{"name":"caf\u00e9"}'), headers, abeja)).toMatchObject({ status: 400 })
  expect(await send('\ufeff{"name":"marked"}', headers, abeja)).toMatchObject({ status: 200 })
  const topchef = await send(latin1('{"name":"caf\u00e9"}'), headers, '/topchef/services')
  expect(topchef.status).toBe(400)
})
