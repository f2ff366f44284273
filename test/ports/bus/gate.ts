import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/**
 * Stands between a client and a server: a Redis that can be restarted, and connections that can be named, without
 * disturbing other tests at the same server.
 */
export interface Gate {
  /** `url` with the gate's own address. */
  readonly url: string
  /** How the server names the connections that pass now, as CLIENT KILL ADDR wants it. */
  addresses(): readonly string[]
  /** Cuts all connections and listens no more, like a server that is down. */
  shut(): Promise<void>
  /** Lets connections in again; with `dropping`, cuts each at once, like a server that is not up yet. */
  open(options?: { dropping: boolean }): Promise<void>
  /** How many connections were dropped so far. */
  dropped(): number
}

export async function gateTo(url: string): Promise<Gate> {
  const target = new URL(url)
  const pairs = new Map<Socket, Socket>()
  let port = 0
  let dropping = false
  let dropped = 0

  const listen = async () => {
    const server = createServer((client) => {
      if (dropping) {
        dropped++
        client.destroy()
        return
      }
      const upstream = connect(Number(target.port || 6379), target.hostname)
      pairs.set(client, upstream)
      client.pipe(upstream).pipe(client)
      for (const [one, other] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        one.on('error', () => other.destroy())
        one.on('close', () => other.destroy())
      }
      client.on('close', () => pairs.delete(client))
    })
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    // a server that listens on TCP has an AddressInfo
    port = (server.address() as AddressInfo).port
    return server
  }

  let server: Awaited<ReturnType<typeof listen>> | undefined = await listen()
  const own = new URL(url)
  own.host = `127.0.0.1:${port}`
  return {
    url: own.href,
    addresses: () =>
      [...pairs.values()].map(({ localAddress, localPort }) => `${localAddress}:${localPort}`),
    async shut() {
      const closed = new Promise<void>((resolve) =>
        server ? server.close(() => resolve()) : resolve(),
      )
      server = undefined
      for (const [client, upstream] of pairs)
        [client, upstream].forEach((socket) => socket.destroy())
      await closed
    },
    dropped: () => dropped,
    async open(options = { dropping: false }) {
      dropping = options.dropping
      server ??= await listen()
    },
  }
}
