import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { testApp, type TestApp } from '../../testkit/app.ts'
import type { Client } from '../../testkit/client.ts'
import { CreateRoute } from '../../testkit/operations/routes.ts'
import { succeeded } from '../../testkit/outcome.ts'
import { seedOrganization, seedPerson, signedIn } from '../../testkit/seed/organizations.ts'
import { runningService } from '../../testkit/seed/services.ts'

/* What passes between callers and services: headers, cookies, paths and addresses. */
let app: TestApp
let admin: Client
let service: { id: string; deploymentId: string; invokeUrl: string }
let doors: Record<string, string>
let cookie: string
beforeAll(async () => {
  app = await testApp({ AUTH: 'token' })
  const ours = await seedOrganization(app)
  admin = ours.admin
  service = await runningService(admin, { 'main.mjs': source }, { command: 'node main.mjs' })
  const input = { name: 'between', serviceIds: [service.id] }
  const { createRoute } = await admin.request(CreateRoute, { input })
  const { route } = succeeded(createRoute, 'CreateRouteSuccess')
  const person = await seedPerson(admin, 'VIEWER', ours.id)
  cookie = `millrace=${(await signedIn(app.stranger, person)).secret}`
  doors = {
    service: new URL(service.invokeUrl).pathname,
    route: new URL(route.invokeUrl).pathname,
    'own host': '',
  }
})
afterAll(() => app.close())

/** Tells what it was asked byte for byte, or answers the headers that the body of the request lists. */
const source = `import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
createServer(async (request, response) => {
  const body = await text(request)
  const own = { port: String(process.env.PORT) }
  if (request.headers['x-answer'] !== undefined) {
    for (const [name, value] of JSON.parse(body.replaceAll('PORT', own.port))) response.appendHeader(name, value)
    return response.end('<script>1</script>')
  }
  const headers = {}
  for (let i = 0; i < request.rawHeaders.length; i += 2) headers[request.rawHeaders[i].toLowerCase()] = request.rawHeaders[i + 1]
  response.end(JSON.stringify({ method: request.method, url: request.url, headers, ...own }))
}).listen(process.env.PORT, '127.0.0.1')
`
const Told = z.object({
  method: z.string(),
  url: z.string(),
  headers: z.record(z.string(), z.string()),
  port: z.string(),
})

const hostOf = (door: string): string => {
  const { port } = new URL(app.url)
  return door === 'own host'
    ? `${service.id.replace('_', '-')}.localhost:${port}`
    : `127.0.0.1:${port}`
}

/** By node:http, because fetch lets nobody choose headers and paths. */
async function ask(
  door: string,
  path: string,
  headers: Record<string, string | string[]> = admin.headers,
  body?: string,
) {
  const { hostname, port } = new URL(app.url)
  const method = body === undefined ? 'GET' : 'POST'
  const asking = request({
    hostname,
    port,
    method,
    path: `${doors[door]}${path}`,
    headers: { host: hostOf(door), ...headers },
  }).end(body)
  const [answer] = (await once(asking, 'response')) as [IncomingMessage] // what the event carries
  return { status: answer.statusCode, headers: answer.headers, body: await text(answer) }
}

/** Has the service answer these headers. */
const answered = async (
  door: string,
  headers: readonly (readonly [string, string])[],
  credential: Record<string, string> = admin.headers,
) => ask(door, '/', { ...credential, 'x-answer': '1' }, JSON.stringify(headers))

const everyDoor = ['service', 'route', 'own host']

