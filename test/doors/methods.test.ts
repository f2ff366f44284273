import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { logOf, runningService } from '../../testkit/seed/services.ts'
import { sharedApp, type SharedApp } from '../../testkit/shared.ts'
import { ask, doorsOf, everyDoor, type Doors } from './every-door.ts'
import { server } from './programs.ts'

/* What HTTP/1.1 has beside GET and POST. */
let app: SharedApp
let doors: Doors
let service: { id: string; invokeUrl: string }
beforeAll(async () => {
  app = await sharedApp()
  service = await runningService(app.admin, server.files, { command: server.command })
  doors = await doorsOf(app.admin, service)
})
afterAll(() => app.close())

const Told = z.object({
  method: z.string(),
  url: z.string(),
  body: z.string(),
  headers: z.record(z.string(), z.string()),
})

const askAt = (
  door: keyof Doors,
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: string,
) => ask(doors[door], method, path, { ...app.admin.headers, ...headers }, body)

const withBodies = ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'REPORT', 'GET']

test.each(everyDoor)(
  'every method passes by the door "%s", with a body and without',
  async (door) => {
    for (const method of withBodies) {
      const headers = { 'content-type': 'text/plain', 'content-length': '3' }
      const { status, body } = await askAt(door, method, '/a?b', headers, 'abc')
      expect([method, status]).toEqual([method, 200])
      expect(Told.parse(JSON.parse(body))).toMatchObject({ method, url: '/a?b', body: 'abc' })
      // a type without a body is sent by many clients, with and without a length of none
      const json = { 'content-type': 'application/json' }
      for (const without of [{}, json, { 'content-length': '0' }] as Record<string, string>[]) {
        const told = Told.parse(JSON.parse((await askAt(door, method, '', without)).body))
        expect(told).toMatchObject({ method, url: '/', body: '' })
        expect(told.headers).not.toHaveProperty('transfer-encoding')
      }
    }
    for (const type of [
      'x',
      '',
      'text/',
      '/',
      'a/b; c',
      'json;charset',

      'application/json, text/plain',
    ]) {
      const headers = { 'content-type': type, 'content-length': '3' }
      const { status, body } = await askAt(door, 'POST', '/a', headers, 'abc')
      expect([type, status]).toEqual([type, 200])
      expect(Told.parse(JSON.parse(body)).headers['content-type'] ?? '').toBe(type)
    }
    const head = await askAt(door, 'HEAD', '/x')
    expect(head).toMatchObject({ status: 200, body: '', headers: { 'x-method': 'HEAD' } })
    expect(Number(head.headers['content-length'])).toBeGreaterThan(50)
    expect((await askAt(door, 'TRACE', '/x')).status).toBe(404)
  },
)

test.each(everyDoor)('by the door "%s" nobody is let in without a credential', async (door) => {
  for (const method of ['PATCH', 'DELETE', 'OPTIONS', 'HEAD', 'PROPFIND']) {
    const { status } = await ask(doors[door], method, '', { authorization: 'Bearer mr_none' })
    expect([method, status]).toEqual([method, 401])
  }
})

test.each(everyDoor)('fields behind a body pass by the door "%s" both ways', async (door) => {
  const { hostname, port } = new URL(app.url)
  const at = doors[door]
  const asking = request({
    hostname,
    port,
    method: 'POST',
    path: `${at.path}/trailers`,
    headers: { host: at.host, ...app.admin.headers, trailer: 'x-digest', te: 'trailers' },
  })
  asking.write('abc')
  asking.addTrailers({ 'x-digest': 'd', host: 'x', authorization: 'x' })
  asking.end('def')
  const [answer] = (await once(asking, 'response')) as [IncomingMessage] // what the event carries
  expect(answer.headers['trailer']).toContain('x-sum')
  expect(await text(answer)).toBe('first last')
  expect(answer.trailers).toEqual({
    'x-sum': '6',
    'x-sent': '{"x-digest":"d"}',
    'x-late': 'unannounced',
  })
})

