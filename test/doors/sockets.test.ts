import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { RevokeToken } from '../../testkit/operations/organizations.ts'
import { details, RestartService } from '../../testkit/operations/services.ts'
import { member, seedOrganization, seedToken } from '../../testkit/seed/organizations.ts'
import { logOf, runningService } from '../../testkit/seed/services.ts'
import { testApp, type TestApp } from '../../testkit/app.ts'
import type { Client } from '../../testkit/client.ts'
import { until } from '../../testkit/until.ts'
import { doorsOf, everyDoor, type Doors } from './every-door.ts'
import { server } from './programs.ts'

/* WebSockets between callers and services. */
const MAX_SOCKETS = 20

let app: TestApp
let admin: Client
let organizationId: string
let service: { id: string; invokeUrl: string }
let doors: Doors
beforeAll(async () => {
  app = await testApp({
    AUTH: 'token',
    MAX_SOCKETS: String(MAX_SOCKETS),
    INVOKE_TIMEOUT_SECONDS: '300',
  })
  ;({ admin, id: organizationId } = await seedOrganization(app))
  service = await runningService(admin, server.files, { command: server.command })
  doors = await doorsOf(admin, service)
})
afterAll(() => app.close())

const urlOf = (door: keyof Doors): string => `http://${doors[door].host}${doors[door].path}`

/** Opens a socket; what it says is kept, in order. */
function opened(url: string, options: { headers?: object; protocols?: string[] } = {}) {
  const { hostname, port, pathname, host, search } = new URL(url)
  const own = hostname.endsWith('.localhost')
  const at = `ws://${own ? `127.0.0.1:${port}` : host}${pathname}${search}`
  const headers = { ...(own ? { host } : {}), ...(options.headers ?? admin.headers) }
  const socket = new WebSocket(at, options.protocols ?? [], { headers })
  const said: string[] = []
  socket.on('message', (data: Buffer) => void said.push(data.toString()))
  const closed = new Promise<[number, string]>((resolve) =>
    socket.on('close', (code, reason) => resolve([code, reason.toString()])),
  )
  const refused = new Promise<string>((resolve) =>
    socket.on('error', ({ message }) => resolve(message)),
  )
  const open = once(socket, 'open')
  open.catch(() => {}) // whoever is refused is told so by `refused`
  return { socket, said, closed, refused, open }
}

test.each(everyDoor)('messages of every kind and size pass by the door "%s"', async (door) => {
  const { socket, said, closed, open } = opened(`${urlOf(door)}/chat?room=1`, {
    protocols: ['first', 'second'],
  })
  await open
  expect(socket.protocol).toBe('second')
  expect(socket.extensions).toBe('')
  await until(() => said.length === 1)
  const told = JSON.parse(said[0] ?? '') as { url: string; headers: Record<string, string> } // as the program says
  expect(told.url).toBe('/chat?room=1')
  expect(told.headers).toMatchObject({
    host: doors[door].host,
    upgrade: 'websocket',
  })
  expect(told.headers).not.toHaveProperty('authorization')
  const texts = ['a', '', 'ä'.repeat(70_000), 'x'.repeat(5_000_000)]
  for (const text of texts) socket.send(text)
  await until(() => said.length === 1 + texts.length)
  expect(said.slice(1).map((text) => text.length)).toEqual(texts.map((text) => text.length))
  const bytes = Buffer.from([0, 255, 10])
  const answer = once(socket, 'message')
  socket.send(bytes)
  expect(await answer).toEqual([bytes, true])
  const pong = once(socket, 'pong')
  socket.ping('p')
  expect(String(await pong)).toBe('p')
  socket.send('close')
  expect(await closed).toEqual([4321, 'as asked'])
})

test.each(everyDoor)(
  'whoever may not call is refused as by other calls, by the door "%s"',
  async (door) => {
    const url = urlOf(door)
    const status = async (headers: object) => {
      const { refused, closed } = opened(url, { headers })
      await closed
      return refused
    }
    expect(await status({})).toContain('401')
    expect(await status({ authorization: 'Bearer mr_none' })).toContain('401')
    const other = await seedOrganization(app)
    expect(await status(other.admin.headers)).toContain('404')
  },
)

test('a refusal of the service, and of ours, is answered whole', async () => {
  const { socket, refused } = opened(`${service.invokeUrl}/no`)
  const [, answer] = (await once(socket, 'unexpected-response')) as [
    unknown,
    import('node:http').IncomingMessage,
  ] // of ws
  expect(answer).toMatchObject({ statusCode: 426, headers: { 'x-why': 'no' } })
  const body = (await answer.toArray()) as Buffer[]
  expect(Buffer.concat(body).toString()).toBe('never')
  void refused
  const nowhere = opened(`${app.url}/nowhere`)
  expect(await nowhere.refused).toContain('404')
  // a path that has an answer, though not by WebSocket
  const plain = opened(`${app.url}/healthz`)
  expect(await plain.refused).toContain('200')
})