test.each(everyDoor)(
  'by the door "%s" a service is told where it was reached by us, and nothing that its caller says of that',
  async (door) => {
    const { body } = await ask(door, '/', {
      ...admin.headers,
      'X-Forwarded-For': '6.6.6.6',
      'x-forwarded-host': 'evil.example',
      x_forwarded_proto: 'https',
      'x-forwarded-server': 'evil',
      Forwarded: 'for=6.6.6.6',
      'X-Real-IP': '6.6.6.6',
      'millrace-forwarded': 'x',
      millrace_anything: 'x',
      connection:
        'close, x-private, cookie, x-forwarded-for, x-forwarded-host, x-forwarded-proto, x-forwarded-prefix, x-request-id, traceparent',
      'x-private': 'x',
      'x-public': 'y',
      te: 'gzip, trailers;q=0.5',
      'proxy-authorization': 'Basic x',
      cookie: 'a=1',
    })
    const { headers } = Told.parse(JSON.parse(body))
    const prefix = doors[door]
    const own = {
      host: hostOf(door),
      forwarded: `for=127.0.0.1;host="${hostOf(door)}";proto=http`,
      te: 'trailers', // which pass too
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-host': hostOf(door),
      'x-forwarded-proto': 'http',
      ...(prefix === '' ? {} : { 'x-forwarded-prefix': prefix }),
      'x-public': 'y',
    }
    const usual = ['connection', 'x-request-id', 'traceparent']
    const others = Object.entries(headers).filter(([name]) => !usual.includes(name))
    expect(Object.fromEntries(others)).toEqual(own)
    expect(headers).toMatchObject({ 'x-request-id': expect.any(String) })
  },
)

const paths = [
  '/',
  '//',
  '//a//b/',
  '/a/../b',
  '/../../../graphql',
  '/%2e%2e/%2E%2E/x',
  '/a%2Fb%5Cc',
  '/%252e%252e%252f',
  '/a;b=c;d',
  '/a?b=//c?d=%2F&e',
  '/?',
  '?',
  '?x=1',
  '/%C3%A4%20',
  '/a@b:c',
  '/http://127.0.0.1/',
]

test.each(everyDoor)(
  'by the door "%s" a service gets the very path that was asked for',
  async (door) => {
    // behind a host there is always a path
    for (const path of paths.filter((one) => doors[door] !== '' || one.startsWith('/'))) {
      const { body } = await ask(door, path)
      expect(Told.parse(JSON.parse(body)).url).toBe(path.startsWith('/') ? path : `/${path}`)
    }
  },
)

test('slashes doubled in the address of a door are one to it, and what lies behind is left as it is', async () => {
  const [, kind, deployment, services, id] = doors['service']?.split('/') ?? []
  doors['doubled'] = `//${kind}///${deployment}/${services}//${id}`
  const { body } = await ask('doubled', '//x//')
  expect(Told.parse(JSON.parse(body)).url).toBe('//x//')
})

test.each(everyDoor)(
  'a target in absolute form leads by the door "%s" to where its host says',
  async (door) => {
    const { hostname, port } = new URL(app.url)
    const socket = connect(Number(port), hostname)
    const url = `http://${hostOf(door)}${doors[door]}//a/%2e%2e?b`
    socket.write(
      `GET ${url} HTTP/1.1\r\nhost: evil.example\r\nauthorization: Bearer ${admin.token}\r\nconnection: close\r\n\r\n`,
    )
    expect(await text(socket)).toContain('"url":"//a/%2e%2e?b"')
  },
)

