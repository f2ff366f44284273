import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { testApp, type TestApp } from '../../testkit/app.ts'
import { freePort } from '../../testkit/machine/postgres.ts'
import { RevokeToken } from '../../testkit/operations/organizations.ts'
import { OpenService, ServiceStatus } from '../../testkit/operations/services.ts'
import { succeeded } from '../../testkit/outcome.ts'
import { member, seedOrganization, seedToken } from '../../testkit/seed/organizations.ts'
import { runningService } from '../../testkit/seed/services.ts'
import { until } from '../../testkit/until.ts'

/* The hosts of services over plain HTTP, in open mode, which lets strangers do everything elsewhere. */
let app: TestApp
let ours: string
let one: { id: string; organizationId: string; host: string }
let other: { id: string; organizationId: string; host: string }
beforeAll(async () => {
  const port = await freePort()
  ours = `127.0.0.1:${port}`
  app = await testApp({
    AUTH: 'open',
    PORT: String(port),
    PUBLIC_URL: `http://${ours}`,
    SERVICES_URL: 'https://*.apps.example.com',
  })
  ;[one, other] = await Promise.all([seeded(), seeded()])
})
afterAll(() => app.close())

async function seeded() {
  const { id: organizationId, admin } = await seedOrganization(app)
  const files = {
    'main.mjs': `export const handler = (request) =>
      new Response(new URL(request.url).pathname + ' ' +
        (request.headers.get('cookie') ?? request.headers.get('authorization') ?? ''))`,
  }
  const { id } = await runningService(admin, files, { image: 'node' })
  return { id, organizationId, host: `${id.replace('_', '-')}.apps.example.com` }
}

/** By node:http, because fetch lets nobody choose hosts. */
async function ask(
  host: string,
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
) {
  const { hostname, port } = new URL(app.url)
  const asking = request({ hostname, port, method, path, headers: { host, ...headers } }).end()
  const [answer] = (await once(asking, 'response')) as [IncomingMessage] // what the event carries
  return { status: answer.statusCode, headers: answer.headers, body: await text(answer) }
}

/** Opens a service in a browser that follows redirects; answers the cookie that it then has. */
async function opened(service: typeof one, client = app.admin): Promise<string> {
  const { openService } = await client.request(OpenService, { input: { id: service.id } })
  const url = new URL(succeeded(openService, 'OpenServiceSuccess').url)
  expect(url.host).toBe(service.host)
  const { status, headers } = await ask(url.host, url.pathname + url.search)
  expect(status).toBe(303)
  expect(headers['location']).toBe(`https://${service.host}/`)
  const [cookie = ''] = headers['set-cookie'] ?? []
  expect(cookie).toMatch(/^__Host-millrace-page=[^;]+; Path=\/; HttpOnly; Secure; SameSite=Lax$/)
  return cookie.split(';')[0] ?? ''
}

test('a service has an address for its pages, of its own id', async () => {
  const { service } = await app.admin.request(ServiceStatus, { id: one.id })
  expect(service).toMatchObject({ pageUrl: `https://${one.host}/` })
})

test('whoever has no credential is let in at the host of no service, and nothing of ours answers there', async () => {
  for (const path of [
    '/',
    '/graphql',
    '/docs',
    '/metrics',
    '/healthz',
    '/open/x',
    '/.well-known/millrace/page',
  ])
    for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'HEAD'])
      expect({ path, method, ...(await ask(one.host, path, {}, method)) }).toMatchObject({
        status: 401,
      })
  const known = {
    'sec-fetch-mode': 'navigate',
    'sec-fetch-dest': 'document',
    'sec-fetch-site': 'none',
  }
  expect(await ask(one.host, '/a?b', known)).toMatchObject({
    status: 302,
    headers: {
      location: expect.stringMatching(
        new RegExp(`^http://${ours}/open/${one.id}\\?to=%2Fa%3Fb&begun=[0-9a-f]{32}$`),
      ),
    },
  })
  for (const host of ['nothing.apps.example.com', 'svc-x.apps.example.com', `${one.host}.`])
    for (const path of ['/', '/graphql'])
      expect((await ask(host, path, app.admin.headers)).body).not.toContain('data')
})

