import { Prisma } from '../generated/prisma/client.ts'
import type { LogSource } from '../generated/prisma/enums.ts'
import type { Database } from '../db/database.ts'
import type { Metrics } from '../ports/metrics/metrics.ts'
import { cutToBytes, type CutRow } from './cut.ts'
import { filterSql, type LogFilter } from './log-filter.ts'
import type { LogLine, NewLine } from './log-line.ts'
import { NO_ENTRIES, streamName, type Head, type StreamPage, type StreamKind } from './stream.ts'

interface LineRow extends CutRow {
  stream: string
  head: bigint
  first: bigint
  closed: boolean
  number: bigint | null
  at: Date
  source: LogSource
  instance: number | null
  attempt: number | null
  text: string
  isUnfinished: boolean
}

/** A statement that appends only when it finds a row: how output is stored exactly once. */
export interface LineGuard {
  /** Of its text, which is always the same: the whole is prepared under it. */
  readonly name: string
  readonly sql: Prisma.Sql
  /** A CTE more, over the CTEs `guard` and `head`; one row each when lines of so many bytes are stored. */
  readonly along?: (bytes: bigint) => Prisma.Sql
}

/**
 * Appends lines with one statement and answers the new head. With a guard (an `UPDATE … RETURNING`) nothing is
 * appended, and undefined answered, unless the guard changes a row: the two happen together or not at all. Nothing is
 * appended to a log that is closed: whoever follows it has been told its end.
 */
export async function appendLines(
  { database, metrics }: { database: Database; metrics: Metrics },
  stream: string,
  lines: readonly NewLine[],
  about: { instance?: number; attempt?: number; guard?: LineGuard } = {},
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
        WHERE NOT h."isClosed"
        RETURNING head, at
      ),
      lines AS (
        INSERT INTO "LogLine" (stream, number, at, source, instance, attempt, text, "isUnfinished")
        SELECT ${stream}::uuid, head.head - ${count}::bigint + l.place, head.at, l.source::"LogSource",
               ${about.instance ?? null}::int, ${about.attempt ?? null}::int, l.text, l.unfinished
        FROM head, unnest(${lines.map((line) => line.source)}::text[], ${lines.map((line) => line.text)}::text[],
          ${lines.map((line) => line.isUnfinished ?? false)}::boolean[])
          WITH ORDINALITY AS l(source, text, unfinished, place)
      )
      ${about.guard?.along ? Prisma.sql`, ${about.guard.along(bytes)}` : Prisma.empty}
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

/** Logs of services. */
export const LOG = streamName('log')

/** The kind of stream that logs are. */
export function logStream(database: Database): StreamKind<LogLine> {
  return {
    name: LOG,
    cursorKind: 'log',
    sizeBytes: (line) => line.text.length * 2 + 150,
    heads: (ids) => Prisma.sql`
      SELECT stream, head, first, "isClosed" AS closed FROM "LogHead" WHERE stream = ANY(${[...ids]}::uuid[])`,
    read: (id, after, limit) => readLog(database, id, { after, limit }),
  }
}

/** Which part of a log: numbers above `after` and below `before`, oldest first or newest first. */
export interface LineRange {
  readonly after?: number | undefined
  readonly before?: number | undefined
  readonly limit: number
  readonly filter?: LogFilter | null | undefined
  readonly newestFirst?: boolean
}

/** Lines of one log; see `readLines`. */
export async function readLog(
  database: Database,
  stream: string,
  range: LineRange,
): Promise<StreamPage<LogLine>> {
  const pages = await readLines(database, [stream], range)
  return pages.get(stream) ?? NO_ENTRIES
}

/**
 * Lines of each log that was ever written in the order asked for, with its head as of the same moment. Fewer than
 * asked for, at least one, when they would be more than a log's share of what one read may hold; the page then says that it is cut.
 */
export async function readLines(
  database: Database,
  streams: readonly string[],
  { after = 0, before, limit, filter, newestFirst = false }: LineRange,
): Promise<Map<string, StreamPage<LogLine>>> {
  const conditions = [Prisma.sql`l.stream = h.stream`, Prisma.sql`l.number > ${after}::bigint`]
  if (before !== undefined) conditions.push(Prisma.sql`l.number < ${before}::bigint`)
  const filters = filterSql(filter)
  conditions.push(...filters)
  const order = newestFirst ? Prisma.raw('DESC') : Prisma.raw('ASC')
  const lines = Prisma.sql`
    SELECT l.number, l.at, l.source, l.instance, l.attempt, l.text, l."isUnfinished", octet_length(l.text) AS size
    FROM "LogLine" AS l WHERE ${Prisma.join(conditions, ' AND ')}
    ORDER BY l.number ${order} LIMIT ${limit}::int`
  const rows = await database.query<LineRow>(
    Prisma.sql`
      SELECT h.stream, h.head, h.first, h."isClosed" AS closed, l.* FROM "LogHead" AS h
      LEFT JOIN LATERAL (${cutToBytes(lines, order, streams.length)}) AS l ON true
      WHERE h.stream = ANY(${[...streams]}::uuid[]) ORDER BY h.stream, l.number ${order}`,
    before !== undefined || newestFirst ? {} : preparedAs(filter, filters.length),
  )
  return pagesOf(rows)
}

/** The names of the texts that are read most: all lines, and those of one state. */
function preparedAs(
  filter: LogFilter | null | undefined,
  conditions: number,
): { readonly name?: string } {
  if (conditions === 0) return { name: 'read-lines' }
  return conditions === 1 && filter?.isUnfinished != null ? { name: 'read-lines-of-state' } : {}
}

/** The numbers of the newest and the oldest line of each log that was ever written. */
export async function readHeads(
  database: Database,
  streams: readonly string[],
): Promise<Map<string, Pick<Head, 'head' | 'first'>>> {
  const rows = await database.query<{ stream: string; head: bigint; first: bigint }>(
    Prisma.sql`SELECT stream, head, first FROM "LogHead" WHERE stream = ANY(${[...streams]}::uuid[])`,
  )
  return new Map(
    rows.map(({ stream, head, first }) => [stream, { head: Number(head), first: Number(first) }]),
  )
}

/** How many lines of each log there are, with this filter; none is left out for 0. */
export async function countLines(
  database: Database,
  streams: readonly string[],
  filter: LogFilter | null | undefined,
): Promise<Map<string, number>> {
  const conditions = [Prisma.sql`l.stream = ANY(${[...streams]}::uuid[])`, ...filterSql(filter)]
  const rows = await database.query<{ stream: string; count: bigint }>(Prisma.sql`
    SELECT l.stream, count(*) FROM "LogLine" AS l WHERE ${Prisma.join(conditions, ' AND ')}
    GROUP BY l.stream`)
  return new Map(rows.map(({ stream, count }) => [stream, Number(count)]))
}

function pagesOf(rows: readonly LineRow[]): Map<string, StreamPage<LogLine>> {
  const pages = new Map<string, StreamPage<LogLine> & { entries: LogLine[]; isCut: boolean }>()
  for (const { stream, head, first, closed, found, number, ...line } of rows) {
    const page = pages.get(stream) ?? {
      head: Number(head),
      first: Number(first),
      isClosed: closed,
      isCut: false,
      entries: [],
    }
    pages.set(stream, page)
    if (number === null) continue
    const { at, source, instance, attempt, text, isUnfinished } = line
    page.entries.push({ number: Number(number), at, source, instance, attempt, text, isUnfinished })
    page.isCut = Number(found) > page.entries.length
  }
  return pages
}
