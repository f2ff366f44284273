import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { setImmediate, setTimeout as pause } from 'node:timers/promises'

/** How a way lets bytes through. */
export type Passage =
  | { readonly kind: 'open' }
  /** Nothing passes, nobody is told; what was sent passes when the way is open again. */
  | { readonly kind: 'hole' }
  /** Each connection is reset after some bytes. */
  | { readonly kind: 'resets'; readonly bytes: () => number }
  | { readonly kind: 'delay'; readonly ms: () => number }
  /** The first bytes of whatever passes come one by one. */
  | { readonly kind: 'drip' }

const OPEN: Passage = { kind: 'open' }
/** So many of what comes at once drip; the rest follows. */
const DRIPS = 200

interface Connection {
  readonly near: Socket
  readonly far: Socket
  /** Bytes until it is reset. */
  left: number
  /** The far end is gone and nobody says so. */
  isForgotten: boolean
}

/** A TCP proxy before a server, on which a network fails as it is told. */
export class Wire {
  readonly #server: Server
  readonly #connections = new Set<Connection>()
  #passage: Passage = OPEN
  #opened: (() => void)[] = []
  /** Connections that were reset. */
  resets = 0

  private constructor(server: Server) {
    this.#server = server
  }

  /** Before the server at this URL, whatever its protocol. */
  static async before(target: string): Promise<Wire> {
    const { hostname, port } = new URL(target)
    const server = createServer({ noDelay: true })
    const wire = new Wire(server)
    server.on('connection', (near) => wire.#join(near, connect(Number(port), hostname)))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return wire
  }

  /** The same URL, by this way. */
  through(target: string): string {
    const url = new URL(target)
    url.port = String((this.#server.address() as AddressInfo).port) // a TCP server has one
    return url.href.replace(/\/$/, '')
  }

  set(passage: Passage): void {
    this.#passage = passage
    for (const connection of this.#connections)
      connection.left = passage.kind === 'resets' ? passage.bytes() : Infinity
    if (passage.kind === 'hole') return
    for (const resolve of this.#opened.splice(0)) resolve()
  }

  open(): void {
    this.set(OPEN)
  }

  /** Resets what is connected. */
  reset(): void {
    for (const connection of this.#connections) this.#cut(connection)
  }

  /** What is connected loses its far end and is not told; new connections are fine. */
  forget(): void {
    for (const connection of this.#connections) {
      connection.isForgotten = true
      connection.far.destroy()
    }
  }

  /** Resets what has lost its far end. */
  dropForgotten(): void {
    for (const connection of this.#connections) if (connection.isForgotten) this.#cut(connection)
  }

  async close(): Promise<void> {
    this.#server.close()
    this.open()
    for (const { near, far } of this.#connections) {
      near.destroy()
      far.destroy()
    }
    await once(this.#server, 'close')
  }

  #join(near: Socket, far: Socket): void {
    far.setNoDelay(true)
    const left = this.#passage.kind === 'resets' ? this.#passage.bytes() : Infinity
    const connection = { near, far, left, isForgotten: false }
    this.#connections.add(connection)
    const end = (): void => {
      if (connection.isForgotten && !near.destroyed) return
      this.#connections.delete(connection)
      near.destroy()
      far.destroy()
    }
    for (const socket of [near, far]) socket.on('error', end).on('close', end)
    void this.#carry(connection, near, far)
    void this.#carry(connection, far, near)
  }

  async #carry(connection: Connection, from: Socket, to: Socket): Promise<void> {
    try {
      for await (const chunk of from.iterator({ destroyOnReturn: false }))
        if (!connection.isForgotten) await this.#pass(connection, chunk as Buffer, to)
      if (!connection.isForgotten) to.end()
    } catch {
      // either end was reset: `end` sees to the other
    }
  }

  async #pass(connection: Connection, chunk: Buffer, to: Socket): Promise<void> {
    while (this.#passage.kind === 'hole')
      await new Promise<void>((resolve) => this.#opened.push(resolve))
    if (this.#passage.kind === 'delay') await pause(this.#passage.ms())
    if (to.destroyed) return
    if (this.#passage.kind === 'drip')
      for (const byte of chunk.subarray(0, DRIPS)) {
        to.write(Uint8Array.of(byte))
        await setImmediate()
      }
    const rest = this.#passage.kind === 'drip' ? chunk.subarray(DRIPS) : chunk
    const isLast = connection.left <= chunk.length
    const passing = isLast ? rest.subarray(0, connection.left) : rest
    if (!to.write(passing)) await Promise.race([once(to, 'drain'), once(to, 'close')])
    connection.left -= chunk.length
    if (isLast) this.#cut(connection)
  }

  #cut(connection: Connection): void {
    this.resets += 1
    connection.isForgotten = false
    this.#connections.delete(connection)
    connection.near.resetAndDestroy()
    connection.far.resetAndDestroy()
  }
}
