import { createHash } from 'node:crypto'
import { Prisma } from '../generated/prisma/client.ts'
import type { Database } from '../db/database.ts'
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
  readonly filter?: LogFilter | null | undefined
}

/** Lines that are measured, and lines that are read, with one statement. */
const BLOCK = 5_000
const PAGE = 1_000
/** One read holds this share of what streams may be read into at once. */
const SHARE = 4

const time = Prisma.sql`to_char(l.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`

/** A line as it is in the file. The database writes it, so that it can be measured without being sent. */
const written: Readonly<Record<LogFormat, Prisma.Sql>> = {
  TEXT: Prisma.sql`l.text || E'\n'`,
  TIMED_TEXT: Prisma.sql`
    ${time} || ' ' || COALESCE(COALESCE(l.instance, l.attempt)::text, '-') || ' ' || lower(l.source::text) || ' ' || l.text || E'\n'`,
  NDJSON: Prisma.sql`
    '{"number":' || l.number || ',"at":"' || ${time} || '","source":"' || l.source || '","instance":' ||
    COALESCE(l.instance::text, 'null') || ',"attempt":' || COALESCE(l.attempt::text, 'null') || ',"text":' ||
    to_json(l.text) || ',"isUnfinished":' || l."isUnfinished"::text || E'}\n'`,
}

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

/** What was to be read is there no longer. */
export class LogChanged extends Error {
  constructor() {
    super('Lines were removed while the log was read.')
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
  readonly #database: Database
  readonly #stream: string
  readonly #selection: LogSelection
  readonly #parts: readonly Part[]

  private constructor(
    database: Database,
    stream: string,
    selection: LogSelection,
    parts: readonly Part[],
    about: unknown,
  ) {
    this.#database = database
    this.#stream = stream
    this.#selection = selection
    this.#parts = parts
    this.sizeBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0)
    this.tag = createHash('sha256')
      .update(JSON.stringify([stream, selection, about, this.sizeBytes]))
      .digest('base64url')
  }

  /** Measures the file, block by block. Throws BadRequest for the filter, and the reason of the signal. */
  static async open(
    database: Database,
    stream: string,
    selection: LogSelection,
    signal: AbortSignal,
  ): Promise<LogFile> {
    const { from, to, format } = selection
    const [row] = await database.query<{ head: bigint; first: bigint; at: Date | null }>(Prisma.sql`
      SELECT h.head, h.first, (
        SELECT l.at FROM "LogLine" AS l
        WHERE l.stream = h.stream AND l.number = LEAST(h.head, ${to}::bigint)) AS at
      FROM "LogHead" AS h WHERE h.stream = ${stream}::uuid`)
    const head = Number(row?.head ?? 0)
    const low = Math.max(from, Number(row?.first ?? 1))
    const high = Math.min(to, head)
    const parts: Part[] = []
    const missing = (gap: Gap): void => {
      if (gap.from > gap.to) return
      const bytes = Buffer.from(gapIn(format, gap))
      parts.push({ gap: bytes, sizeBytes: bytes.length })
    }
    missing({ from, to: Math.min(low - 1, high), reason: 'RETENTION' })
    for (let next = low; next <= high; next += BLOCK) {
      signal.throwIfAborted()
      const block = { low: next, high: Math.min(next + BLOCK - 1, high) }
      parts.push({ ...block, sizeBytes: await sizeOf(database, stream, selection, block) })
    }
    missing({ from: Math.max(from, head + 1), to, reason: 'RESTORED' })
    return new LogFile(database, stream, selection, parts, [low, high, row?.at])
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

async function sizeOf(
  database: Database,
  stream: string,
  selection: LogSelection,
  block: Block,
): Promise<number> {
  const [row] = await database.query<{ size: bigint | null }>(Prisma.sql`
    SELECT sum(octet_length(${written[selection.format]}))::bigint AS size FROM "LogLine" AS l
    WHERE l.stream = ${stream}::uuid AND ${linesIn(selection, block)}`)
  return Number(row?.size ?? 0)
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
    SELECT h.first, h.head, l.number, l.found, ${written[selection.format]} AS written FROM "LogHead" AS h
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
