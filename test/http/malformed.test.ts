import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testApp, type TestApp } from '../../testkit/app.ts'

let app: TestApp
beforeAll(async () => {
  app = await testApp({ AUTH: 'open' }) // where the host of a request counts too
})
afterAll(() => app.close())

test('texts that PostgreSQL cannot store are refused before they reach it', async () => {
  for (const text of ['\0', 'a\0b', '\uD800', '\uDC00\uD800'])
    for (const [query, place] of [
      [
        'query ($text: String!) { deployments(filter: { text: $text }) { totalCount } }',
        'filter.text',
      ],
      [
        'query ($text: String!) { services(filter: { text: $text }) { totalCount } }',
        'filter.text',
      ],
      [
        'query ($text: String!) { services(filter: { names: [$text] }) { totalCount } }',
        'filter.names.0',
      ],
      [
        'query ($text: String!) { activity(filter: { actors: [$text] }) { totalCount } }',
        'filter.actors.0',
      ],
      [
        'query ($text: String!) { activity(filter: { actions: ["a", $text] }) { totalCount } }',
        'filter.actions.1',
      ],
    ]) {
      const response = await fetch(`${app.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...app.admin.headers },
        body: JSON.stringify({ query, variables: { text } }),
      })
      expect(await response.json()).toMatchObject({
        errors: [
          {
            message: `\`${place}\` must not contain NUL or half a surrogate pair.`,
            extensions: { code: 'BAD_REQUEST' },
          },
        ],
      })
    }
})

test('a content type that is none is the caller’s mistake, and a matter of services and fronts at theirs', async () => {
  const body = '{"query":"{ __typename }"}'
  const headers = { 'content-type': 'none', ...app.admin.headers }
  for (const [path, status] of [
    ['/graphql', 400],
    ['/nothing', 400],
    ['/deployments/a/services/b', 404],
    ['/topchef/nothing', 404],
  ] as const) {
    const response = await fetch(app.url + path, { method: 'POST', headers, body })
    expect([path, response.status]).toEqual([path, status])
    expect(await response.text()).not.toContain('INTERNAL')
  }
})

test('variables that are no JSON are the caller’s mistake in a URL and in a form too', async () => {
  const wrong = ['variables=[', 'variables=%00', 'extensions={', 'extensions=a']
  const headers = { accept: 'application/graphql-response+json', ...app.admin.headers }
  for (const parameters of wrong.map((one) => `query={__typename}&${one}`)) {
    const form = {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      body: parameters,
    }
    for (const response of [
      await fetch(`${app.url}/graphql?${parameters}`, { headers }),
      await fetch(`${app.url}/graphql`, form),
    ]) {
      expect([parameters, response.status]).toEqual([parameters, 400])
      expect(await response.json()).toMatchObject({
        errors: [{ extensions: { code: 'BAD_REQUEST' } }],
      })
    }
  }
})

/** The first line of the answer to a request that no client would let through. */
async function raw(lines: readonly string[]): Promise<string> {
  const socket = connect(Number(new URL(app.url).port), '127.0.0.1')
  await once(socket, 'connect')
  socket.write([...lines, '', ''].join('\r\n'))
  const [answer] = (await Promise.race([once(socket, 'data'), once(socket, 'close')])) as unknown[] // what the events carry
  socket.destroy()
  return String(answer).split('\r\n')[0] ?? ''
}

const targets = [
  '//[',
  '//[/graphql',
  '/graphql?query=%',
  '//graphql?query={__typename}',
  '/%',
  '*',
]
const hosts = ['localhost', '[', 'a b', '%', '', 'localhost:999999', 'user@localhost']

test('no target and no host is a fault, or the end of the server', async () => {
  const upgrade = [
    'connection: upgrade',
    'upgrade: websocket',
    'sec-websocket-version: 13',
    'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
  ]
  for (const target of targets)
    for (const host of hosts) {
      const authorization = `authorization: Bearer ${app.admin.token}`
      const plain = [`GET ${target} HTTP/1.1`, `host: ${host}`, authorization, 'connection: close']
      expect([target, host, await raw(plain)]).toEqual([
        target,
        host,
        expect.stringMatching(/^HTTP\/1\.1 [1234]/),
      ])
      const upgraded = [`GET ${target} HTTP/1.1`, `host: ${host}`, authorization, ...upgrade]
      expect([target, host, await raw(upgraded)]).toEqual([
        target,
        host,
        expect.stringMatching(/^HTTP\/1\.1 [1234]/),
      ])
    }
  expect((await fetch(`${app.url}/healthz`)).status).toBe(200)
})

async function post(body: object) {
  const response = await fetch(`${app.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...app.admin.headers },
    body: JSON.stringify(body),
  })
  return { status: response.status, body: await response.text() }
}

test('a server without TRUSTED_DOCUMENTS says so to whoever names a document that is none of its own clients', async () => {
  const query = 'query List($first: Int) { services(first: $first) { nodes { id } } }'
  const sha256Hash = createHash('sha256').update(query).digest('hex')
  for (const named of [{ documentId: 'List' }, { extensions: { persistedQuery: { sha256Hash } } }])
    expect(await post(named)).toMatchObject({
      status: 400,
      body: expect.stringContaining('only those of its own clients'),
    })
  expect((await post({ query })).body).toContain('{"data":{"services":{"nodes":[]}}')
})
