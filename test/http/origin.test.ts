import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { Abeja } from '../../testkit/fronts/abeja.ts'
import { testApp, type TestApp } from '../../testkit/app.ts'
import { seed } from '../../testkit/seed/chain.ts'

const STRANGER = 'stranger.example'

let app: TestApp
let proxied: TestApp
let published: TestApp
let deploymentId: string
beforeAll(async () => {
  app = await testApp({ OPEN_FRONTS: 'topchef', ROOT_FRONT_TOPCHEF_PORT: '0' })
  proxied = await testApp({ TRUST_PROXY: '1' })
  published = await testApp({ PUBLIC_URL: 'https://ml.example.com' })
  const files = { 'main.mjs': 'export const handler = () => new Response()' }
  const made = seed(app.admin).deployment().version(files, { image: 'node' }).service()
  ;({ deploymentId } = await made.made())
})
afterAll(async () => {
  for (const one of [app, proxied, published]) await one.close()
})

/** By node:http, because fetch lets nobody choose a Host. */
async function ask(
  url: string,
  method: string,
  path: string,
  headers: Record<string, string>,
  body?: object,
) {
  const type = body === undefined ? {} : { 'content-type': 'application/json' }
  const asking = request(url + path, { method, headers: { ...type, ...headers } })
  asking.end(body === undefined ? undefined : JSON.stringify(body))
  const [answer] = (await once(asking, 'response')) as [IncomingMessage] // what the event carries
  return { status: answer.statusCode, said: JSON.stringify(answer.headers) + (await text(answer)) }
}

const URLS = `{
  deploymentVersions: deployment(id: "$id") { versions { nodes { archive { downloadUrl } addresses { path } } } }
  services { nodes { ... on ProcessService { invokeUrl addresses { path } } } } }`
const CREATE = `mutation { createUpload(input: { name: "x" }) { ... on CreateUploadSuccess { upload { url } } } }`

/** Everything that prints a URL: what is asked, with the credential of `admin`. */
async function printing(of: TestApp): Promise<[string, string, object?][]> {
  const { organization } = await Abeja.of(of.admin)
  const abeja = `/abeja/organizations/${organization}/deployments`
  return [
    ['POST', '/graphql', { query: URLS.replace('$id', deploymentId) }],
    ['POST', '/graphql', { query: CREATE }],
    [
      'GET',
      `/graphql?query=${encodeURIComponent('{ services { nodes { ... on ProcessService { invokeUrl } } } }')}`,
    ],
    ['POST', abeja, { name: 'x' }],
    ['GET', abeja],
    ['GET', '/abeja/openapi.json'],
    ['GET', '/abeja/docs'],
    ['GET', '/topchef'],
    ['GET', '/topchef/services'],
    ['GET', '/topchef/docs'],
    ['GET', '/docs'],
    ['GET', '/'],
    ['GET', '/millrace.py'],
    ['GET', '/healthz'],
    ['GET', '/nothing'],
    ['GET', '/topchef/nothing'],
  ]
}

test.each<[string, Record<string, string>]>([
  ['a Host', { host: STRANGER }],
  ['a Host with a port', { host: `${STRANGER}:4000` }],
  ['a Host that is a path', { host: `127.0.0.1/${STRANGER}` }],
  ['a Host with a user', { host: `127.0.0.1@${STRANGER}` }],
  ['a Host that looks like loopback', { host: `127.0.0.1.${STRANGER}` }],
  ['a Host with a port that is none', { host: 'localhost:99999' }],
  ['X-Forwarded-Host', { 'x-forwarded-host': STRANGER }],
  ['Forwarded', { forwarded: `host=${STRANGER};proto=https` }],
  ['several', { host: STRANGER, 'x-forwarded-host': STRANGER, 'x-forwarded-proto': 'https' }],
])('without PUBLIC_URL no URL has the name that only the caller wrote: %s', async (_, headers) => {
  for (const [method, path, body] of await printing(app)) {
    const { said, status } = await ask(
      app.url,
      method,
      path,
      { ...app.admin.headers, ...headers },
      body,
    )
    expect(said, `${method} ${path}`).not.toMatch(/stranger|:99999/)
    expect(status, `${method} ${path} ${said}`).toBeLessThan(500)
  }
  const root = app.fronts.TOPCHEF ?? ''
  for (const path of ['/', '/services', '/docs', '/openapi.json'])
    expect((await ask(root, 'GET', path, { ...app.admin.headers, ...headers })).said).not.toMatch(
      /stranger|:99999/,
    )
})

