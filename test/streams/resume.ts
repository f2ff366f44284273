import { EventSource } from 'eventsource'
import type { ServiceLogsSubscription } from '../../testkit/generated/graphql.ts'
import type { Answer, Client } from '../../testkit/client.ts'
import { ServiceLogs } from '../../testkit/operations/streams.ts'
import { until } from '../../testkit/until.ts'
import { follow, type Line } from './follow.ts'

/** A subscriber that comes back with its cursor after each cut, until the stream ends. */
export interface Subscriber {
  readonly lines: Line[]
  readonly connections: number
  /** Set once the stream has ended. */
  readonly lastNumber: number | undefined
  /** What it was told to be missing. */
  readonly gaps: number
  close(): void
}

type Result = Answer<ServiceLogsSubscription>

class Notes implements Subscriber {
  readonly lines: Line[] = []
  connections = 0
  lastNumber: number | undefined
  gaps = 0
  cursor: string | undefined = 'start'
  isClosed = false
  onClose = (): void => {}

  take({ data, errors, extensions }: Result): void {
    if (data == null) throw new Error(JSON.stringify(errors))
    const { lines, gap, end } = data.serviceLogs
    this.lines.push(...lines)
    this.gaps += gap ? 1 : 0
    this.lastNumber = end?.lastNumber
    this.cursor = String(extensions?.['cursor'])
  }

  get isOver(): boolean {
    return this.isClosed || this.lastNumber !== undefined
  }

  close(): void {
    this.isClosed = true
    this.onClose()
  }
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20))

/** Over WebSocket, with `after`. */
export function overWebSocket(client: Client, url: string, id: string): Subscriber {
  const notes = new Notes()
  void (async () => {
    while (!notes.isOver) {
      notes.connections += 1
      const following = follow(client, ServiceLogs, { serviceId: id, after: notes.cursor }, { url })
      notes.onClose = () => following.stop()
      let taken = 0
      await until(
        () => {
          for (; taken < following.results.length; taken += 1)
            notes.take(following.results[taken] ?? {})
          return following.over || notes.isOver
        },
        { timeoutMs: 200_000 },
      )
      following.stop()
      await pause()
    }
  })()
  return notes
}

/** Over SSE read with `fetch`, with `after`. */
export function overFetch(client: Client, url: string, id: string): Subscriber {
  const notes = new Notes()
  const controller = new AbortController()
  notes.onClose = () => controller.abort()
  void (async () => {
    while (!notes.isOver) {
      notes.connections += 1
      try {
        const body = JSON.stringify({
          query: ServiceLogs.toString(),
          variables: { serviceId: id, after: notes.cursor },
        })
        const headers = { 'content-type': 'application/json', accept: 'text/event-stream' }
        const response = await fetch(`${url}/graphql`, {
          method: 'POST',
          headers: { ...headers, ...client.headers },
          body,
          signal: controller.signal,
        })
        for await (const event of eventsOf(response))
          if (event.name === 'next') notes.take(JSON.parse(event.data) as Result)
      } catch (cause) {
        if (!(cause instanceof TypeError) && !controller.signal.aborted) throw cause // a cut is a TypeError
      }
      await pause()
    }
  })()
  return notes
}

/** Events of a `text/event-stream` (HTML, 9.2.6); one that is cut off is none. */
export async function* eventsOf(
  response: Response,
): AsyncGenerator<{ id: string | undefined; name: string; data: string }> {
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const fields = text.slice(0, end).split('\n')
      text = text.slice(end + 2)
      const field = (name: string): string | undefined =>
        fields
          .find((line) => line.startsWith(`${name}:`))
          ?.slice(name.length + 1)
          .trimStart()
      const name = field('event')
      if (name !== undefined) yield { id: field('id'), name, data: field('data') ?? '' }
    }
  }
}

/** Over SSE with an EventSource, which resumes by itself and stops at 204. */
export function overEventSource(
  client: Client,
  url: string,
  id: string,
): Subscriber & { readonly statuses: number[] } {
  const notes = new Notes()
  const statuses: number[] = []
  const address = new URL('/graphql', url)
  address.searchParams.set('query', ServiceLogs.toString())
  address.searchParams.set('variables', JSON.stringify({ serviceId: id, after: 'start' }))
  const source = new EventSource(address, {
    fetch: async (input, init) => {
      notes.connections += 1
      const response = await fetch(input, {
        ...init,
        headers: { ...init.headers, ...client.headers },
      })
      statuses.push(response.status)
      return response.body === null ? response : withoutDelay(response, response.body)
    },
  })
  source.addEventListener('next', ({ data }) => notes.take(JSON.parse(String(data)) as Result))
  notes.onClose = () => source.close()
  return Object.assign(notes, { statuses })
}

/** The same, told to reconnect at once: an EventSource waits three seconds otherwise. */
const withoutDelay = (response: Response, body: ReadableStream<Uint8Array>): Response =>
  new Response(
    body.pipeThrough(
      new TransformStream({
        start: (controller) => controller.enqueue(new TextEncoder().encode('retry: 20\n\n')),
      }),
    ),
    response,
  )
