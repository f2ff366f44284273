import { pageOf, windowOf, type Page, type PageArgs } from '../graph/connection.ts'
import { readCursor, writeCursor, type Entry, type StreamId } from '../streams/index.ts'
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
  read: (range: { after?: number; before?: number; limit: number; newestFirst: boolean; offset: number }) => Promise<StreamPage<E>>,
  count?: () => Promise<number>,
): Promise<Page<E>> {
  const window = windowOf(args, MAX_ENTRIES)
  const after = args.after == null ? undefined : readCursor(stream, args.after)
  const before = args.before == null ? undefined : readCursor(stream, args.before)
  const { entries, head, first } = await read({
    ...(after === undefined ? {} : { after }),
    ...(before === undefined ? {} : { before }),
    limit: window.limit + 1,
    newestFirst: window.isBackward,
    offset: window.offset,
  })
  const empty = window.isBackward ? (before ?? head + 1) - 1 : (after ?? first - 1)
  const page = pageOf(
    entries,
    window,
    args,
    (entry) => writeCursor(stream, entry.number),
    count ?? (() => Promise.resolve(head - first + 1)),
    writeCursor(stream, Math.max(0, empty)),
  )
  return page
}