/** What comes back over a connection for these bytes. */
async function raw(...parts: readonly string[]) {
  const { hostname, port } = new URL(app.url)
  const socket = connect(Number(port), hostname)
  let came = ''
  socket.setEncoding('latin1').on('data', (chunk: string) => (came += chunk))
  const until = (end: RegExp) =>
    new Promise<string>((resolve, reject) => {
      const look = () => end.test(came) && resolve(came)
      socket.on('data', look).once('close', () => reject(new Error(`closed after: ${came}`)))
      look()
    })
  for (const part of parts) socket.write(part)
  return { socket, until }
}

const headOf = (method: string, path: string, more: string) =>
  `${method} ${doors.service.path}${path} HTTP/1.1\r\nhost: x\r\nauthorization: ${app.admin.headers['authorization']}\r\n${more}\r\n`

test('a body is asked for when the caller is let in, and of nobody else', async () => {
  const waiting = 'content-length: 3\r\nexpect: 100-continue\r\n'
  const asked = await raw(headOf('PUT', '/', waiting))
  await asked.until(/^HTTP\/1.1 100 Continue\r\n\r\n$/)
  asked.socket.write('abc')
  expect(await asked.until(/"body":"abc"/)).toContain('HTTP/1.1 200 OK')
  asked.socket.destroy()
  const refused = await raw(
    headOf('PUT', '/', waiting).replace(
      /authorization: .*\r\n/,
      'authorization: Bearer mr_none\r\n',
    ),
  )
  expect(await refused.until(/UNAUTHENTICATED/)).toMatch(/^HTTP\/1.1 401/)
  refused.socket.destroy()
})

test.each(['h2c', 'TLS/1.0, HTTP/1.1', 'foo'])(
  'a request that would go on in "%s" is answered as if it would not, its body read',
  async (protocol) => {
    // as curl --http2 and Java's HttpClient begin
    const offer = `connection: Upgrade, HTTP2-Settings\r\nupgrade: ${protocol}\r\nhttp2-settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n`
    const { until, socket } = await raw(
      headOf('POST', '/one', `${offer}content-length: 3\r\n`),
      'abc',
      headOf('GET', '/two', ''), // that comes along cannot be answered
    )
    const came = await until(/"url":"\/one","body":"abc".*\}/)
    expect(came).toMatch(/connection: close/i)
    expect(came).not.toMatch(/http2-settings|"url":"\/two"/i)
    await once(socket, 'close')
  },
)

test('an event stream is there before its first event, which comes at once', async () => {
  const { hostname, port } = new URL(app.url)
  const path = `${doors.service.path}/events`
  const asking = request({ hostname, port, path, headers: app.admin.headers }).end()
  const [answer] = (await once(asking, 'response')) as [IncomingMessage] // what the event carries
  answer.setEncoding('utf8')
  for (const said of ['one', 'two']) {
    const event = once(answer, 'data')
    await askAt('service', 'POST', '/say', {}, said)
    expect(await event).toEqual([`data: ${said}\n\n`])
  }
  asking.destroy()
})

test('a service knows from its environment where it is reached', async () => {
  const told: unknown = JSON.parse((await askAt('service', 'GET', '/environment')).body)
  expect(told).toEqual({
    service: service.invokeUrl,
    page: `http://${doors['own host'].host}/`,
  })
})

test('a body in a transfer coding that would be lost is refused', async () => {
  const { until, socket } = await raw(
    headOf('POST', '/', 'transfer-encoding: gzip, chunked\r\n'),
    '3\r\nabc\r\n0\r\n\r\n',
  )
  expect(await until(/gzip, chunked.*\}/)).toMatch(/^HTTP\/1.1 400/)
  socket.destroy()
})

test.each([304, 204])('a %i that tells how long another answer is passes', async (status) => {
  const { headers, ...answer } = await askAt('service', 'GET', `/empty?${status}`)
  expect(answer).toEqual({ status, body: '' })
  expect(headers['etag']).toBe('"a"')
})

test('a status that is none is a bad gateway, and the log says so', async () => {
  const { status, body } = await askAt('service', 'GET', '/empty?999')
  expect(status).toBe(502)
  expect(JSON.parse(body)).toMatchObject({ code: 'UNAVAILABLE', status: 502 })
  expect(await logOf(app.admin, service.id)).toContain('status 999')
})
