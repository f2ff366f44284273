import { once } from 'node:events'
import { WebSocket } from 'ws'
import type { Client } from '../../../../testkit/client.ts'
import { ServiceLogs } from '../../../../testkit/operations/streams.ts'
import { both, type Fault } from './fault.ts'

const READERS = 300
const AT_ONCE = 20

/** One that subscribes and never reads. */
async function stuck({ url, headers }: Client, serviceId: string): Promise<WebSocket> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', {
    headers,
  })
  socket.on('error', () => {}) // the server may cut it
  await once(socket, 'open')
  socket.send(JSON.stringify({ type: 'connection_init' }))
  await once(socket, 'message')
  const payload = {
    query: ServiceLogs.toString(),
    variables: { serviceId, after: 'start' },
  }
  socket.send(JSON.stringify({ type: 'subscribe', id: '1', payload }))
  socket.pause()
  return socket
}

export const readerFaults: readonly Fault[] = [
  {
    name: `${READERS} readers that never read`,
    on: both,
    holdMs: 15_000,
    async begin({ stage, load }) {
      const sockets: WebSocket[] = []
      while (sockets.length < READERS)
        sockets.push(
          ...(await Promise.all(
            Array.from({ length: AT_ONCE }, () => stuck(stage.direct, load.subjects.serviceId)),
          )),
        )
      return {
        async heal() {
          for (const socket of sockets) socket.terminate()
        },
      }
    },
  },
]
