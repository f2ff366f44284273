import type { IncomingHttpHeaders } from 'node:http'
import { GraphQLError, type ExecutionResult } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import { END, type DeliveryResult } from '../../execution/deliveries.ts'
import { outlookOf } from '../../kit/outlook.ts'
import { NOT_BEGUN } from '../../execution/run.ts'

/** A comment this often keeps proxies from closing a silent stream. */
const PING_MS = 12_000

/** Behind the cursor of a complete stream: an EventSource that comes back with it wants nothing more. */
const COMPLETE = '.end'

/** Whether a reconnecting EventSource has had the end already; it is answered 204, which stops it (HTML, 9.2.3). */
export const hasEnded = (lastEventId: string | undefined): boolean =>
  lastEventId?.endsWith(COMPLETE) ?? false

const TYPE = 'text/event-stream'
/** How long an EventSource that is sent away waits at least before it comes back. */
const COME_BACK_SECONDS = 3

/** Whether an EventSource asks, for which every status but 200 is the end (HTML, 9.2.3). */
export const isEventSource = (method: string, accept: IncomingHttpHeaders['accept']): boolean =>
  method === 'GET' && accept?.trim().toLowerCase() === TYPE

/** How long to wait, in seconds, where a subscription could not begin for what passes; undefined for any other reason. */
export function waitFor({ extensions }: GraphQLError): number | undefined {
  const { code, retryAfterSeconds } = extensions
  if (typeof retryAfterSeconds === 'number') return retryAfterSeconds
  return outlookOf(code) === 'passes' ? COME_BACK_SECONDS : undefined
}

/** An event stream that ends without an event, behind which an EventSource comes back with its Last-Event-ID. */
export const comeBackIn = (seconds: number): { headers: Record<string, string>; body: string } => ({
  headers: HEADERS,
  body: `retry: ${Math.max(seconds, COME_BACK_SECONDS) * 1_000}\n: come back\n\n`,
})

const HEADERS = {
  'content-type': TYPE,
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
}

/**
 * Server-sent events in the "distinct connections" mode of GraphQL over SSE, with the cursor of each delivery as
 * its `id:`, which a browser's EventSource sends back as `Last-Event-ID` when it reconnects. Results are pulled
 * only as fast as the connection takes them. What passes, such as an outage, ends no EventSource: it is sent away to come
 * back. Whoever reads by other means is told with 503 and Retry-After.
 */
export const sse: Plugin = {
  onResultProcess(results) {
    const { result, acceptableMediaTypes, request } = results
    if (!acceptableMediaTypes.includes(TYPE)) return
    if (Symbol.asyncIterator in result)
      return results.setResultProcessor(
        (stream, { Response }) =>
          // asked above
          new Response(eventStream(stream as AsyncIterable<DeliveryResult>), { headers: HEADERS }),
        TYPE,
      )
    if (!(NOT_BEGUN in result)) return
    const [error] = (result as ExecutionResult).errors ?? [] // nothing is batched
    const seconds = error && waitFor(error)
    if (seconds === undefined) return
    const { headers, body } = comeBackIn(seconds)
    results.setResultProcessor(
      (_result, { Response }) =>
        isEventSource(request.method, request.headers.get('accept') ?? undefined)
          ? new Response(body, { headers })
          : Response.json(
              { errors: [error] },
              { status: 503, headers: { 'retry-after': String(seconds) } },
            ),
      TYPE,
    )
  },
}

function eventStream(results: AsyncIterable<DeliveryResult>): ReadableStream<Uint8Array> {
  const iterator = results[Symbol.asyncIterator]()
  const encoder = new TextEncoder()
  let timer: NodeJS.Timeout | undefined
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        controller.enqueue(encoder.encode(':\n\n'))
        timer = setInterval(() => {
          if ((controller.desiredSize ?? 0) > 0) controller.enqueue(encoder.encode(':\n\n'))
        }, PING_MS)
      },
      async pull(controller) {
        try {
          const { done, value } = await iterator.next()
          if (!done) return controller.enqueue(encoder.encode(written(value)))
        } catch (cause) {
          clearInterval(timer)
          if (!(cause instanceof GraphQLError)) throw cause
          // without an `id:`, so that whoever comes back resumes behind what it has had
          controller.enqueue(encoder.encode(written({ errors: [cause] })))
        }
        clearInterval(timer)
        controller.enqueue(encoder.encode('event: complete\ndata:\n\n'))
        controller.close()
      },
      async cancel() {
        clearInterval(timer)
        await iterator.return?.()
      },
    },
    { highWaterMark: 1 },
  )
}

function written(result: DeliveryResult): string {
  const cursor = result.extensions?.cursor
  const id = cursor === undefined ? '' : `id: ${cursor}${result[END] ? COMPLETE : ''}\n`
  return `${id}event: next\ndata: ${JSON.stringify(result)}\n\n`
}
