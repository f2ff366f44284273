import { setTimeout as pause } from 'node:timers/promises'
import type { Context } from '../context.ts'
import { cancelable } from '../kit/cancelable.ts'
import { readCursor, type Entry, type StreamKind } from '../streams/index.ts'
import { Portion, type Deliverable, type Showing } from './portion.ts'
import { Undelivered } from './undelivered.ts'

/**
 * Where a subscription resumes: at the `Last-Event-ID` of an SSE connection, else at the `after` it was given. An
 * EventSource that reconnects sends its first `after` again, in the URL it cannot change, and what it has by now.
 */
export const resumeFrom = (ctx: Context, after: string | null | undefined): string | undefined =>
  ctx.lastEventId ?? after ?? undefined

/** How one stream is delivered. */
interface How<E extends Entry, D extends object> extends Pick<Showing<E, D>, 'show' | 'cut'> {
  /** Where to begin without a cursor; `tellNow` makes a first delivery at once, without entries. */
  readonly begin: (head: number) => Promise<Begin> | Begin
  /** A filter. */
  readonly isWanted?: ((entry: E) => boolean) | undefined
}

interface Begin {
  readonly after: number
  readonly tellNow: boolean
}

/** To begin with the present, which is told at once. */
export const now = (head: number): Begin => ({ after: head, tellNow: true })

/**
 * What one stream delivers. `after` is a cursor of it, or undefined to begin where `begin` says. Deliveries of which a
 * filter left nothing only move the cursor on: of those one a second goes out, and always the last. Throws BadCursor
 * before anything else; once it has begun, only Undelivered.
 */
export async function deliver<E extends Entry, D extends object>(
  ctx: Context,
  kind: StreamKind<E>,
  id: string,
  after: string | undefined,
  { show, cut, begin, isWanted }: How<E, D>,
): Promise<AsyncIterableIterator<Portion<E, D>>> {
  const stream = { kind: kind.cursorKind, id }
  const showing = { show, cut, sizeOf: (entry: E) => kind.sizeBytes(entry) }
  const first =
    after === undefined
      ? await begin((await ctx.hub.head(kind, id)).head)
      : { after: readCursor(stream, 'after', after), tellNow: false }

  async function* portions(signal: AbortSignal): AsyncGenerator<Portion<E, D>, void, undefined> {
    let position = first.after
    if (first.tellNow) yield new Portion(stream, showing, position, { entries: [], position })
    try {
      for await (const batch of ctx.hub.follow(kind, id, position, signal)) {
        const entries = isWanted ? batch.entries.filter(isWanted) : batch.entries
        yield new Portion(stream, showing, position, { ...batch, entries })
        position = batch.position
      }
    } catch (cause) {
      throw new Undelivered({ stream, after: position, position: undefined }, { cause })
    }
  }
  return cancelable((signal) => paced(portions(signal)))
}

/** How often a filter that matches nothing still tells how far it is. */
const QUIET_MS = 1_000

/** The portions, of quiet ones the last of every second. */
async function* paced<P extends Pick<Deliverable, 'isQuiet'>>(
  portions: AsyncGenerator<P, void, undefined>,
): AsyncGenerator<P, void, undefined> {
  let toldAt = -Infinity
  let held: P | undefined
  let next: Promise<IteratorResult<P, void>> | undefined
  const isDue = (): boolean => performance.now() >= toldAt + QUIET_MS
  try {
    for (;;) {
      next ??= portions.next()
      const result = held === undefined ? await next : await within(next, toldAt + QUIET_MS)
      if (result?.done) return
      if (result !== undefined) {
        next = undefined
        held = result.value
      }
      if (held === undefined || (held.isQuiet && !isDue())) continue
      yield held
      held = undefined
      toldAt = performance.now()
    }
  } finally {
    await portions.return()
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
