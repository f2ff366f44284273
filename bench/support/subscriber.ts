import { once } from 'node:events'
import { WebSocket } from 'ws'
import type { TestServer } from '../../test/support/server.ts'

const OPERATION = /* GraphQL */ `
  subscription BenchLogs($serviceId: ID!) {
    serviceLogs(serviceId: $serviceId, last: 0) {
      cursor
      lines {
        number
        text
      }
    }
  }
`

/**
 * A follower of a log over graphql-transport-ws by hand, so that a hundred of them leave the machine to the server:
 * of a delivery it looks at the cursor alone, whose end is the number of the last line.
 */
export class Subscriber {
  /** Number of the last line it has. */
  position = 0
  deliveries = 0
  onDelivery: (text: string) => void = () => {}
  readonly #socket: WebSocket

  private constructor(socket: WebSocket) {
    this.#socket = socket
    socket.on('message', (data: Buffer) => {
      const text = data.toString()
      const cursor = /"cursor":"[^".]*\.([0-9a-z]+)"/.exec(text.slice(-300))
      if (cursor === null) throw new Error(`Not a delivery: ${text.slice(0, 500)}`)
      this.position = Number.parseInt(cursor[1] ?? '', 36)
      this.deliveries += 1
      this.onDelivery(text)
    })
  }

  static async open({ url, admin }: TestServer, serviceId: string): Promise<Subscriber> {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
    await once(socket, 'open')
    socket.send(JSON.stringify({ type: 'connection_init', payload: admin.headers }))
    await once(socket, 'message')
    const payload = { query: OPERATION, variables: { serviceId } }
    socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload }))
    return new Subscriber(socket)
  }

  close(): void {
    this.#socket.terminate()
  }
}
