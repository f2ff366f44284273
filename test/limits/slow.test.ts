import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testApp, type TestApp } from '../../testkit/app.ts'
import { CreateUpload } from '../../testkit/operations/deployments.ts'
import { succeeded } from '../../testkit/outcome.ts'
import { seedQueue, submit } from '../../testkit/seed/jobs.ts'
import { runningService } from '../../testkit/seed/services.ts'

let app: TestApp
beforeAll(async () => {
  app = await testApp({ BODY_TIMEOUT_SECONDS: '1', UPLOAD_STALL_SECONDS: '1' })
})
afterAll(() => app.close())

/** How often a slow sender sends something: more often than any silence is noticed. */
const BEAT_MS = 100

/** Sends the head of a request, then ever the same; answers all that came until the server has closed the connection. */
function answerTo(head: readonly string[], then: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(app.url).port), '127.0.0.1')
    let text = ''
    socket.on('connect', () => socket.write(head.join('\r\n')))
    const timer = setInterval(() => socket.writable && socket.write(then), BEAT_MS)
    socket.on('data', (data) => (text += String(data)))
    socket.on('error', () => {}) // what was sent after the end
    socket.once('close', () => {
      clearInterval(timer)
      resolve(text)
    })
  })
}

const long = ['content-type: application/json', 'content-length: 90000', '', '']
const to = (line: string, more: readonly string[] = long): string[] => [
  `${line} HTTP/1.1`,
  'host: localhost',
  `authorization: Bearer ${app.admin.token}`,
  ...more,
]
const chunked = ['content-type: application/json', 'transfer-encoding: chunked', '', '']

test('a body that comes too slowly is answered 408 on every door that reads it whole, and its connection closed', async () => {
  const gzip = ['content-encoding: gzip', ...long]
  const sent: [string, string[], string][] = [
    ['GraphQL', to('POST /graphql'), ' '],
    ['chunks without end', to('POST /graphql', chunked), '1\r\n \r\n'],
    ['a body that Yoga reads', to('POST /graphql', gzip), ' '],
    ['GET with a body', to('GET /graphql?query={__typename}'), ' '],
    ['Expect', to('POST /graphql', ['expect: 100-continue', ...long]), ' '],
    ['behind another request', [...to('GET /healthz', ['', '']), ...to('POST /graphql')], ' '],
    ['TopChef', to('POST /topchef/services'), ' '],
    ['ABEJA', to('POST /abeja/organizations/default/deployments'), ' '],
  ]
  await Promise.all(
    sent.map(async ([name, head, then]) => {
      const text = await answerTo(head, then)
      expect({ name, text }).toEqual({ name, text: expect.stringContaining('HTTP/1.1 408') })
    }),
  )
})

test('a request that was answered before its body came does not keep its connection', async () => {
  const unknown = ['POST /graphql HTTP/1.1', 'host: localhost', 'authorization: Bearer wrong']
  const sent: [number, string[]][] = [
    [401, [...unknown, ...long]],
    [404, to('POST /nothing')],
    [200, to('GET /healthz')],
    [404, to('POST /topchef/nothing')],
    [403, to('PUT /uploads/upl_0/source.tgz')],
    [404, to('POST /deployments/none/services/none')],
  ]
  await Promise.all(
    sent.map(async ([status, head]) =>
      expect(await answerTo(head, ' ')).toContain(`HTTP/1.1 ${status}`),
    ),
  )
})

test('headers that come too slowly are answered 408, those of a WebSocket too', async () => {
  const upgrade = ['upgrade: websocket', 'connection: upgrade', 'x-slow: ']
  for (const head of [to('GET /graphql', ['x-slow: ']), to('GET /graphql', upgrade), ['']])
    expect(await answerTo(head, head.length > 1 ? 'x' : '')).toContain('HTTP/1.1 408')
})

async function uploadUrl(): Promise<URL> {
  const { createUpload } = await app.admin.request(CreateUpload, { input: { name: 'x' } })
  return new URL(succeeded(createUpload, 'CreateUploadSuccess').upload.url ?? '')
}

/** More than the least, a part at a time. */
async function* steadily(): AsyncGenerator<Uint8Array> {
  for (let n = 0; n < 15; n += 1) {
    await pause(BEAT_MS * 2)
    yield new Uint8Array(1_000)
  }
}

test('an upload that trickles is cut off; one that is slow and steady is taken', async () => {
  const { pathname, search } = await uploadUrl()
  expect(await answerTo(to(`PUT ${pathname}${search}`), '.')).not.toContain('HTTP/1.1 200')
  const init = { method: 'PUT', body: Readable.toWeb(Readable.from(steadily())), duplex: 'half' }
  const whole = await fetch(await uploadUrl(), init as RequestInit) // whose type lacks `duplex`
  expect(whole.status).toBe(200)
})

test('the body of a call that trickles is cut off', async () => {
  const echo = `import { text } from 'node:stream/consumers'
export const handler = async ({ body }) => text(body)
`
  const { invokeUrl } = await runningService(app.admin, { 'main.mjs': echo }, { image: 'node' })
  const { pathname } = new URL(invokeUrl)
  expect(await answerTo(to(`POST ${pathname}`), ' ')).not.toContain('HTTP/1.1 200')
  const { status } = await fetch(invokeUrl, {
    method: 'POST',
    headers: app.admin.headers,
    body: '1',
  })
  expect(status).toBeLessThan(600)
})

test('an upload that stalls is cut off, and can be sent again', async () => {
  const { createUpload } = await app.admin.request(CreateUpload, { input: { name: 'x' } })
  const url = succeeded(createUpload, 'CreateUploadSuccess').upload.url ?? ''
  const stalled = request(url, { method: 'PUT', headers: { 'content-length': '1000' } })
  stalled.write('some')
  const [cause] = (await once(stalled, 'error').catch((error: unknown) => [error])) as [Error] // what the event carries
  expect(cause).toMatchObject({ code: 'ECONNRESET' })
  const whole = await fetch(url, { method: 'PUT', body: 'all of it' })
  expect(whole.status).toBe(200)
})

test('an answer that nobody reads ends with its connection, one that is read slowly does not', async () => {
  const id = await seedQueue(app.admin)
  await submit(app.admin, id, { parameters: 'x'.repeat(900_000) })
  const times = Array.from({ length: 30 }, (_, n) => `a${n}: parameters`).join(' ')
  const body = JSON.stringify({
    query: `{ service(id: "${id}") { ... on QueueService { jobs { nodes { ${times} } } } } }`,
  })
  const ask = () => {
    const socket = connect(Number(new URL(app.url).port), '127.0.0.1')
    socket.on('error', () => {}) // it is cut
    socket.write(
      `POST /graphql HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\nauthorization: Bearer ${app.admin.token}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    )
    return socket
  }
  const unread = ask()
  const slow = ask()
  const closed = once(slow, 'close')
  let read = 0
  slow.on('data', (data) => {
    read += data.length
    slow.pause()
    setTimeout(() => slow.resume(), 3)
  })
  await once(unread, 'readable') // takes what the kernel has, and no more
  await closed
  expect(read).toBeGreaterThan(27_000_000)
  let rest = 0
  unread.on('data', (data) => (rest += data.length))
  await once(unread, 'close')
  expect(rest).toBeLessThan(27_000_000)
})
