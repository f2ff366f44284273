import { createHash } from 'node:crypto'
import { Prisma } from '../generated/prisma/client.ts'
import type { Database } from '../db/database.ts'
import { DomainError } from '../kit/errors.ts'
import type { ByteRange } from '../kit/http/byte-range.ts'
import { cutToBytes } from './cut.ts'
import { filterSql, type LogFilter } from './log-filter.ts'
import type { Gap } from './stream.ts'

/** How lines are written into a file. */
export type LogFormat = 'TEXT' | 'TIMED_TEXT' | 'NDJSON'

/** Lines of a log with numbers `from` to `to`, both included, as a file. */
export interface LogSelection {
  readonly format: LogFormat
  readonly from: number
  readonly to: number
  /** Number of the oldest line that was kept when they were selected. */
  readonly kept: number
  readonly filter?: LogFilter | null | undefined
}

/** Lines that are measured, and lines that are read, with one statement. */
const BLOCK = 5_000
const PAGE = 1_000
/** One read holds this share of what streams may be read into at once. */
const SHARE = 4

/** A line as it is in the file: the database writes it, so that it can be measured without being sent. */
const LINES: Readonly<Record<LogFormat, (time: Prisma.Sql) => Prisma.Sql>> = {
  TEXT: () => Prisma.sql`l.text || E'\n'`,
  TIMED_TEXT: (time) => Prisma.sql`
    ${time} || 'Z ' || COALESCE(COALESCE(l.instance, l.attempt)::text, '-') || ' ' || lower(l.source::text) || ' ' ||
    l.text || E'\n'`,
  NDJSON: (time) => Prisma.sql`
    '{"number":' || l.number || ',"at":"' || ${time} || '000Z","source":"' || l.source || '","instance":' ||
    COALESCE(l.instance::text, 'null') || ',"attempt":' || COALESCE(l.attempt::text, 'null') || ',"text":' ||
    to_json(l.text) || ',"isUnfinished":' || l."isUnfinished"::text || E'}\n'`,
}

const written = (format: LogFormat): Prisma.Sql =>
  LINES[format](Prisma.sql`to_char(l.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS')`)

/** All times are as long as this one, which need not be written. */
const sizeIn = (format: LogFormat): Prisma.Sql =>
  format === 'TEXT'
    ? Prisma.sql`octet_length(l.text) + 1`
    : Prisma.sql`octet_length(${LINES[format](Prisma.sql`'2026-01-31T12:00:00.000'`)})`

/** A gap as it is in the file. */
function gapIn(format: LogFormat, gap: Gap): string {
  if (format === 'NDJSON') return `${JSON.stringify({ gap })}\n`
  const why =
    gap.reason === 'RETENTION'
      ? 'they were kept no longer'
      : 'the database was restored to before them'
  return `[Lines ${gap.from} to ${gap.to} are gone: ${why}.]\n`
}

/** A part of the file: a gap, or lines with numbers from `low` to `high`. */
type Part = { readonly sizeBytes: number } & (
  | { readonly gap: Buffer }
  | { readonly low: number; readonly high: number }
)

/** What was to be read is there no longer: whoever asks again is sent another file. */
class LogChanged extends DomainError {
  readonly code = 'UNAVAILABLE'
  override readonly retryAfterSeconds = 1
  constructor() {
    super('Lines of the log were removed while it was read. Try again.')
  }
}

/**
 * A part of a log as a file that never changes: lines are never changed, and lines that are removed make another file,
 * with another tag, which says what is missing.
 */
export class LogFile {
  readonly sizeBytes: number
  /** The same for the same bytes alone. */
  readonly tag: string
  /** Lines that were there when they were selected are gone. */
  readonly isChanged: boolean
  readonly #database: Database
  readonly #stream: string
  readonly #selection: LogSelection
  readonly #parts: readonly Part[]

