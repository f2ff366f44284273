import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** A way to a server that breaks again and again, in the middle of whatever passes. */
export interface Cutter {
  readonly url: string
  /** Connections that were cut. */
  readonly cuts: number
  close(): Promise<void>
}

/**
 * Listens before `target` and cuts each connection once it has let some bytes through, as many as a fixed sequence
 * of numbers says: seldom on the border of a message.
 */
export async function cutter(target: string): Promise<Cutter> {
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  let cuts = 0
  let seed = 1
  const someBytes = (): number => {
    seed = (seed * 48_271) % 2_147_483_647 // Lehmer's generator
    return 2_000 + (seed % 30_000)
  }
  const server = createServer((near) => {
    const far = connect(Number(port), hostname)
    let left = someBytes()
    const end = (): void => {
      for (const socket of [near, far]) {
        sockets.delete(socket)
        socket.destroy()
      }
    }
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', end).on('close', end)
    }
    near.pipe(far)
    far.on('data', (chunk) => {
      near.write(chunk.subarray(0, left))
      left -= chunk.length
      if (left > 0) return
      cuts += 1
      far.destroy()
      near.destroySoon()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port: own } = server.address() as AddressInfo // a TCP server has one
  return {
    url: `http://127.0.0.1:${own}`,
    get cuts() {
      return cuts
    },
    async close() {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}