test('the sign-in of our own host counts for nothing there, and the pass for nothing here', async () => {
  const { secret } = await seedToken(app.admin, one.organizationId, 'ADMIN')
  for (const name of ['millrace', '__Host-millrace', '__Host-millrace-page'])
    expect(await ask(one.host, '/', { cookie: `${name}=${secret}` })).toMatchObject({ status: 401 })
  const pass = (await opened(one)).split('=')[1] ?? ''
  const who = '/graphql?query=%7Bviewer%7BlastSeen%3Arole%7D%7D'
  for (const name of ['millrace', '__Host-millrace', '__Host-millrace-page'])
    expect(
      await ask(ours, who, {
        cookie: `${name}=${pass}`,
        'sec-fetch-site': 'cross-site',
      }),
    ).toMatchObject({ status: 403 })
})

test('where the cookie lets a page in, Authorization is for the service, and ours never is', async () => {
  const cookie = await opened(one)
  for (const authorization of ['Bearer of.the.app', 'Basic YTpi', 'token abc']) {
    const answer = await ask(one.host, '/x', { cookie, authorization })
    expect(answer).toMatchObject({ status: 200, body: `/x ${authorization}` })
    expect((await ask(one.host, '/x', { authorization })).status).toBe(401)
  }
  const ours = await ask(one.host, '/x', { cookie, ...app.admin.headers })
  expect(ours).toMatchObject({ status: 200, body: '/x ' })
})

test("a pass is good for one service, is never shown to it, and is nobody else's to make", async () => {
  const cookie = await opened(one)
  const answer = await ask(one.host, '/x', { cookie: `a=1; ${cookie}` })
  expect(answer).toMatchObject({ status: 200, body: '/x a=1' })
  expect((await ask(other.host, '/x', { cookie })).status).toBe(401)
  const [name, pass = ''] = cookie.split('=')
  const [holder, expires, signature] = pass.split('.')
  for (const made of [
    `${holder}.${Number(expires) + 1}.${signature}`,
    `${holder?.replace(/.$/, (last) => (last === '0' ? '1' : '0'))}.${expires}.${signature}`,
    `${holder}.${expires}`,
    `${holder}.${expires}.`,
    'junk',
  ]) {
    expect((await ask(one.host, '/x', { cookie: `${name}=${made}` })).status).toBe(401)
    const way = `/.well-known/millrace/open?pass=${made}`
    expect((await ask(one.host, way)).status).toBe(401)
  }
  // what is in the cookie opens nothing by an address
  expect((await ask(one.host, `/.well-known/millrace/open?pass=${pass}`)).status).toBe(401)
})

test('the cookie is good for pages of that very host, and for a person who goes there', async () => {
  const cookie = await opened(one)
  const navigation = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
  const welcome: Record<string, string>[] = [
    { 'sec-fetch-site': 'same-origin' },
    { 'sec-fetch-site': 'none' },
    { 'sec-fetch-site': 'cross-site', ...navigation },
    { origin: `https://${one.host}` },
  ]
  for (const headers of welcome)
    expect((await ask(one.host, '/', { cookie, ...headers })).status).toBe(200)
  const foreign: Record<string, string>[] = [
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site', ...navigation, 'sec-fetch-dest': 'iframe' },
    { origin: app.url },
    { origin: `https://${other.host}`, 'sec-fetch-site': 'same-site' },
    { origin: 'null' },
  ]
  for (const headers of foreign)
    expect((await ask(one.host, '/', { cookie, ...headers })).status).toBe(403)
  expect(
    (await ask(one.host, '/', { cookie, 'sec-fetch-site': 'cross-site', ...navigation }, 'POST'))
      .status,
  ).toBe(403)
})

