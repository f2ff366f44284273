import { setTimeout as pause } from 'node:timers/promises'
import type { Context } from '../context.ts'
import { patiently } from '../kit/patience.ts'
import { cancelable } from '../kit/cancelable.ts'
import { TooComplex } from '../kit/errors.ts'
import { Gone } from '../kit/operation.ts'
import {
  readCursor,
  writeCursor,
  type Batch,
  type Entry,
  type StreamKind,
} from '../streams/index.ts'
import type { Delivery } from './types.ts'

/**
 * Where a subscription resumes: at the `Last-Event-ID` of an SSE connection, else at the `after` it was given. An
 * EventSource that reconnects sends its first `after` again, in the URL it cannot change, and what it has by now.
 */
export const resumeFrom = (ctx: Context, after: string | null | undefined): string | undefined =>
  ctx.lastEventId ?? after ?? undefined

/**
 * The deliveries of one stream. `after` is a cursor of it, or undefined to begin with the present: then `first`
 * makes a first delivery (at once, without entries) at the head as of now. Deliveries that are `isQuiet`, because a
 * filter left nothing of them, only move the cursor on: of those one a second goes out, and always the last. Throws
 * BadCursor before anything else.
 */
export async function deliver<E extends Entry, D extends object>(
  ctx: Context,
  kind: StreamKind<E>,
  id: string,
  after: string | undefined,
  fill: (batch: Batch<E>) => Promise<D> | D,
  start: (
    head: number,
  ) => Promise<{ after: number; tellNow: boolean }> | { after: number; tellNow: boolean },
  isQuiet: (content: D) => boolean = () => false,
): Promise<AsyncIterableIterator<D & Delivery>> {
  const stream = { kind: kind.cursorKind, id }
  const begin =
    after === undefined
      ? await start((await ctx.hub.head(kind, id)).head)
      : { after: readCursor(stream, after), tellNow: false }
  const complain = (err: unknown): void => {
    if (err instanceof TooComplex) throw err
    // whoever hangs up is no fault of anybody
    if (!(err instanceof Gone)) ctx.log.warn({ err }, 'could not fill a delivery; trying again')
  }
  const written = (batch: Batch<E>, content: D): D & Delivery => {
    const { position, gap, end } = batch
    return { ...content, cursor: writeCursor(stream, position), gap, end }
  }
  return cancelable(async function* (signal) {
    // what a delivery shows besides the entries is read now; an outage delays the delivery, it does not empty it
    const write = async (batch: Batch<E>): Promise<(D & Delivery)[]> => {
      ctx.operation.release() // the delivery before has gone out
      const content = await patiently(() => fill(batch), signal, complain)
      return content === undefined ? [] : [written(batch, content)]
    }
    if (begin.tellNow) yield* await write({ entries: [], position: begin.after })
    yield* paced(ctx.hub.follow(kind, id, begin.after, signal), write, isQuiet)
  })
}

/** How often a filter that matches nothing still tells how far it is. */
const QUIET_MS = 1_000

/** What `write` makes of the batches, of quiet ones the last of every second. */
async function* paced<B, D extends Delivery>(
  batches: AsyncGenerator<B, void, undefined>,
  write: (batch: B) => Promise<D[]>,
  isQuiet: (delivery: D) => boolean,
): AsyncGenerator<D, void, undefined> {
  let toldAt = -Infinity
  let held: D | undefined
  let next: Promise<IteratorResult<B, void>> | undefined
  const isDue = (): boolean => performance.now() >= toldAt + QUIET_MS
  try {
    for (;;) {
      next ??= batches.next()
      const result = held === undefined ? await next : await within(next, toldAt + QUIET_MS)
      if (result?.done) return
      if (result !== undefined) {
        next = undefined
        const [delivery] = await write(result.value)
        if (delivery === undefined) return // nobody is there any more
        held = delivery
      }
      if (held === undefined || (isQuiet(held) && !held.gap && !held.end && !isDue())) continue
      yield held
      held = undefined
      toldAt = performance.now()
    }
  } finally {
    await batches.return()
  }
}

/** What a promise resolves to, or undefined when that takes longer than until `at`. */
async function within<T>(promise: Promise<T>, at: number): Promise<T | undefined> {
  const over = new AbortController()
  const waited = pause(Math.max(0, at - performance.now()), undefined, {
    signal: over.signal,
    ref: false,
  }).catch(() => undefined)
  try {
    return await Promise.race([promise, waited])
  } finally {
    over.abort()
  }
}
