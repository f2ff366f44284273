import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { createClient, type Client } from 'graphql-ws'
import { WebSocket, WebSocketServer } from 'ws'
import { afterEach, expect, expectTypeOf, it } from 'vitest'
import { persistent } from '../../src/client/index.ts'
import { until } from '../../testkit/until.ts'

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const one of undo.splice(0)) await one()
})

/** A server of the protocol that answers as told; what it has heard so far. */
async function serverOf(answer: (socket: WebSocket, type: string, seen: number) => void) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', autoPong: false })
  await once(server, 'listening')
  const state = { connections: 0, url: '' }
  const address = server.address()
  if (typeof address === 'object' && address) state.url = `ws://127.0.0.1:${address.port}`
  server.on('connection', (socket) => {
    state.connections += 1
    const seen = state.connections
    socket.on('message', (data) =>
      answer(socket, JSON.parse((data as Buffer).toString()).type, seen),
    )
  })
  undo.push(() => {
    for (const socket of server.clients) socket.terminate()
    server.close()
  })
  return state
}

/** What becomes of one subscription. */
function subscribed(client: Client) {
  const state = { results: 0, error: undefined as unknown, isOver: false }
  client.subscribe(
    { query: 'subscription { a }' },
    {
      next: () => (state.results += 1),
      error(error) {
        state.error = error
        state.isOver = true
      },
      complete: () => (state.isOver = true),
    },
  )
  // it rejects while the client cannot connect
  undo.push(() => Promise.resolve(client.dispose()).catch(() => {}))
  return state
}

it('it goes on trying where nobody listens yet', async () => {
  const place: Server = createServer().listen(0, '127.0.0.1')
  await once(place, 'listening')
  const address = place.address()
  const port = typeof address === 'object' && address ? address.port : 0
  place.close()
  let tries = 0
  const url = `ws://127.0.0.1:${port}`
  const on = { connecting: () => (tries += 1) }
  const state = subscribed(persistent(createClient, { url, webSocketImpl: WebSocket, on }))
  await until(() => tries > 2)
  expect(state.isOver).toBe(false)
})

it('a credential that is refused ends it', async () => {
  const { url } = await serverOf((socket) => socket.close(4403, 'Forbidden'))
  const state = subscribed(persistent(createClient, { url, webSocketImpl: WebSocket }))
  await until(() => state.isOver)
  expect(state.error).toMatchObject({ code: 4403 })
})

it('a server that gives no sign of life is left for a new connection', async () => {
  const server = await serverOf((socket, type, seen) => {
    if (type === 'connection_init') socket.send('{"type":"connection_ack"}')
    if (type === 'ping' && seen > 1) socket.send('{"type":"pong"}')
  })
  const { url } = server
  // options of the caller win: here the signs are asked for sooner
  const client = persistent(createClient, { url, webSocketImpl: WebSocket, keepAlive: 300 })
  expectTypeOf(client).toEqualTypeOf<Client>()
  const state = subscribed(client)
  await until(() => server.connections > 1)
  expect(state.isOver).toBe(false)
})
