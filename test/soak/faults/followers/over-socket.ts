import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { persistent, resumable } from '../../../../src/client/index.ts'
import type { Answer, Client } from '../../../../testkit/client.ts'
import type { Stream } from '../streams.ts'
import { COMPLETE, Notes, type Follower } from './follower.ts'

/** Over a WebSocket of its own, by the lines of the README: `resumable(persistent(createClient, …))`. */
export function overSocket(client: Client, stream: Stream): Follower {
  const notes = new Notes()
  const socket = persistent(createClient, {
    url: `${client.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: client.headers,
  })
  const variables = { ...stream.variables, after: stream.from }
  let isClosed = false
  const stop = resumable(socket).subscribe(
    { query: stream.query, variables },
    {
      next: (result) => notes.take(stream, result as Answer<unknown>),
      error: (cause) => notes.end(cause),
      complete: () => isClosed || notes.end(COMPLETE),
    },
  )
  return Object.assign(notes, {
    name: `${stream.name} over WebSocket`,
    stream,
    async close() {
      isClosed = true
      stop()
      // a connection that was never made, or is gone without a word, cannot say goodbye
      socket.terminate()
      await Promise.resolve(socket.dispose()).catch(() => {})
    },
  })
}