test('a URL that is printed for a strange Host leads to the address the request came in at', async () => {
  const headers = { ...app.admin.headers, host: STRANGER }
  const query = URLS.replace('$id', deploymentId)
  const read = (await ask(app.url, 'POST', '/graphql', headers, { query })).said
  expect(read).not.toContain('"errors"')
  const [, archive = ''] = /"downloadUrl":"([^"]+)"/.exec(read) ?? []
  expect(archive).toContain(`${app.url}/archives/`)
  expect(read).toContain(`"invokeUrl":"${app.url}/deployments/`)
  expect((await fetch(archive)).status).toBe(200)
  const made = (await ask(app.url, 'POST', '/graphql', headers, { query: CREATE })).said
  const [, url = ''] = /"url":"([^"]+)"/.exec(made) ?? []
  expect((await fetch(url, { method: 'PUT', body: 'x' })).status).toBe(200)
  // of a listener of its own, that one
  const root = app.fronts.TOPCHEF ?? ''
  expect((await ask(root, 'GET', '/', headers)).said).toContain(`${root}/docs`)
})

test('a WebSocket under a strange Host is told no URL with it', async () => {
  const socket = new WebSocket(`${app.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', {
    headers: { ...app.admin.headers, host: STRANGER },
  })
  const said: string[] = []
  socket.on('message', (data: Buffer) => said.push(data.toString()))
  await once(socket, 'open')
  socket.send(JSON.stringify({ type: 'connection_init' }))
  await once(socket, 'message')
  socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query: CREATE } }))
  await once(socket, 'message')
  socket.terminate()
  expect(said.join('')).toContain(`${app.url}/uploads/`)
  expect(said.join('')).not.toContain('stranger')
})

test('names of this machine are repeated with the port the caller reached, as through a tunnel', async () => {
  for (const host of ['localhost:8080', '127.0.0.1:81', '[::1]:4000', 'localhost']) {
    const { said } = await ask(
      app.url,
      'POST',
      '/graphql',
      { ...app.admin.headers, host },
      { query: CREATE },
    )
    expect(said).toContain(`"url":"http://${host}/uploads/`)
  }
})

/** What a server behind a proxy prints for a request with these headers. */
async function behindProxy(headers: Record<string, string>): Promise<string> {
  const all = { ...proxied.admin.headers, ...headers }
  return (await ask(proxied.url, 'POST', '/graphql', all, { query: CREATE })).said
}

test('behind TRUST_PROXY the name that the proxy forwards is printed, if it is one', async () => {
  const forwarded = { 'x-forwarded-host': 'ml.example.com', 'x-forwarded-proto': 'https' }
  expect(await behindProxy(forwarded)).toContain('"url":"https://ml.example.com/uploads/')
  expect(await behindProxy({ host: STRANGER })).not.toContain(STRANGER)
  for (const host of ['evil.example/x', 'u@evil.example', 'a b', 'e.example:99999', 'e.example?x'])
    expect(await behindProxy({ 'x-forwarded-host': host })).toContain(
      `"url":"${proxied.url}/uploads/`,
    )
})

test('with PUBLIC_URL every URL begins with it', async () => {
  const headers = { ...published.admin.headers, host: STRANGER }
  const { said } = await ask(published.url, 'POST', '/graphql', headers, { query: CREATE })
  expect(said).toContain('"url":"https://ml.example.com/uploads/')
  expect((await ask(published.url, 'GET', '/abeja/openapi.json', headers)).said).toContain(
    '"https://ml.example.com/abeja"',
  )
})