test.each(everyDoor)(
  'what a service calls itself in an answer is by the door "%s" the address that its caller knows',
  async (door) => {
    const own = `http://${hostOf(door)}${doors[door]}`
    const { headers } = await answered(door, [
      ['location', 'http://127.0.0.1:PORT/next?x=1'],
      ['content-location', '//localhost:PORT/'],
      ['refresh', '0; url=http://0.0.0.0:PORT/r'],
      ['link', '<http://[::1]:PORT/a>; rel="next", <https://example.com:PORT/>; rel="up"'],
    ])
    expect(headers['location']).toBe(`${own}/next?x=1`)
    expect(headers['content-location']).toBe(`${own}/`)
    expect(headers['refresh']).toBe(`0; url=${own}/r`)
    expect(headers['link']).toContain(`<${own}/a>; rel="next", <https://example.com:`)
    const { body } = await ask(door, '/')
    const another = `http://127.0.0.1:${Told.parse(JSON.parse(body)).port}1/`
    const locationFor = async (location: string) =>
      (await answered(door, [['location', location]])).headers['location']
    for (const location of ['next', '?x', '#y', '//example.com/', 'https://example.com/', another])
      expect(await locationFor(location)).toBe(location)
    // by path alone, by the host that it was asked under, and with the prefix by those who heed it
    const prefix = doors[door] ?? ''
    for (const [location, seen] of [
      ['/', `${prefix}/`],
      ['/else?x#y', `${prefix}/else?x#y`],
      [`${prefix}/else`, `${prefix}/else`],
      [`${prefix}else`, prefix === '' ? 'else' : `${prefix}${prefix}else`],
      [`http://${hostOf(door)}/docs`, `${own}/docs`],
      [`https://${hostOf(door).toUpperCase()}`, own],
      [`${own}?x`, `${own}?x`],
      [`http://127.0.0.1:PORT${prefix}/x`, `${own}/x`],
      [`http://${hostOf(door)}.example.com/`, `http://${hostOf(door)}.example.com/`],
    ] as const)
      expect([location, await locationFor(location)]).toEqual([location, seen])
    const twice = await answered(door, [
      ['link', '</a>; rel=next, <b>; rel=prev'],
      ['refresh', '3;URL="/r"'],
    ])
    expect(twice.headers['link']).toBe(`<${prefix}/a>; rel=next, <b>; rel=prev`)
    expect(twice.headers['refresh']).toBe(`3;URL="${prefix}/r"`)
  },
)

const ours = [
  'millrace=evil; Path=/',
  '=millrace=evil; Path=/',
  ' =  millrace=evil',
  '\tmillrace\t=\tevil',
  'millrace=evil; Path=/deployments',
  'millrace=evil; Domain=localhost',
  'Millrace=evil',
  '"millrace"=evil',
  '%6dillrace=evil',
  '__Host-millrace=evil; Secure; Path=/',
  '=__Host-millrace=evil',
  '__secure-millrace=evil; Secure',
  'a=1, millrace=evil',
  'millrace',
  'millrace=',
  'millrace-page=evil',
  '=__Host-millrace-page=evil',
  `millrace=${'x'.repeat(4_000)}`,
]

test.each(everyDoor)(
  'no cookie that could be read as ours is set by the door "%s", and no other for more than its host',
  async (door) => {
    for (const one of ours) {
      const { headers } = await answered(door, [
        ['set-cookie', one],
        ['set-cookie', 'theirs=1; Path=/; Domain=localhost; HttpOnly'],
        ['set-cookie', 'millraces=2'],
        ['set-cookie', 'below=3; SameSite=Lax; path=/app'],
        ['set-cookie', '__Host-own=4; Secure; Path=/'],
        ['set-cookie', 'odd=5; Path=x'],
        ['set-cookie', 'twice=6; Path=/a; Path=/b'],
      ])
      // one service's are not sent to another
      const home = doors[door] === '' ? '' : `; Path=${doors[door]}`
      expect(headers['set-cookie']).toEqual([
        `theirs=1; Path=${doors[door] || '/'}; HttpOnly`,
        `millraces=2${home}`,
        `below=3; SameSite=Lax; path=${doors[door]}/app`,
        '__Host-own=4; Secure; Path=/',
        `odd=5; Path=x${home}`,
        `twice=6; Path=${doors[door]}/a; Path=${doors[door]}/b`,
      ])
    }
  },
)

