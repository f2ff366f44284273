import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { WebSocket } from 'ws'
import type { Client } from '../../testkit/client.ts'
import { ServiceLogs } from '../../testkit/operations/streams.ts'

/** Ends a connection that still follows its stream. */
type Leave = () => void

/**
 * One way to come to a server for a subscription: resolves once it waits for deliveries, with how to leave, or once
 * it has left on the way.
 */
export type Comer = (client: Client, service: Service) => Promise<Leave | undefined>
type Service = Readonly<{ id: string; invokeUrl: string }>

/** How to subscribe so that nothing comes, or one delivery and then nothing. */
const SILENT = { last: 0 }
const ONE = { after: 'start' }

/** A bare connection, which neither answers nor closes by itself. */
async function dial(client: Client): Promise<Socket> {
  const { hostname, port } = new URL(client.url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => {}) // the server may reset what is given up
  await once(socket, 'connect')
  return socket
}

const head = (client: Client, target: string, ...fields: string[]): string =>
  [
    `${target} HTTP/1.1`,
    `host: ${new URL(client.url).host}`,
    `authorization: Bearer ${client.token}`,
    ...fields,
    '\r\n',
  ].join('\r\n')

const upgrade = (client: Client): string =>
  head(
    client,
    'GET /graphql',
    'connection: Upgrade',
    'upgrade: websocket',
    'sec-websocket-version: 13',
    'sec-websocket-key: MDEyMzQ1Njc4OWFiY2RlZg==',
    'sec-websocket-protocol: graphql-transport-ws',
  )

const stream = (client: Client, id: string, how: object): string => {
  const variables = JSON.stringify({ serviceId: id, ...how })
  const query = new URLSearchParams({ query: ServiceLogs.toString(), variables })
  return head(client, `GET /graphql?${query}`, 'accept: text/event-stream')
}

function posted(client: Client, id: string, how: object): string {
  const body = JSON.stringify({
    query: ServiceLogs.toString(),
    variables: { serviceId: id, ...how },
  })
  const fields = ['content-type: application/json', `content-length: ${body.length}`]
  return head(client, 'POST /graphql', 'accept: text/event-stream', ...fields) + body
}

/** Writes and is gone as soon as that has left this process. */
async function writeAndLeave(socket: Socket, text: string): Promise<undefined> {
  await new Promise((resolve) => socket.write(text, resolve))
  socket.destroy()
}

const half = (text: string): string => text.slice(0, text.length / 2)

/** Resolves when the server has said that. */
async function hears(socket: Socket, what: string): Promise<void> {
  let heard = ''
  for await (const chunk of socket.iterator({ destroyOnReturn: false }))
    if ((heard += String(chunk)).includes(what)) return void socket.resume()
  throw new Error(`The server ended the stream before it said ${what}: ${heard}`)
}

async function listen(client: Client, id: string, how: object, what: string): Promise<Socket> {
  const socket = await dial(client)
  socket.write(stream(client, id, how))
  await hears(socket, what)
  return socket
}

async function openSocket(client: Client): Promise<WebSocket> {
  const url = `${client.url.replace('http', 'ws')}/graphql`
  const socket = new WebSocket(url, 'graphql-transport-ws', { headers: client.headers })
  await once(socket, 'open')
  return socket
}

const send = (socket: WebSocket, message: object): Promise<void> =>
  new Promise((resolve, reject) =>
    socket.send(JSON.stringify(message), (error) => (error ? reject(error) : resolve())),
  )

async function greeted(client: Client): Promise<WebSocket> {
  const socket = await openSocket(client)
  await send(socket, { type: 'connection_init' })
  await once(socket, 'message')
  return socket
}

async function subscribed(client: Client, id: string, how: object): Promise<WebSocket> {
  const socket = await greeted(client)
  const payload = { query: ServiceLogs.toString(), variables: { serviceId: id, ...how } }
  await send(socket, { type: 'subscribe', id: '1', payload })
  return socket
}

async function delivered(client: Client, id: string): Promise<WebSocket> {
  const socket = await subscribed(client, id, ONE)
  await once(socket, 'message')
  return socket
}

/** Completes the subscription, then says goodbye. */
const politely = (socket: WebSocket): Leave =>
  function leave() {
    socket.send(JSON.stringify({ type: 'complete', id: '1' }))
    socket.close(1000)
  }

/** Leaves before it is waited for. */
function gone(leave: Leave): undefined {
  leave()
}

/** Every way there is, by its name. */
export const comers: Readonly<Record<string, Comer>> = {
  'WebSocket, cut in its handshake': async (client) =>
    writeAndLeave(await dial(client), half(upgrade(client))),
  'WebSocket, cut while the handshake is answered': async (client) =>
    writeAndLeave(await dial(client), upgrade(client)),
  'WebSocket, closed before it says who it is': async (client) => {
    const socket = await openSocket(client)
    return gone(() => socket.close(1000))
  },
  'WebSocket, cut right after connection_init': async (client) => {
    const socket = await openSocket(client)
    await send(socket, { type: 'connection_init' })
    return gone(() => socket.terminate())
  },
  'WebSocket, cut while it subscribes': async (client, { id }) => {
    const socket = await subscribed(client, id, SILENT)
    return gone(() => socket.terminate())
  },
  'WebSocket, complete while it subscribes': async (client, { id }) =>
    gone(politely(await subscribed(client, id, SILENT))),
  'WebSocket, silent, then cut': async (client, { id }) => {
    const socket = await subscribed(client, id, SILENT)
    return () => socket.terminate()
  },
  'WebSocket, silent, then complete': async (client, { id }) =>
    politely(await subscribed(client, id, SILENT)),
  'WebSocket, cut after the first delivery': async (client, { id }) => {
    const socket = await delivered(client, id)
    return () => socket.terminate()
  },
  'WebSocket, closed after the first delivery': async (client, { id }) => {
    const socket = await delivered(client, id)
    return () => socket.close(1000)
  },
  'SSE, cut in its request': async (client, { id }) =>
    writeAndLeave(await dial(client), half(stream(client, id, SILENT))),
  'SSE, cut while it subscribes': async (client, { id }) =>
    writeAndLeave(await dial(client), stream(client, id, SILENT)),
  'SSE, cut in the body of its request': async (client, { id }) =>
    writeAndLeave(await dial(client), posted(client, id, ONE).slice(0, -9)),
  'SSE, posted, cut while it subscribes': async (client, { id }) =>
    writeAndLeave(await dial(client), posted(client, id, ONE)),
  'SSE, cut as it begins': async (client, { id }) => {
    const socket = await listen(client, id, ONE, 'event-stream')
    return gone(() => socket.destroy())
  },
  'SSE, silent, then cut': async (client, { id }) => {
    const socket = await listen(client, id, SILENT, ':\n\n')
    return () => socket.destroy()
  },
  'SSE, silent, then closed': async (client, { id }) => {
    const socket = await listen(client, id, SILENT, ':\n\n')
    return () => socket.end()
  },
  'SSE, cut after the first delivery': async (client, { id }) => {
    const socket = await listen(client, id, ONE, 'event: next')
    return () => socket.destroy()
  },
  'SSE, closed after the first delivery': async (client, { id }) => {
    const socket = await listen(client, id, ONE, 'event: next')
    return () => socket.end()
  },
  'call of a service, cut as it begins': async (client, { invokeUrl }) =>
    writeAndLeave(await dial(client), head(client, `GET ${new URL(invokeUrl).pathname}`)),
}