test('a socket is closed when its credential is revoked, and others stay', async () => {
  const { secret, token } = await seedToken(admin, organizationId, 'VIEWER')
  const one = opened(service.invokeUrl, { headers: { authorization: `Bearer ${secret}` } })
  const other = opened(service.invokeUrl)
  await Promise.all([one.open, other.open])
  await admin.request(RevokeToken, { input: { id: token.id } })
  expect((await one.closed)[0]).toBe(1006)
  other.socket.send('still')
  await until(() => other.said.includes('still'))
  other.socket.close()
  await other.closed
  // and the service has seen both end
  await until(async () => (await logOf(admin, service.id)).includes('closed with 1006'))
})

test('silence ends neither a socket nor an event stream', async () => {
  const quick = await testApp({
    INVOKE_TIMEOUT_SECONDS: '1',
    UPLOAD_STALL_SECONDS: '1',
    BODY_TIMEOUT_SECONDS: '1',
  })
  try {
    const { headers } = quick.admin
    const run = { command: server.command }
    const { id, invokeUrl } = await runningService(quick.admin, server.files, run)
    const { socket, said, open } = opened(invokeUrl, { headers })
    await open
    const events = await fetch(`${invokeUrl}/events`, { headers })
    const reader = events.body?.getReader()
    const slow = await fetch(`${invokeUrl}/half`, { headers })
    // an answer of any other kind is cut by then, which is what tells that it is time
    await expect(slow.text()).rejects.toThrow()
    await until(async () => (await logOf(quick.admin, id)).includes('broke off its answer'))
    socket.send('still')
    await until(() => said.includes('still'))
    await fetch(`${invokeUrl}/say`, { method: 'POST', headers, body: 'there' })
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('data: there\n\n')
    await reader?.cancel()
    socket.terminate()
  } finally {
    await quick.close()
  }
})

test('a caller has a bounded number of sockets, and gets a place back with each that closes', async () => {
  const { headers } = await member(app, organizationId, 'VIEWER')
  const all = Array.from({ length: MAX_SOCKETS }, () => opened(service.invokeUrl, { headers }))
  await Promise.all(all.map(({ open }) => open))
  expect(await opened(service.invokeUrl, { headers }).refused).toContain('429')
  all[0]?.socket.close()
  await all[0]?.closed
  await until(async () => {
    const again = opened(service.invokeUrl, { headers })
    const isOpen = await Promise.race([
      again.open.then(() => true),
      again.refused.then(() => false),
    ])
    again.socket.terminate()
    return isOpen
  })
  for (const { socket } of all) socket.terminate()
})

test('an instance that is replaced says goodbye to its sockets, which are no reason to wait', async () => {
  const { socket, said, closed, open } = opened(service.invokeUrl)
  await open
  await until(() => said.length === 1)
  const before = await details(admin, service.id)
  await admin.request(RestartService, { input: { id: service.id } })
  expect(await closed).toEqual([1012, 'restarting'])
  void socket
  await until(async () => {
    const now = await details(admin, service.id)
    return now.instances.every(({ id }) => before.instances.every((one) => one.id !== id))
  })
})

test('a caller who hangs up before the service has taken up its socket is gone for the service too', async () => {
  const { host, hostname, port, pathname } = new URL(service.invokeUrl)
  const caller = connect({ host: hostname, port: Number(port) })
  const fields = ['Connection: Upgrade', 'Upgrade: websocket', `Host: ${host}`]
  for (const [name, value] of Object.entries(admin.headers)) fields.push(`${name}: ${value}`)
  caller.write(`GET ${pathname}/mute HTTP/1.1\r\n${fields.join('\r\n')}\r\n\r\n`)
  await until(async () => (await logOf(admin, service.id)).includes('asked'))
  caller.end()
  await until(async () => (await logOf(admin, service.id)).includes('left'))
})

test('what was said before a caller has gone arrives', async () => {
  const { socket, open } = opened(`${service.invokeUrl}/sink`) // what is not read would take it along
  await open
  const part = Buffer.alloc(1_000_003)
  for (let n = 0; n < 20; n += 1) socket.send(part)
  await new Promise((resolve) => socket.send('', resolve)) // all of it has left
  socket.terminate()
  await until(async () =>
    (await logOf(admin, service.id)).includes(`after ${20 * part.length} bytes`),
  )
})

test('a socket whose instance dies is cut', async () => {
  const { socket, closed, open } = opened(service.invokeUrl)
  await open
  socket.send('exit')
  expect((await closed)[0]).toBe(1006)
})