test.each(['service', 'route'])(
  'at the door "%s" what browsers get is sandboxed, whatever it is, and sets nothing for the origin',
  async (door) => {
    const browsers: Record<string, string>[] = [
      { cookie, 'sec-fetch-site': 'same-origin' },
      { ...admin.headers, 'sec-fetch-site': 'same-origin' },
    ]
    for (const browser of browsers)
      for (const type of [
        undefined,
        'text/html',
        'image/svg+xml',
        'application/pdf',
        'text/x-odd',
      ]) {
        const { headers, status } = await answered(
          door,
          [
            ...(type === undefined ? [] : ([['content-type', type]] as const)),
            ['content-security-policy', 'sandbox allow-same-origin allow-scripts'],
            ['content-security-policy', 'default-src *, sandbox allow-same-origin'],
            ['x-content-type-options', 'sniff'],
            ['set-cookie', 'theirs=1'],
            ['clear-site-data', '"*"'],
            ['strict-transport-security', 'max-age=1'],
            ['service-worker-allowed', '/'],
            ['alt-svc', 'h2=":1"'],
          ],
          browser,
        )
        expect(status).toBe(200)
        expect(headers['content-security-policy']).toMatch(
          /, sandbox allow-downloads allow-forms allow-modals allow-popups allow-scripts$/,
        )
        expect(headers['x-content-type-options']).toBe('nosniff')
        for (const name of [
          'set-cookie',
          'clear-site-data',
          'strict-transport-security',
          'service-worker-allowed',
          'alt-svc',
        ])
          expect(headers).not.toHaveProperty(name)
      }
  },
)

test('a service is told none of our cookies, however they are spelled', async () => {
  const sent = `${cookie}; a=1;millrace =x; =millrace=y; __Host-millrace=z; millrace-page=q; "millrace"=r; b=2`
  for (const door of everyDoor) {
    const { body } = await ask(door, '/', { ...admin.headers, cookie: sent })
    expect(Told.parse(JSON.parse(body)).headers['cookie']).toBe('a=1; b=2')
  }
})

test('a person signed in at either name of loopback opens a page, and a stranger is told how to sign in', async () => {
  doors['ours'] = ''
  const { port } = new URL(app.url)
  const navigation = {
    'sec-fetch-mode': 'navigate',
    'sec-fetch-dest': 'document',
    'sec-fetch-site': 'none',
  }
  for (const signedInAt of ['127.0.0.1', 'localhost', 'nowhere']) {
    const cookies = new Map([[`${signedInAt}:${port}`, cookie]])
    let url = new URL(`http://${hostOf('own host')}/x`)
    let answer: Awaited<ReturnType<typeof ask>> | undefined
    for (let steps = 0; steps < 7; steps += 1) {
      const kept = cookies.get(url.host)
      const headers = { host: url.host, ...navigation, ...(kept && { cookie: kept }) }
      answer = await ask('ours', url.pathname + url.search, headers)
      const set = answer.headers['set-cookie']?.map((one) => one.split(';')[0] ?? '') ?? []
      if (set.length > 0) cookies.set(url.host, [kept, ...set].filter(Boolean).join('; '))
      if (answer.headers.location === undefined) break
      url = new URL(answer.headers.location, url)
    }
    if (signedInAt === 'nowhere') {
      expect(answer).toMatchObject({
        status: 401,
        headers: { 'content-type': 'text/html; charset=utf-8' },
      })
      for (const name of ['127.0.0.1', 'localhost'])
        expect(answer?.body).toContain(`http://${name}:${port}`)
    } else {
      expect(answer?.status).toBe(200)
      expect(Told.parse(JSON.parse(answer?.body ?? '')).url).toBe('/x')
    }
  }
})

test('whoever does not say where a request to open a page comes from is asked first, once', async () => {
  doors['ours'] = ''
  const host = hostOf('service')
  const path = `/open/${service.id}?to=%2Fx`
  expect((await ask('ours', path, { host, cookie })).status).toBe(403)
  const asked = await ask('ours', path, { host, cookie, accept: 'text/html' })
  expect(asked.status).toBe(403)
  const link = (/href="([^"]*)"/.exec(asked.body)?.[1] ?? '').replaceAll('&amp;', '&')
  expect((await ask('ours', link, { host, cookie, accept: 'text/html' })).status).toBe(403)
  const nonce = (asked.headers['set-cookie']?.[0] ?? '').split(';')[0]
  const sure = { host, cookie: `${cookie}; ${nonce}`, accept: 'text/html' }
  expect((await ask('ours', link, sure)).status).toBe(303)
  expect((await ask('ours', link, { ...sure, 'sec-fetch-site': 'cross-site' })).status).toBe(403)
})
