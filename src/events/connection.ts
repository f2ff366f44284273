import type { ArgBuilder, ObjectRef, OutputType } from '@pothos/core'
import { builder } from '../builder.ts'
import type { Context } from '../context.ts'
import {
  connectionOf,
  pageArgs,
  pageOf,
  windowOf,
  type ListPage,
  type PageArgs,
} from '../graph/connection.ts'
import { batchedAlike } from '../kit/batched.ts'
import { BadRequest, type CursorArgument } from '../kit/errors.ts'
import {
  countEvents,
  NO_ENTRIES,
  readCursor,
  readEvents,
  writeCursor,
  type Entry,
  type EventStream,
  type StoredEvent,
  type StreamId,
} from '../streams/index.ts'
import { gapWithin, type Gap, type Head, type StreamPage } from '../streams/stream.ts'
import { StreamGapType } from './types.ts'

type Types = typeof builder.$inferSchemaTypes

/** The largest page of a stream. */
const MAX_ENTRIES = 1_000

type Args = ArgBuilder<Types>

type StreamOrder = 'oldest first' | 'newest first'

/** What a page is that begins beyond the newest entry. */
const beyond: Readonly<Record<StreamOrder, string>> = {
  'oldest first': 'returns an empty page',
  'newest first': 'means the newest entry',
}

/** The arguments of every stream: numbers are dense, so that a page is found by number, and nothing is passed over. */
export const streamArgs = (t: Args, order: StreamOrder = 'oldest first') => {
  const { offset: _offset, ...page } = pageArgs(t, MAX_ENTRIES)
  return {
    ...page,
    from: t({
      type: 'SafeInt',
      description: `Number of the entry that the page begins with, at least 1. A number beyond the newest entry ${beyond[order]}. Cannot be combined with \`after\` or \`last\`.`,
    }),
  }
}

export interface StreamArgs extends Omit<PageArgs, 'offset'> {
  readonly from?: number | null | undefined
}

/** A page of a stream, with what is missing of it, and the numbers of the whole stream. */
export interface EntryPage<E> extends ListPage<E> {
  readonly gap: Gap | undefined
  readonly head: Head
}

/** The connection of a kind of stream: `gap` tells whoever reads it page by page what followers are told. */
export function streamConnectionOf<E>(
  name: string,
  node: OutputType<Types>,
  noun: string,
): ObjectRef<Types, EntryPage<E>> {
  const connection = connectionOf<E, EntryPage<E>>(name, node, noun)
  builder.objectField(connection, 'gap', (t) =>
    t.field({
      type: StreamGapType,
      nullable: true,
      description: `Range of ${noun} that are missing from the page. Either retention removed them, and they precede the oldest entry of the page. Or they followed the newest entry, and were lost when the database was restored from a backup. Null where nothing is missing, and where older entries precede the page.`,
      resolve: ({ gap }) => gap ?? null,
    }),
  )
  builder.objectFields(connection, (t) => ({
    firstNumber: t.field({
      type: 'SafeInt',
      nullable: true,
      description: `Number of the oldest of the ${noun} that are kept. The filter and the page do not change it. Null when none is kept.`,
      resolve: ({ head: { first, head } }) => (first > head ? null : first),
    }),
    lastNumber: t.field({
      type: 'SafeInt',
      nullable: true,
      description: `Number of the newest of the ${noun}. The filter and the page do not change it. Null when none is kept.`,
      resolve: ({ head: { first, head } }) => (first > head ? null : head),
    }),
  }))
  return connection
}

/**
 * A page of a stream, read both ways. Its cursors are those of the stream, the same that subscriptions take, and
 * every page has one, the empty page too.
 */
export async function pageOfStream<E extends Entry>(
  stream: StreamId,
  args: StreamArgs,
  read: (range: Range) => Promise<StreamPage<E>>,
  count: () => Promise<number>,
  order: StreamOrder = 'oldest first',
): Promise<EntryPage<E>> {
  const window = windowOf(args, MAX_ENTRIES)
  const isReversed = order === 'newest first'
  const place = (argument: CursorArgument): number | undefined => {
    const cursor = args[argument]
    return cursor == null ? undefined : readCursor(stream, argument, cursor)
  }
  const from = beginning(args)
  let after = place(isReversed ? 'before' : 'after')
  let before = place(isReversed ? 'after' : 'before')
  if (from !== undefined && isReversed) before = from + 1
  else if (from !== undefined) after = from - 1
  const newestFirst = window.isBackward !== isReversed
  const page = await read({ after, before, limit: window.limit + 1, newestFirst })
  const { entries, head, first, isCut = false } = page
  // a number that is still to come is no cursor of a state that was lost
  if (from !== undefined && isReversed) before = Math.min(from, head) + 1
  else if (from !== undefined) after = Math.min(from - 1, head)
  const hasMore = isCut || entries.length > window.limit
  const gap = gapWithin({ after, before }, page, !newestFirst || !hasMore)
  // a page of nothing lies between two entries, and leads to both, behind what it says is missing
  const asked = newestFirst ? (before ?? head + 1) - 1 : (gap?.to ?? after ?? first - 1)
  const nothing = Math.max(0, gap?.reason === 'RESTORED' ? head : asked)
  const [older, newer] = [nothing, nothing + 1].map((number) => writeCursor(stream, number))
  const [start = '', end = ''] = isReversed ? [older, newer] : [newer, older]
  const connection = pageOf(
    entries,
    window,
    args,
    (entry) => writeCursor(stream, entry.number),
    count,
    { empty: { start, end }, hasMore },
  )
  const hasOlder = after !== undefined && Math.min(after, head) >= first
  const hasNewer = before !== undefined && before <= head
  const { pageInfo } = connection
  const [isAhead, isBehind] = isReversed ? [hasNewer, hasOlder] : [hasOlder, hasNewer]
  return {
    ...connection,
    pageInfo: window.isBackward
      ? { ...pageInfo, hasNextPage: isBehind }
      : { ...pageInfo, hasPreviousPage: isAhead },
    gap,
    head: page,
  }
}

/** The number that a page is to begin with. Throws BadRequest. */
function beginning({ from, after, last }: StreamArgs): number | undefined {
  if (from == null) return undefined
  if (after != null) throw new BadRequest('Give `from` or `after`, not both.')
  if (last != null)
    throw new BadRequest('`from` is the beginning of a page: give `first` with it, not `last`.')
  if (from < 1) throw new BadRequest('`from` must be at least 1.')
  return from
}

/** Pages of the events of one kind of object, those of all objects in a list with one statement. */
export function eventPages({
  heads,
}: EventStream): (ctx: Context, id: string, args: StreamArgs) => Promise<EntryPage<StoredEvent>> {
  const pageOfEvents = batchedAlike(({ database }: Context, ids, range: Range) =>
    readEvents(database, heads, ids, range),
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
}