test('a pass is forced on nobody: who is led there is asked, and where somebody else is let in', async () => {
  const { openService } = await app.admin.request(OpenService, { input: { id: one.id } })
  const { pathname, search } = new URL(succeeded(openService, 'OpenServiceSuccess').url)
  const navigation = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
  const go = async (headers: Record<string, string>, more = '', method = 'GET') =>
    ask(one.host, pathname + search + more, headers, method)
  for (const headers of [
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' },
    { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors' },
    { ...navigation, 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'iframe' },
  ])
    expect((await go(headers)).headers['set-cookie']).toBeUndefined()
  expect((await go({}, '', 'POST')).status).toBe(403)
  expect((await go({ ...navigation, 'sec-fetch-site': 'none' })).status).toBe(303)
  const other = await opened(one, await member(app, one.organizationId, 'VIEWER'))
  const led: Record<string, string>[] = [
    { ...navigation, 'sec-fetch-site': 'cross-site' },
    { ...navigation, 'sec-fetch-site': 'same-site' },
    { ...navigation, 'sec-fetch-site': 'none', cookie: other },
    { accept: 'text/html' },
  ]
  for (const headers of led) {
    const asked = await go(headers)
    expect(asked).toMatchObject({ status: 403, headers: PAGE })
    expect(asked.body).toContain('Open this page?')
    const nonce = (asked.headers['set-cookie']?.[0] ?? '').split(';')[0] ?? ''
    const link = `&begun=${nonce.split('=')[1]}`
    expect((await go(headers, link)).status).toBe(403)
    const cookie = [headers['cookie'], nonce].filter(Boolean).join('; ')
    expect((await go({ ...headers, cookie }, link)).status).toBe(303)
  }
})

const PAGE = { 'content-type': 'text/html; charset=utf-8' }

test('TRACE is no method of a page', async () => {
  expect((await ask(one.host, '/', app.admin.headers, 'TRACE')).status).not.toBe(200)
})

test('a pass opens what its holder may call, for as long as that may be', async () => {
  const viewer = await member(app, one.organizationId, 'VIEWER')
  const stranger = await member(app, other.organizationId, 'ADMIN')
  const worker = await member(app, one.organizationId, 'WORKER')
  const codes = []
  for (const client of [stranger, worker]) {
    const { openService } = await client.request(OpenService, { input: { id: one.id } })
    codes.push('code' in openService ? openService.code : openService.__typename)
  }
  expect(codes).toEqual(['NOT_FOUND', 'NOT_FOUND'])
  const cookie = await opened(one, viewer)
  expect((await ask(one.host, '/', { cookie })).status).toBe(200)
  const revoked = await seedToken(app.admin, one.organizationId, 'VIEWER')
  const second = await opened(one, app.client(revoked.secret))
  await app.admin.request(RevokeToken, { input: { id: revoked.token.id } })
  await until(async () => (await ask(one.host, '/', { cookie: second })).status === 401)
  expect((await ask(one.host, '/', viewer.headers)).status).toBe(200)
  expect((await ask(one.host, '/', stranger.headers)).status).toBe(404)
})

test('an answer that was kept for its key is opened anew', async () => {
  const input = { id: one.id, idempotencyKey: 'open' }
  const first = await app.admin.request(OpenService, { input })
  const again = await app.admin.request(OpenService, { input })
  expect(succeeded(again.openService, 'OpenServiceSuccess').replayed).toBe(true)
  for (const { openService } of [first, again]) {
    const { pathname, search } = new URL(succeeded(openService, 'OpenServiceSuccess').url)
    expect((await ask(one.host, pathname + search)).status).toBe(303)
  }
})

test('a page goes to a path of its own host, wherever its address wants to lead', async () => {
  for (const path of ['/a?b=c#d', '/@evil.example', '/a//b']) {
    const { openService } = await app.admin.request(OpenService, { input: { id: one.id, path } })
    const { pathname, search } = new URL(succeeded(openService, 'OpenServiceSuccess').url)
    const { headers } = await ask(one.host, pathname + search)
    expect(headers['location']).toBe(`https://${one.host}${path}`)
    expect(new URL(headers['location'] ?? '').host).toBe(one.host)
  }
  for (const path of [
    '//evil.example',
    '/\\evil.example',
    'evil.example',
    'https://evil.example',
    '',
    '/a b',
    '/a\r\nset-cookie: x=1',
  ]) {
    const { openService } = await app.admin.request(OpenService, { input: { id: one.id, path } })
    expect(openService.__typename).toBe('ValidationError')
  }
})

test('pages of services are foreign to our own host', async () => {
  const who = '/graphql?query=%7Bviewer%7Brole%7D%7D'
  expect((await ask(ours, who)).status).toBe(200)
  for (const origin of [`https://${one.host}`, `http://${one.id.replace('_', '-')}.localhost`])
    expect((await ask(ours, who, { origin })).status).toBe(403)
  const { port } = new URL(app.url)
  for (const host of [one.host, `${one.id.replace('_', '-')}.localhost:${port}`]) {
    const socket = new WebSocket(
      `${app.url.replace('http', 'ws')}/graphql`,
      'graphql-transport-ws',
      {
        headers: { host, origin: `https://${host}`, ...app.admin.headers },
      },
    )
    const [cause] = (await once(socket, 'error').catch((error: unknown) => [error])) as [Error] // what the event carries
    expect(cause.message).toBe('Unexpected server response: 200') // of the service, whose host it is
  }
})
