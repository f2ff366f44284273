import { createClient } from 'graphql-sse'
import { resumable } from '../../../../src/client/index.ts'
import type { Answer, Client } from '../../../../testkit/client.ts'
import type { Stream } from '../streams.ts'
import { COMPLETE, Notes, type Follower } from './follower.ts'

/** Over SSE that is asked for by POST, with the client of graphql-sse. */
export function overPosts(client: Client, stream: Stream): Follower {
  const notes = new Notes()
  const source = createClient({
    url: `${client.url}/graphql`,
    headers: client.headers,
    retryAttempts: Infinity,
  })
  const variables = { ...stream.variables, after: stream.from }
  let isClosed = false
  const stop = resumable(source).subscribe(
    { query: stream.query, variables },
    {
      next: (result) => notes.take(stream, result as Answer<unknown>),
      error: (cause: unknown) => notes.end(cause),
      complete: () => isClosed || notes.end(COMPLETE),
    },
  )
  return Object.assign(notes, {
    name: `${stream.name} by graphql-sse`,
    stream,
    async close() {
      isClosed = true
      stop()
      source.dispose()
    },
  })
}
