import { once } from 'node:events'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { testApp, type TestApp } from '../../testkit/app.ts'
import { until } from '../../testkit/until.ts'

let app: TestApp
/** What the last test does. */
let closing: Promise<void> | undefined
beforeAll(async () => {
  app = await testApp()
})
afterAll(() => closing ?? app.close())

/** A socket without any client of GraphQL behind it. */
async function raw(protocols = ['graphql-transport-ws']): Promise<WebSocket> {
  const socket = new WebSocket(`${app.url.replace('http', 'ws')}/graphql`, protocols)
  await once(socket, 'open')
  return socket
}

async function closed(socket: WebSocket): Promise<[number, string]> {
  const [code, reason] = (await once(socket, 'close')) as [number, Buffer]
  return [code, reason.toString()]
}

async function said(socket: WebSocket): Promise<unknown> {
  const [data] = (await once(socket, 'message')) as [Buffer]
  return JSON.parse(data.toString())
}

async function acknowledged(): Promise<WebSocket> {
  const socket = await raw()
  socket.send(JSON.stringify({ type: 'connection_init', payload: app.admin.headers }))
  expect(await said(socket)).toEqual({ type: 'connection_ack' })
  return socket
}

const subscribe = (id: string, query: string): string =>
  JSON.stringify({ id, type: 'subscribe', payload: { query } })
/** An operation that goes on. */
const FOLLOW = 'subscription { organizationChanged { cursor } }'

test.each([
  ['no JSON', 'nothing'],
  ['no message', '{}'],
  ['an unknown type', '{"type":"shout"}'],
  ['a subscription without an id', '{"type":"subscribe","payload":{"query":"{ __typename }"}}'],
  ['a subscription without a document', '{"type":"subscribe","id":"1","payload":{}}'],
])('4400: %s', async (_what, message) => {
  const socket = await acknowledged()
  socket.send(message)
  expect((await closed(socket))[0]).toBe(4400)
})

test('4401: whoever subscribes before being acknowledged', async () => {
  const socket = await raw()
  socket.send(subscribe('1', '{ __typename }'))
  expect(await closed(socket)).toEqual([4401, 'Unauthorized'])
})

test('4403: a credential that is not known', async () => {
  const socket = await raw()
  const payload = { authorization: 'Bearer mrt_unknown' }
  socket.send(JSON.stringify({ type: 'connection_init', payload }))
  expect(await closed(socket)).toEqual([4403, 'Forbidden'])
})

test('4406: whoever names no protocol', async () => {
  const socket = await raw([])
  expect((await closed(socket))[0]).toBe(4406)
})

test('4408: whoever says nothing', async () => {
  const socket = await raw()
  expect(await closed(socket)).toEqual([4408, 'Connection initialisation timeout'])
})

test('4409: an id that is in use, once the first operation runs', async () => {
  const socket = await acknowledged()
  socket.send(subscribe('1', FOLLOW))
  socket.send(subscribe('1', FOLLOW))
  expect(await closed(socket)).toEqual([4409, 'Subscriber for 1 already exists'])
})

test('an id is free again when its operation is complete', async () => {
  const socket = await acknowledged()
  const messages: unknown[] = []
  socket.on('message', (data: Buffer) => messages.push(JSON.parse(data.toString())))
  for (let n = 1; n <= 3; n += 1) {
    socket.send(subscribe('1', '{ __typename }'))
    await until(() => messages.length === 2 * n)
    expect(messages.slice(-2)).toMatchObject([
      { id: '1', type: 'next', payload: { data: { __typename: 'Query' } } },
      { id: '1', type: 'complete' },
    ])
  }
  socket.close()
})

test('4429: a second initialisation', async () => {
  const socket = await acknowledged()
  socket.send(JSON.stringify({ type: 'connection_init', payload: app.admin.headers }))
  expect(await closed(socket)).toEqual([4429, 'Too many initialisation requests'])
})

test('1009: a frame of more than a mebibyte', async () => {
  const socket = await acknowledged()
  socket.send(subscribe('1', `{ __typename } #${'x'.repeat(1_048_576)}`))
  expect((await closed(socket))[0]).toBe(1009)
})

test('1001: a server that shuts down, whatever runs on the socket', async () => {
  const sockets = [await acknowledged(), await acknowledged(), await raw()]
  sockets[0]?.send(subscribe('1', FOLLOW))
  const codes = Promise.all(sockets.map(closed))
  closing = app.close()
  expect(await codes).toEqual(sockets.map(() => [1001, 'Going away']))
})
