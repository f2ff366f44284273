import type { Prisma } from '../generated/prisma/client.ts'
import type { StreamKindName } from './cursor.ts'

/** An entry of a stream; numbers are dense: 1, 2, 3 … */
export interface Entry {
  readonly number: number
  /** By the clock of the database. */
  readonly at: Date
}

/** How far a stream reaches now. */
export interface Head {
  /** Number of the newest entry, 0 when there is none. */
  readonly head: number
  /** Number of the oldest entry that retention has left; `head + 1` when all are gone. */
  readonly first: number
  /** True when nothing follows: the object is gone for good. */
  readonly isClosed: boolean
}

/** Entries after a number, and the head as of the same moment. */
export interface StreamPage<E extends Entry> extends Head {
  readonly entries: readonly E[]
  /** True when there was more within the limit than is held in memory at once. */
  readonly isCut?: boolean
}

/** The page of a stream in which nothing was ever written. */
export const NO_ENTRIES = { entries: [], head: 0, first: 1, isClosed: false } as const

/** The name of a kind of stream. It is made once, by `streamName`, so that what hints at a stream cannot misspell it. */
export type StreamName = string & { readonly isStreamName: true }

export const streamName = (name: string): StreamName => name as StreamName

/** One kind of stream: where its entries are and how its heads are found, all of them with one statement. */
export interface StreamKind<E extends Entry> {
  /** Distinguishes kinds in the Hub. */
  readonly name: StreamName
  readonly cursorKind: StreamKindName
  /** The oldest entries numbered above `after`, at most `limit`. */
  read(id: string, after: number, limit: number): Promise<StreamPage<E>>
  /** Rows (stream uuid, head bigint, first bigint, closed boolean) for those of `ids` that exist. */
  heads(ids: readonly string[]): Prisma.Sql
  /** Runs before `heads` and `read` see the stream: numbers what has no number yet. */
  settle?(ids: readonly string[]): Promise<void>
  /** About how many bytes an entry holds in memory. */
  sizeBytes(entry: E): number
}

/** Entries that can no longer be had. */
export interface Gap {
  readonly from: number
  readonly to: number
  readonly reason: 'RETENTION' | 'RESTORED'
}

/** What a follower is handed. `position` is the number to resume after. */
export interface Batch<E extends Entry> {
  readonly entries: readonly E[]
  readonly position: number
  readonly gap?: Gap | undefined
  readonly end?: { readonly lastNumber: number } | undefined
}

/** What is missing between a position and the page that was read from it; within a page nothing is. */
export const gapBefore = <E extends Entry>(after: number, page: StreamPage<E>): Gap | undefined =>
  gapBetween(after, page.entries[0]?.number ?? page.head + 1, page.head)

/**
 * What is missing of the numbers above `after` and below `before` that a page was read from, whatever its filter has
 * left: what lay above the head, or what retention has removed, where the page `reachesDown` to it.
 */
export function gapWithin(
  {
    after = 0,
    before,
  }: { readonly after?: number | undefined; readonly before?: number | undefined },
  { head, first }: Head,
  reachesDown: boolean,
): Gap | undefined {
  const last = (before ?? 0) - 1
  if (after <= head && last > head) return { from: head + 1, to: last, reason: 'RESTORED' }
  if (after <= head && !reachesDown) return undefined
  return gapBetween(after, Math.min(first, before ?? first), head)
}

function gapBetween(after: number, next: number, head: number): Gap | undefined {
  if (after > head) return { from: head + 1, to: after, reason: 'RESTORED' }
  return next > after + 1 ? { from: after + 1, to: next - 1, reason: 'RETENTION' } : undefined
}

/** The Bus topic on which a stream's new head is told. */
export const topicOf = (kind: StreamName, id: string): string => `stream.${kind}.${id}`
