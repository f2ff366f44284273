import type { Context } from '../context.ts'
import { cancelable } from '../kit/cancelable.ts'
import { readCursor, writeCursor, type Batch, type Entry, type StreamKind } from '../streams/index.ts'
import type { Delivery } from './types.ts'

/**
 * Where a subscription resumes: at the `Last-Event-ID` of an SSE connection, else at the `after` it was given. An
 * EventSource that reconnects sends its first `after` again, in the URL it cannot change, and what it has by now.
 */
export const resumeFrom = (ctx: Context, after: string | null | undefined): string | undefined =>
  ctx.lastEventId ?? after ?? undefined

/**
 * The deliveries of one stream. `after` is a cursor of it, or undefined to begin with the present: then `first`
 * makes a first delivery (at once, without entries) at the head as of now. Throws BadCursor before anything else.
 */
export async function deliver<E extends Entry, D extends object>(
  ctx: Context,
  kind: StreamKind<E>,
  id: string,
  after: string | undefined,
  fill: (batch: Batch<E>) => Promise<D | undefined> | D | undefined,
  start: (head: number) => Promise<{ after: number; tellNow: boolean }> | { after: number; tellNow: boolean },
): Promise<AsyncIterableIterator<D & Delivery>> {
  const stream = { kind: kind.cursorKind, id }
  const begin =
    after === undefined
      ? await start((await ctx.hub.head(kind, id)).head)
      : { after: readCursor(stream, after), tellNow: false }
  return cancelable(async function* (signal) {
    const write = async (batch: Batch<E>): Promise<(D & Delivery) | undefined> => {
      const content = await fill(batch)
      return content && { ...content, cursor: writeCursor(stream, batch.position), gap: batch.gap, end: batch.end }
    }
    if (begin.tellNow) {
      const now = await write({ entries: [], position: begin.after })
      if (now) yield now
    }
    for await (const batch of ctx.hub.follow(kind, id, begin.after, signal)) {
      const delivery = await write(batch)
      if (delivery) yield delivery
    }
  })
}

