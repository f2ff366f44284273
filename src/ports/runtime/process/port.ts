import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'

/**
 * A loopback port that is free now and not in `taken`. Between this and the program's own listen somebody else may
 * take it: then the program ends with its error, and is started again with another.
 */
export async function freePort(taken: ReadonlySet<number>): Promise<number> {
  for (;;) {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo // listening on a port, so never null or a path
    server.close()
    await once(server, 'close')
    if (!taken.has(port)) return port
  }
}
