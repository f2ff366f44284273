import type { Context } from '../context.ts'
import type { Prisma } from '../generated/prisma/client.ts'
import { pageOf, windowOf, type Page, type PageArgs } from '../graph/connection.ts'
import { batchedAlike } from '../kit/batched.ts'
import {
  countEvents,
  NO_ENTRIES,
  readCursor,
  readEvents,
  writeCursor,
  type Entry,
  type StoredEvent,
  type StreamId,
} from '../streams/index.ts'
import type { Page as StreamPage } from '../streams/stream.ts'

/** The largest page of a stream. */
export const MAX_ENTRIES = 1_000

/**
 * A page of a stream, read both ways. Its cursors are those of the stream, the same that subscriptions take, and
 * every page has one, the empty page too.
 */
export async function pageOfStream<E extends Entry>(
  stream: StreamId,
  args: PageArgs,
  read: (range: Range) => Promise<StreamPage<E>>,
  count: () => Promise<number>,
  order: 'oldest first' | 'newest first' = 'oldest first',
): Promise<Page<E>> {
  const window = windowOf(args, MAX_ENTRIES)
  const isReversed = order === 'newest first'
  const [low, high] = isReversed ? [args.before, args.after] : [args.after, args.before]
  const after = low == null ? undefined : readCursor(stream, low)
  const before = high == null ? undefined : readCursor(stream, high)
  const newestFirst = window.isBackward !== isReversed
  const { entries, head, first, isCut } = await read({
    after,
    before,
    limit: window.limit + 1,
    newestFirst,
    offset: window.offset,
  })
  // a page of nothing lies between two entries, and leads to both
  const nothing = Math.max(0, newestFirst ? (before ?? head + 1) - 1 : (after ?? first - 1))
  const [older, newer] = [nothing, nothing + 1].map((number) => writeCursor(stream, number))
  const [start = '', end = ''] = isReversed ? [older, newer] : [newer, older]
  return pageOf(entries, window, args, (entry) => writeCursor(stream, entry.number), count, {
    empty: { start, end },
    hasMore: isCut,
  })
}

/** Pages of the events of one kind of object, those of all objects in a list with one statement. */
export function eventPages(
  objects: Prisma.Sql,
): (ctx: Context, id: string, args: PageArgs) => Promise<Page<StoredEvent>> {
  const pageOfEvents = batchedAlike(({ database }: Context, ids, range: Range) =>
    readEvents(database, objects, ids, range),
  )
  return (ctx, id, args) =>
    pageOfStream(
      { kind: 'event', id },
      args,
      async (range) => (await pageOfEvents(ctx, id, range)) ?? NO_ENTRIES,
      async () => (await eventCount(ctx, id)) ?? 0,
    )
}

const eventCount = batchedAlike(({ database }: Context, ids) => countEvents(database, ids))

export interface Range {
  readonly after: number | undefined
  readonly before: number | undefined
  readonly limit: number
  readonly newestFirst: boolean
  readonly offset: number
}
