import { Prisma } from '../generated/prisma/client.ts'

/** Bytes that one read may hold, over all its streams: entries are large enough that their number alone bounds nothing. */
const MAX_BYTES = 4 * 1024 * 1024

/** What rows have that come of `cutToBytes`, besides their own columns. */
export interface CutRow {
  /** How many entries there were within the limit, more than there are rows when the bytes were too many. */
  readonly found: bigint
  readonly size: number
  readonly above: bigint
}

/**
 * The first of `entries`, a SELECT with `number` and `size`: as many as are a stream's share of MAX_BYTES where so many
 * streams are read, and at least one.
 */
export const cutToBytes = (
  entries: Prisma.Sql,
  order: Prisma.Sql,
  streams: number,
): Prisma.Sql => Prisma.sql`
  SELECT * FROM (
    SELECT *, sum(size) OVER (ORDER BY number ${order}) - size AS above, count(*) OVER () AS found
    FROM (${entries}) AS l
  ) AS l WHERE above < ${Math.ceil(MAX_BYTES / Math.max(1, streams))}::int ORDER BY number ${order}`
