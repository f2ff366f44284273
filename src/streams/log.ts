import { Prisma } from '../generated/prisma/client.ts'
import type { LogSource } from '../generated/prisma/enums.ts'
import type { Database } from '../db/database.ts'
import type { Metrics } from '../ports/metrics/metrics.ts'
import type { Entry, Page, StreamKind } from './stream.ts'

/** One line of a log. */
export interface LogLine extends Entry {
  readonly at: Date
  readonly source: LogSource
  readonly instance: number | null
  readonly attempt: number | null
  readonly text: string
}

/** A line that is not stored yet. */
export interface NewLine {
  readonly source: LogSource
  readonly text: string
}

/** Which lines; lists mean any of. */
export interface LogFilter {
  readonly contains?: string | null
  readonly sources?: readonly LogSource[] | null
  readonly instance?: number | null
  readonly attempt?: number | null
  readonly at?: { readonly from: Date; readonly to?: Date | null } | null
}

/** Text that one read may hold: lines are up to 250 kB long, so their number alone bounds nothing. */
const MAX_BYTES = 4 * 1024 * 1024

interface LineRow {
  /** How many lines there were within the limit, more than there are rows when the bytes were too many. */
  found: bigint
  head: bigint
  first: bigint
  closed: boolean
  number: bigint | null
  at: Date
  source: LogSource
  instance: number | null
  attempt: number | null
  text: string
}

/** A statement that appends only when it finds a row: how output is stored exactly once. */
export interface Guard {
  /** Of its text, which is always the same: the whole is prepared under it. */
  readonly name: string
  readonly sql: Prisma.Sql
}

/**
 * Appends lines with one statement and answers the new head. With a guard (an `UPDATE … RETURNING 1`) nothing is
 * appended, and undefined answered, unless the guard changes a row: the two happen together or not at all.
 */
export async function appendLines(
  { database, metrics }: { database: Database; metrics: Metrics },
  stream: string,
  lines: readonly NewLine[],
  about: { instance?: number; attempt?: number; guard?: Guard } = {},
): Promise<number | undefined> {
  const guard = about.guard?.sql ?? Prisma.sql`SELECT 1`
  const count = BigInt(lines.length)
  const bytes = BigInt(lines.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0))
  const began = performance.now()
  const [row] = await database.query<{ head: bigint }>(
    Prisma.sql`
      WITH guard AS (${guard}),
      head AS (
        INSERT INTO "LogHead" AS h (stream, head, at, bytes)
        SELECT ${stream}::uuid, ${count}::bigint, clock_timestamp(), ${bytes}::bigint FROM guard
        ON CONFLICT (stream) DO UPDATE SET head = h.head + excluded.head, at = GREATEST(h.at, excluded.at),
          bytes = h.bytes + excluded.bytes
        RETURNING head, at
      ),
      lines AS (
        INSERT INTO "LogLine" (stream, number, at, source, instance, attempt, text)
        SELECT ${stream}::uuid, head.head - ${count}::bigint + l.place, head.at, l.source::"LogSource",
               ${about.instance ?? null}::int, ${about.attempt ?? null}::int, l.text
        FROM head, unnest(${lines.map((line) => line.source)}::text[], ${lines.map((line) => line.text)}::text[])
          WITH ORDINALITY AS l(source, text, place)
      )
      SELECT head FROM head`,
    { name: about.guard ? `append-lines-${about.guard.name}` : 'append-lines' },
  )
  if (row === undefined) return undefined
  metrics.observe('millrace_log_append_duration_seconds', (performance.now() - began) / 1000)
  metrics.count('millrace_log_lines_stored_total', lines.length)
  return Number(row.head)
}

/** Says that nothing follows in a log. */
export const closeLog = (stream: string): Prisma.Sql => Prisma.sql`
  INSERT INTO "LogHead" AS h (stream, head, at, "isClosed") VALUES (${stream}::uuid, 0, clock_timestamp(), true)
  ON CONFLICT (stream) DO UPDATE SET "isClosed" = true`

/** The kind of stream that logs are. */
export function logStream(database: Database): StreamKind<LogLine> {
  return {
    name: 'log',
    cursorKind: 'log',
    sizeBytes: (line) => line.text.length * 2 + 150,
    heads: (ids) => Prisma.sql`
      SELECT stream, head, first, "isClosed" AS closed FROM "LogHead" WHERE stream = ANY(${[...ids]}::uuid[])`,
    read: (id, after, limit) => readLines(database, id, { after, limit }),
  }
}

