import type { Plugin } from 'graphql-yoga'
import { END, type DeliveryResult } from './run.ts'

/** A comment this often keeps proxies from closing a silent stream. */
const PING_MS = 12_000

/** Behind the cursor of a complete stream: an EventSource that comes back with it wants nothing more. */
const COMPLETE = '.end'

/** Whether a reconnecting EventSource has had the end already; it is answered 204, which stops it (HTML, 9.2.3). */
export const hasEnded = (lastEventId: string | undefined): boolean =>
  lastEventId?.endsWith(COMPLETE) ?? false

/**
 * Server-sent events in the "distinct connections" mode of GraphQL over SSE, with the cursor of each delivery as
 * its `id:`, which a browser's EventSource sends back as `Last-Event-ID` when it reconnects. Results are pulled
 * only as fast as the connection takes them.
 */
export const sse: Plugin = {
  onResultProcess(results) {
    const { result, acceptableMediaTypes } = results
    const isWanted = acceptableMediaTypes.includes('text/event-stream')
    if (!isWanted || !(Symbol.asyncIterator in result)) return
    results.setResultProcessor(
      (stream, { Response }) =>
        new Response(eventStream(stream as AsyncIterable<DeliveryResult>), {
          // asked above
          headers: {
            'content-type': 'text/event-stream',
            'cache-control': 'no-cache, no-transform',
            'x-accel-buffering': 'no',
          },
        }),
      'text/event-stream',
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
        const { done, value } = await iterator.next()
        if (!done) return controller.enqueue(encoder.encode(written(value)))
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
