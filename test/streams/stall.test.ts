import { readFileSync } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { testDatabase, type TestDatabase } from '../../testkit/database/database.ts'
import { ServiceLogs } from '../../testkit/operations/streams.ts'
import { runningService } from '../../testkit/seed/services.ts'
import { TestServer } from '../../testkit/server.ts'
import { until } from '../../testkit/until.ts'
import { firstFault, followLog, linesOf } from './follow.ts'

/** One wave: 20 MB of lines. Twelve readers that were buffered for would cost the server twelve times that. */
const LINES = 20_000
const STALLED = 6
const BOUND_KB = 160_000

const program = `
import { createServer } from 'node:http'
import { writeSync } from 'node:fs'
const line = 'x'.repeat(999) + '\\n'
createServer((request, response) => {
  for (let n = 0; n < ${LINES}; n += 100) writeSync(1, line.repeat(100))
  response.end('printed')
}).listen(process.env.PORT, '127.0.0.1')
`

let database: TestDatabase
let server: TestServer
beforeAll(async () => {
  database = await testDatabase()
  server = new TestServer(database)
  await server.start()
})
afterAll(async () => {
  await server.end('SIGTERM')
  await database.drop()
})

const residentKb = (): number =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1])

/** A WebSocket that subscribes and then reads no more. */
async function stalledSocket(id: string): Promise<WebSocket> {
  const socket = new WebSocket(
    `${server.url.replace('http', 'ws')}/graphql`,
    'graphql-transport-ws',
  )
  const send = (message: object): void => socket.send(JSON.stringify(message))
  await new Promise((resolve) => socket.once('open', resolve))
  send({ type: 'connection_init', payload: server.admin.headers })
  await new Promise((resolve) => socket.once('message', resolve))
  send({
    type: 'subscribe',
    id: '1',
    payload: { query: ServiceLogs.toString(), variables: { serviceId: id, after: 'start' } },
  })
  socket.pause()
  return socket
}

/** An event stream of which only the head is read. */
function stalledEvents(id: string): Promise<IncomingMessage> {
  const url = new URL(`${server.url}/graphql`)
  url.searchParams.set('query', ServiceLogs.toString())
  url.searchParams.set('variables', JSON.stringify({ serviceId: id, after: 'start' }))
  const headers = { accept: 'text/event-stream', ...server.admin.headers }
  return new Promise((resolve, reject) => {
    get(url, { headers }, (response) => resolve(response.pause())).on('error', reject)
  })
}

test('readers that stall cost the server no memory, disturb nobody, and get everything later', async () => {
  const service = await runningService(
    server.admin,
    { 'main.mjs': program },
    { command: 'node main.mjs' },
  )
  const call = async (): Promise<void> => {
    const response = await fetch(service.invokeUrl, {
      method: 'POST',
      headers: server.admin.headers,
    })
    expect(await response.text()).toBe('printed')
  }
  const reader = followLog(server.admin, { serviceId: service.id, after: 'start' })
  const has = (count: number): Promise<void> => until(() => linesOf(reader).length >= count)
  // warm: what a wave costs when nobody stalls
  for (const waves of [1, 2]) {
    await call()
    await has(waves * LINES)
  }
  const before = residentKb()

  const sockets = await Promise.all(
    Array.from({ length: STALLED }, () => stalledSocket(service.id)),
  )
  const events = await Promise.all(Array.from({ length: STALLED }, () => stalledEvents(service.id)))
  await call()
  await has(3 * LINES)
  // what is held stays; garbage may take a while to go
  await until(() => residentKb() - before < BOUND_KB)
  expect(firstFault(linesOf(reader).map(({ number }) => number))).toBeUndefined()
  reader.stop()

  // one of them reads on: what was on its way and what it missed join up
  const [stream] = events
  const numbers: number[] = []
  let text = ''
  stream?.setEncoding('utf8').on('data', (chunk: string) => {
    const parts = (text + chunk).split('\n\n')
    text = parts.pop() ?? ''
    for (const part of parts)
      for (const [, number] of part.matchAll(/"number":(\d+)/g)) numbers.push(Number(number))
  })
  stream?.resume()
  await until(() => numbers.length >= 3 * LINES)
  expect(firstFault(numbers)).toBeUndefined()
  for (const socket of sockets) socket.terminate()
  for (const one of events) one.destroy()
})