/** Which part of a log: numbers above `after` and below `before`, oldest first or newest first. */
export interface LineRange {
  readonly after?: number | undefined
  readonly before?: number | undefined
  readonly limit: number
  readonly filter?: LogFilter | null | undefined
  readonly newestFirst?: boolean
  /** How many to pass over first. */
  readonly offset?: number
}

/**
 * Lines in the order asked for, with the head as of the same moment. Fewer than asked for, at least one, when they
 * would be more than MAX_BYTES together; the page then says that it is cut.
 */
export async function readLines(
  database: Database,
  stream: string,
  { after = 0, before, limit, filter, newestFirst = false, offset = 0 }: LineRange,
): Promise<Page<LogLine>> {
  const conditions = [Prisma.sql`l.stream = h.stream`, Prisma.sql`l.number > ${after}::bigint`]
  if (before !== undefined) conditions.push(Prisma.sql`l.number < ${before}::bigint`)
  conditions.push(...filterSql(filter))
  const order = newestFirst ? Prisma.raw('DESC') : Prisma.raw('ASC')
  const rows = await database.query<LineRow>(
    Prisma.sql`
      SELECT h.head, h.first, h."isClosed" AS closed, l.* FROM "LogHead" AS h
      LEFT JOIN LATERAL (
        SELECT * FROM (
          SELECT *, sum(size) OVER (ORDER BY number ${order}) - size AS above, count(*) OVER () AS found FROM (
            SELECT l.number, l.at, l.source, l.instance, l.attempt, l.text, octet_length(l.text) AS size
            FROM "LogLine" AS l WHERE ${Prisma.join(conditions, ' AND ')}
            ORDER BY l.number ${order} LIMIT ${limit}::int OFFSET ${offset}::int
          ) AS l
        ) AS l WHERE above < ${MAX_BYTES}::int ORDER BY number ${order}
      ) AS l ON true
      WHERE h.stream = ${stream}::uuid`,
    filter || before !== undefined || newestFirst ? {} : { name: 'read-lines' },
  )
  return pageOf(rows)
}

/** How many lines of a log there are, with this filter. */
export async function countLines(
  database: Database,
  stream: string,
  filter: LogFilter | null | undefined,
): Promise<number> {
  const conditions = [Prisma.sql`l.stream = ${stream}::uuid`, ...filterSql(filter)]
  const [row] = await database.query<{ count: bigint }>(
    Prisma.sql`SELECT count(*) FROM "LogLine" AS l WHERE ${Prisma.join(conditions, ' AND ')}`,
  )
  return Number(row?.count ?? 0)
}

function filterSql(filter: LogFilter | null | undefined): Prisma.Sql[] {
  if (!filter) return []
  const { contains, sources, instance, attempt, at } = filter
  const parts: Prisma.Sql[] = []
  if (contains) parts.push(Prisma.sql`strpos(l.text, ${contains}) > 0`)
  if (sources) parts.push(Prisma.sql`l.source = ANY(${[...sources]}::"LogSource"[])`)
  if (instance != null) parts.push(Prisma.sql`l.instance = ${instance}::int`)
  if (attempt != null) parts.push(Prisma.sql`l.attempt = ${attempt}::int`)
  if (at) parts.push(Prisma.sql`l.at >= ${at.from}`)
  if (at?.to) parts.push(Prisma.sql`l.at < ${at.to}`)
  return parts
}

/** The same rule for a line in memory: what a follower is shown. */
export function matches(line: LogLine, filter: LogFilter): boolean {
  const { contains, sources, instance, attempt, at } = filter
  if (contains && !line.text.includes(contains)) return false
  if (sources && !sources.includes(line.source)) return false
  if (instance != null && line.instance !== instance) return false
  if (attempt != null && line.attempt !== attempt) return false
  return !at || (line.at >= at.from && (!at.to || line.at < at.to))
}

function pageOf(rows: readonly LineRow[]): Page<LogLine> {
  const [head] = rows
  if (head === undefined) return { entries: [], head: 0, first: 1, isClosed: false }
  return {
    head: Number(head.head),
    first: Number(head.first),
    isClosed: head.closed,
    isCut: Number(head.found) > rows.length,
    entries: rows.flatMap(({ number, at, source, instance, attempt, text }) =>
      number === null ? [] : [{ number: Number(number), at, source, instance, attempt, text }],
    ),
  }
}
