import { ServerResponse, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { CallAnswer } from '../kit/http/call.ts'

/** How often it is looked whether whoever is silent on such a connection is still there. */
const ALIVE_MS = 30_000
/** How long whoever was answered otherwise may take to hang up. */
const GOODBYE_MS = 1_000
/** How long what one side has said may take to be read by the other, once the one has gone. */
const DRAIN_MS = 10_000

/** What came over a connection behind the request to upgrade it. */
const heads = new WeakMap<IncomingMessage, Buffer>()

/** Whether a request may go on in another protocol. */
export const isUpgrade = (request: IncomingMessage): boolean => heads.has(request)

/** Takes a request to upgrade with its connection; false where it is for others. */
export type TakeUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => boolean

/**
 * Lets requests to upgrade a connection be routed as all others are, so that each is guarded, authenticated and observed
 * in the same way, and whoever is refused is answered. `own` takes those that are for no route. Answers how to stop, with
 * which all connections that were upgraded so are cut: clients come back, to another server.
 */
export function routeUpgrades(
  http: FastifyInstance,
  own: TakeUpgrade,
): { readonly size: number; close(): void } {
  const { server } = http
  const open = new Set<Duplex>()
  const latest = new WeakMap<Duplex, ServerResponse>()
  const note = (request: IncomingMessage, response: ServerResponse): void =>
    void latest.set(request.socket, response)
  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const before = latest.get(socket)
    if (before !== undefined && !before.closed) {
      // asked behind a request that is still being answered: answers go out in order
      latest.delete(socket)
      socket.on('error', () => socket.destroy()).on('drain', () => before.emit('drain'))
      before.once('close', () => {
        if (!socket.destroyed) upgrade(request, socket, head)
      })
      return
    }
    if (own(request, socket, head)) return
    heads.set(request, head)
    open.add(socket)
    const response = new ServerResponse(request)
    response.shouldKeepAlive = false // nobody reads what may follow as HTTP
    response.assignSocket(socket as Socket) // of a server of Node's
    socket
      .on('error', () => socket.destroy())
      .on('drain', () => response.emit('drain'))
      .once('close', () => open.delete(socket))
      // whoever hangs up waits for no answer, as with other requests
      .once('end', () => isUpgrade(request) && socket.destroy())
    response.once('finish', () => {
      // read, or the end behind it would never be seen
      socket.resume().end()
      const cut = setTimeout(() => socket.destroy(), GOODBYE_MS)
      socket.once('close', () => clearTimeout(cut))
    })
    http.routing(request, response)
  }
  server.prependListener('request', note)
  server.on('upgrade', upgrade)
  return {
    get size() {
      return open.size
    },
    close() {
      server.off('upgrade', upgrade)
      for (const socket of open) socket.destroy()
    },
  }
}

/** Goes on in the protocol that the service has taken up: from here bytes pass as they come, both ways. */
export function goOn(
  reply: FastifyReply,
  { status, headers }: CallAnswer,
  service: Duplex,
): FastifyReply {
  const { raw: response, request } = reply
  const { socket } = response
  reply.hijack()
  response.statusCode = status
  if (socket === null || socket.destroyed) {
    service.destroy()
    return reply
  }
  const fields = {
    ...response.getHeaders(),
    ...headers,
    connection: 'Upgrade',
    upgrade: 'websocket',
  }
  const lines = Object.entries(fields).flatMap(([name, value]) =>
    [value ?? []].flat().map((one) => `${name}: ${one}\r\n`),
  )
  socket.write(`HTTP/1.1 ${status} Switching Protocols\r\n${lines.join('')}\r\n`, 'latin1')
  const early = heads.get(request.raw)
  heads.delete(request.raw)
  if (early !== undefined && early.length > 0) service.write(early)
  joined(socket, service as Socket)
  return reply
}

/** Passes what comes over each of two connections on to the other, until both have ended or one breaks off. */
function joined(one: Socket, other: Socket): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.setKeepAlive(true, ALIVE_MS)
    from.on('error', () => from.destroy())
    from.once('close', () => {
      to.destroySoon() // what it has said goes out first, where somebody reads it
      const cut = setTimeout(() => to.destroy(), DRAIN_MS)
      to.once('close', () => clearTimeout(cut))
    })
    from.pipe(to)
  }
}
