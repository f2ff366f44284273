import { EventSource } from 'eventsource'
import type { Answer, Client } from '../../../../testkit/client.ts'
import type { Stream } from '../streams.ts'
import { COMPLETE, Notes, type Follower } from './follower.ts'

/**
 * With an EventSource, as a browser has it: it comes back with its `Last-Event-ID` after what `retry:` said, and any
 * status but 200 is the end of it (HTML, 9.2.3).
 */
export function overEvents(client: Client, stream: Stream): Follower {
  const notes = new Notes()
  const address = new URL('/graphql', client.url)
  address.searchParams.set('query', stream.query)
  address.searchParams.set('variables', JSON.stringify({ ...stream.variables, after: stream.from }))
  const source = new EventSource(address, {
    fetch: (input, init) =>
      fetch(input, { ...init, headers: { ...init.headers, ...client.headers } }),
  })
  source.addEventListener('next', ({ data }) =>
    notes.take(stream, JSON.parse(String(data)) as Answer<unknown>),
  )
  source.addEventListener('complete', () => {
    notes.end(COMPLETE)
    source.close()
  })
  source.addEventListener('error', ({ code, message }) => {
    if (source.readyState === source.CLOSED) notes.end(`status ${code ?? ''} ${message ?? ''}`)
  })
  return Object.assign(notes, {
    name: `${stream.name} by EventSource`,
    stream,
    async close() {
      source.close()
    },
  })
}