  private constructor(
    database: Database,
    stream: string,
    selection: LogSelection,
    parts: readonly Part[],
    about: { readonly low: number; readonly high: number; readonly at: Date | null },
  ) {
    this.#database = database
    this.#stream = stream
    this.#selection = selection
    this.#parts = parts
    const { from, to, kept } = selection
    this.isChanged = about.low !== Math.max(from, kept) || about.high < to
    this.sizeBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0)
    this.tag = createHash('sha256')
      .update(JSON.stringify([stream, selection, about, this.sizeBytes]))
      .digest('base64url')
  }

  /**
   * Measures the file, block by block, the oldest last: lines are removed at that end, and what is measured is read next.
   * Throws BadRequest for the filter, and the reason of the signal.
   */
  static async open(
    database: Database,
    stream: string,
    selection: LogSelection,
    signal: AbortSignal,
  ): Promise<LogFile> {
    const { from, to, format } = selection
    const newest = await newestOf(database, stream, to)
    const high = Math.min(to, newest.head)
    let { first } = newest
    const parts: Part[] = []
    for (let end = high; end >= Math.max(from, first); end -= BLOCK) {
      signal.throwIfAborted()
      const low = Math.max(from, end - BLOCK + 1)
      const block = await sizeOf(database, stream, selection, { low, high: end })
      first = block.first
      if (first <= end)
        parts.push({ low: Math.max(low, first), high: end, sizeBytes: block.sizeBytes })
    }
    const missing = (gap: Gap): Part[] => {
      const bytes = Buffer.from(gapIn(format, gap))
      return gap.from > gap.to ? [] : [{ gap: bytes, sizeBytes: bytes.length }]
    }
    const all = [
      ...missing({ from, to: Math.min(first - 1, high), reason: 'RETENTION' }),
      ...parts.toReversed(),
      ...missing({ from: Math.max(from, high + 1), to, reason: 'RESTORED' }),
    ]
    const { at } = newest
    return new LogFile(database, stream, selection, all, { low: Math.max(from, first), high, at })
  }

  /** The bytes, or those of a range. Throws LogChanged. */
  async *read(
    range: ByteRange = { first: 0, last: this.sizeBytes - 1 },
  ): AsyncGenerator<Buffer, void, undefined> {
    let start = 0 // of the part
    for (const part of this.#parts) {
      const end = start + part.sizeBytes
      if (start > range.last) return
      if (end > range.first) {
        let at = start
        for await (const bytes of 'gap' in part ? [part.gap] : this.#lines(part)) {
          const wanted = bytes.subarray(
            Math.max(0, range.first - at),
            Math.max(0, range.last + 1 - at),
          )
          at += bytes.length
          if (wanted.length > 0) yield wanted
          if (at > range.last) return
        }
        if (at !== end) throw new LogChanged()
      }
      start = end
    }
  }

  async *#lines({ low, high }: { low: number; high: number }): AsyncGenerator<Buffer> {
    for (let next = low; next <= high;) {
      const page = await pageOf(this.#database, this.#stream, this.#selection, { low: next, high })
      if (page.first > next || page.head < high) throw new LogChanged()
      if (page.text !== '') yield Buffer.from(page.text)
      next = page.next
    }
  }
}

interface Block {
  readonly low: number
  readonly high: number
}

const linesIn = (selection: LogSelection, { low, high }: Block): Prisma.Sql =>
  Prisma.join(
    [
      Prisma.sql`l.number >= ${low}::bigint`,
      Prisma.sql`l.number <= ${high}::bigint`,
      ...filterSql(selection.filter),
    ],
    ' AND ',
  )

/** How far a log reaches, up to a number, and the time of its last line there, which is another in a database restored. */
async function newestOf(
  database: Database,
  stream: string,
  to: number,
): Promise<{ head: number; first: number; at: Date | null }> {
  const [row] = await database.query<{ head: bigint; first: bigint; at: Date | null }>(Prisma.sql`
    SELECT LEAST(h.head, ${to}::bigint) AS head, h.first, (
      SELECT l.at FROM "LogLine" AS l
      WHERE l.stream = h.stream AND l.number = LEAST(h.head, ${to}::bigint)) AS at
    FROM "LogHead" AS h WHERE h.stream = ${stream}::uuid`)
  return { head: Number(row?.head ?? 0), first: Number(row?.first ?? 1), at: row?.at ?? null }
}

async function sizeOf(
  database: Database,
  stream: string,
  selection: LogSelection,
  block: Block,
): Promise<{ first: number; sizeBytes: number }> {
  const [row] = await database.query<{ first: bigint; size: bigint | null }>(Prisma.sql`
    SELECT h.first, (
      SELECT sum(${sizeIn(selection.format)})::bigint FROM "LogLine" AS l
      WHERE l.stream = h.stream AND ${linesIn(selection, block)}) AS size
    FROM "LogHead" AS h WHERE h.stream = ${stream}::uuid`)
  return { first: Number(row?.first ?? 1), sizeBytes: Number(row?.size ?? 0) }
}

/** The first lines of a block, whether they are all there, and where the next page begins. */
async function pageOf(
  database: Database,
  stream: string,
  selection: LogSelection,
  block: Block,
): Promise<{ text: string; first: number; head: number; next: number }> {
  const order = Prisma.raw('ASC')
  const lines = Prisma.sql`
    SELECT l.*, octet_length(l.text) AS size FROM "LogLine" AS l
    WHERE l.stream = h.stream AND ${linesIn(selection, block)} ORDER BY l.number LIMIT ${PAGE}::int`
  const rows = await database.query<{
    first: bigint
    head: bigint
    number: bigint | null
    found: bigint | null
    written: string | null
  }>(Prisma.sql`
    SELECT h.first, h.head, l.number, l.found, ${written(selection.format)} AS written FROM "LogHead" AS h
    LEFT JOIN LATERAL (${cutToBytes(lines, order, SHARE)}) AS l ON true
    WHERE h.stream = ${stream}::uuid ORDER BY l.number`)
  const [one] = rows
  const found = Number(one?.found ?? 0)
  const isWhole = found < PAGE && found <= rows.length
  return {
    text: rows.map((row) => row.written ?? '').join(''),
    first: Number(one?.first ?? 1),
    head: Number(one?.head ?? 0),
    next: isWhole ? block.high + 1 : Number(rows.at(-1)?.number) + 1,
  }
}
