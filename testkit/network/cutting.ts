import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** A way to a server on which connections are reset in the middle of whatever passes. */
export interface Cutting {
  readonly url: string
  readonly cuts: number
  close(): Promise<void>
}

/** Resets `times` connections, each after as many bytes as `bytes` says; the later ones live. */
export async function cutting(
  target: string,
  times: number,
  bytes: () => number,
): Promise<Cutting> {
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  let cuts = 0
  const server = createServer((near) => {
    const far = connect(Number(port), hostname)
    let left = cuts < times ? bytes() : Infinity
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
      if (left > 0 || cuts >= times) return
      cuts += 1
      far.resetAndDestroy()
      near.resetAndDestroy()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const own = server.address() as AddressInfo // a TCP server has one
  return {
    url: `http://127.0.0.1:${own.port}`,
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
