import { once } from 'node:events'
import { WebSocket } from 'ws'
import type { TestServer } from '../../testkit/server.ts'

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

const DEPLOYMENT = /* GraphQL */ `
  subscription BenchDeployment($deploymentId: ID!) {
    deploymentChanged(deploymentId: $deploymentId) {
      cursor
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

  static open(server: TestServer, serviceId: string): Promise<Subscriber> {
    return Subscriber.#subscribed(server, OPERATION, { serviceId })
  }

  /** A follower of a deployment instead, which begins with its present state. */
  static ofDeployment(server: TestServer, deploymentId: string): Promise<Subscriber> {
    return Subscriber.#subscribed(server, DEPLOYMENT, { deploymentId })
  }

  static async #subscribed(
    { url, admin }: TestServer,
    query: string,
    variables: Record<string, string>,
  ): Promise<Subscriber> {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
    await once(socket, 'open')
    socket.send(JSON.stringify({ type: 'connection_init', payload: admin.headers }))
    await once(socket, 'message')
    socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query, variables } }))
    return new Subscriber(socket)
  }

  /** The same socket on a server that asks for nothing and sends deliveries at once. */
  static async bare(url: string, onDelivery: (text: string) => void): Promise<Subscriber> {
    const socket = new WebSocket(url)
    await once(socket, 'open')
    const subscriber = new Subscriber(socket)
    subscriber.onDelivery = onDelivery
    return subscriber
  }

  close(): void {
    this.#socket.terminate()
  }
}
