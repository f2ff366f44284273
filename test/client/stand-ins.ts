import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { WebSocketServer, type WebSocket } from 'ws'

/** What a stream of numbers is asked for. */
interface Asked {
  readonly query: string
  /** Behind which number to go on. */
  readonly after: number
}

/** A delivery of one number. */
export const delivery = (n: number, more: object = {}): object => ({
  data: { n },
  extensions: { cursor: String(n) },
  ...more,
})

export const errorOf = (code: string, more: object = {}): object => ({
  message: `It is ${code}.`,
  extensions: { code, ...more },
})

/** Stands in for a server, which meets its subscribers with one trouble after the other. */
export interface StandIn {
  readonly url: string
  /** What it was asked for, in order. */
  readonly asked: readonly Asked[]
  readonly connections: number
  close(): void
}

const readAsked = (payload: { query: string; variables?: { after?: string } }): Asked => ({
  query: payload.query,
  after: Number(payload.variables?.after ?? 0),
})

/** What a socket can be met with when it opens, or undefined to be let in. */
export type Greeting = (socket: WebSocket) => void
/** How a subscription is answered: `send` sends a message of the protocol. */
export type SocketAnswer = (
  send: (type: 'next' | 'error' | 'complete', payload?: unknown) => void,
  asked: Asked,
  socket: WebSocket,
) => void

/** Over WebSocket: each connection gets the next greeting while there are any, each subscription the next answer. */
export async function socketStandIn(
  answers: readonly SocketAnswer[],
  greetings: readonly Greeting[] = [],
): Promise<StandIn> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // a TCP server has one
  const asked: Asked[] = []
  let connections = 0
  server.on('connection', (socket) => {
    const greet = greetings[connections]
    connections += 1
    socket.on('message', (data) => {
      const { type, id, payload } = JSON.parse((data as Buffer).toString())
      if (type === 'connection_init')
        return greet === undefined ? socket.send('{"type":"connection_ack"}') : greet(socket)
      if (type !== 'subscribe') return
      const answer = answers[asked.length]
      asked.push(readAsked(payload))
      answer?.(
        (kind, said) => socket.send(JSON.stringify({ type: kind, id, payload: said })),
        readAsked(payload),
        socket,
      )
    })
  })
  return {
    url: `ws://127.0.0.1:${port}`,
    asked,
    get connections() {
      return connections
    },
    close() {
      for (const socket of server.clients) socket.terminate()
      server.close()
    },
  }
}

/** How a request for an event stream is answered. */
export type StreamAnswer = (response: ServerResponse, asked: Asked) => void

/** An event as GraphQL over SSE writes it. */
export const eventOf = (name: 'next' | 'complete', data: object | '' = ''): string =>
  `event: ${name}\ndata: ${data === '' ? '' : JSON.stringify(data)}\n\n`

export const openStream = (response: ServerResponse): ServerResponse =>
  response.writeHead(200, { 'content-type': 'text/event-stream' })

/** Over SSE: each request gets the next answer. */
export async function streamStandIn(answers: readonly StreamAnswer[]): Promise<StandIn> {
  const asked: Asked[] = []
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const answer = answers[asked.length]
      asked.push(readAsked(JSON.parse(body)))
      answer?.(response, asked.at(-1) ?? { query: '', after: 0 })
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // as above
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    get connections() {
      return asked.length
    },
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}
