import type { Database } from '../db/database.ts'
import { Prisma } from '../generated/prisma/client.ts'
import type { Actor } from '../kit/actor.ts'
import {
  cutToBytes,
  NO_ENTRIES,
  readLines,
  type FieldChange,
  type CutRow,
  type Entry,
  type LogLine,
  type StreamPage,
  type StreamKind,
} from '../streams/index.ts'
import {
  JOB_LOG_STREAM,
  JOB_STREAM,
  ORGANIZATION_JOBS_STREAM,
  SERVICE_JOBS_STREAM,
  type JobEventKind,
} from './job.ts'
import { numberEvents, numberEventsOf } from './numbering.ts'

/** Something that happened to a job; `number` is that of the stream it was read from. */
export interface JobEventRow extends Entry {
  readonly at: Date
  readonly jobId: string
  readonly serviceId: string
  readonly kind: JobEventKind
  readonly actor: Actor
  readonly changes: readonly FieldChange[]
  readonly attempt: number | null
  readonly message: string | null
}

interface Row extends Omit<JobEventRow, 'number'>, CutRow {
  readonly stream: string
  readonly head: bigint
  readonly first: bigint
  readonly closed: boolean
  readonly number: bigint | null
}

/** Which part of a stream: numbers above `after` and below `before`, oldest first or newest first. */
export interface EventRange {
  readonly after?: number | undefined
  readonly before?: number | undefined
  readonly limit: number
  readonly newestFirst?: boolean
}

const isFinal = Prisma.sql`status IN ('SUCCEEDED', 'FAILED', 'CANCELED')`

/** The three kinds of streams that the one table of events makes: of a job, of a service, and of an organization. */
const jobHeads = Prisma.sql`
  SELECT id AS stream, revision AS head, 1::bigint AS first, ${isFinal} AS closed FROM "Job"`
const serviceHeads = Prisma.sql`
  SELECT "serviceId" AS stream, head, first, false AS closed FROM "JobEventHead"`
const organizationHeads = Prisma.sql`
  SELECT "organizationId" AS stream, head, 1::bigint AS first, false AS closed FROM "OrganizationJobHead"`

const sizeBytes = ({ changes }: JobEventRow): number => JSON.stringify(changes).length * 2 + 300

/** What happened to one job; its end is the end of the stream. */
export const jobEvents = (database: Database): StreamKind<JobEventRow> => ({
  name: JOB_STREAM,
  cursorKind: 'event',
  sizeBytes,
  heads: (ids) =>
    Prisma.sql`SELECT * FROM (${jobHeads}) AS o WHERE stream = ANY(${[...ids]}::uuid[])`,
  read: async (id, after, limit) =>
    (await readJobEvents(database, [id], { after, limit })).get(id) ?? NO_ENTRIES,
})

/** What happened to the jobs of a service. */
export const serviceJobEvents = (database: Database): StreamKind<JobEventRow> => ({
  name: SERVICE_JOBS_STREAM,
  cursorKind: 'jobs',
  sizeBytes,
  settle: (ids) => numberEvents(database, ids),
  heads: (ids) =>
    Prisma.sql`SELECT * FROM (${serviceHeads}) AS o WHERE stream = ANY(${[...ids]}::uuid[])`,
  async read(id, after, limit) {
    await numberEvents(database, [id])
    const pages = await readEvents(database, serviceHeads, SERVICE, [id], { after, limit })
    return pages.get(id) ?? NO_ENTRIES
  },
})

/**
 * What happened to all jobs of an organization. Retention removes events service by service, so holes come in the
 * middle: a page ends at one, and the next begins behind it, with a gap.
 */
export const organizationJobEvents = (database: Database): StreamKind<JobEventRow> => ({
  name: ORGANIZATION_JOBS_STREAM,
  cursorKind: 'all-jobs',
  sizeBytes,
  settle: (ids) => numberEventsOf(database, ids),
  heads: (ids) =>
    Prisma.sql`SELECT * FROM (${organizationHeads}) AS o WHERE stream = ANY(${[...ids]}::uuid[])`,
  async read(id, after, limit) {
    await numberEventsOf(database, [id])
    const range = { after, limit }
    const pages = await readEvents(database, organizationHeads, ORGANIZATION, [id], range)
    return upToHole(pages.get(id) ?? NO_ENTRIES)
  },
})

function upToHole(page: StreamPage<JobEventRow>): StreamPage<JobEventRow> {
  const first = page.entries[0]?.number ?? 0
  const hole = page.entries.findIndex(({ number }, place) => number !== first + place)
  return hole < 0 ? page : { ...page, entries: page.entries.slice(0, hole), isCut: true }
}

const JOB = { stream: Prisma.sql`e."jobId"`, number: Prisma.sql`e.number` }
const SERVICE = { stream: Prisma.sql`e."serviceId"`, number: Prisma.sql`e.place` }
const ORGANIZATION = { stream: Prisma.sql`e."organizationId"`, number: Prisma.sql`e.turn` }

/** The same of jobs, with the oldest event that retention has left. */
const jobRanges = Prisma.sql`
  SELECT stream, head, COALESCE((
    SELECT min(e.number) FROM "JobEvent" AS e WHERE e."jobId" = stream), head + 1) AS first, closed
  FROM (${jobHeads}) AS h`

/** Events of jobs, each with the head of its stream as of the same moment. */
export const readJobEvents = (
  database: Database,
  jobIds: readonly string[],
  range: EventRange,
): Promise<Map<string, StreamPage<JobEventRow>>> =>
  readEvents(database, jobRanges, JOB, jobIds, range)

async function readEvents(
  database: Database,
  heads: Prisma.Sql,
  columns: { readonly stream: Prisma.Sql; readonly number: Prisma.Sql },
  ids: readonly string[],
  { after = 0, before, limit, newestFirst = false }: EventRange,
): Promise<Map<string, StreamPage<JobEventRow>>> {
  const { stream, number } = columns
  const until = before === undefined ? Prisma.empty : Prisma.sql`AND ${number} < ${before}::bigint`
  const order = newestFirst ? Prisma.raw('DESC') : Prisma.raw('ASC')
  const events = Prisma.sql`
    SELECT ${number} AS number, e.at, e."jobId", e."serviceId", e.kind, e.actor, e.changes, e.attempt,
      e.message, octet_length(e.changes::text) AS size
    FROM "JobEvent" AS e WHERE ${stream} = o.stream AND ${number} > ${after}::bigint ${until}
    ORDER BY ${number} ${order} LIMIT ${limit}::int`
  const rows = await database.query<Row>(Prisma.sql`
    SELECT o.stream, o.head, o.first, o.closed, e.* FROM (${heads}) AS o
    LEFT JOIN LATERAL (${cutToBytes(events, order, ids.length)}) AS e ON true
    WHERE o.stream = ANY(${[...ids]}::uuid[]) ORDER BY o.stream, e.number ${order}`)
  const pages = new Map<
    string,
    StreamPage<JobEventRow> & { entries: JobEventRow[]; isCut: boolean }
  >()
  for (const { stream: id, head, first, closed, number: n, found, ...row } of rows) {
    const page = pages.get(id) ?? {
      head: Number(head),
      first: Number(first),
      isClosed: closed,
      isCut: false,
      entries: [],
    }
    pages.set(id, page)
    if (n === null) continue
    const { size: _size, above: _above, ...event } = row
    page.entries.push({ ...event, number: Number(n) })
    page.isCut = Number(found) > page.entries.length
  }
  return pages
}

/** A job's log over all its attempts; it ends with the job. */
export const jobLog = (database: Database): StreamKind<LogLine> => ({
  name: JOB_LOG_STREAM,
  cursorKind: 'log',
  sizeBytes: (line) => line.text.length * 2 + 150,
  heads: (ids) => logHeads(ids),
  async read(id, after, limit) {
    // the head first: what is final by then has all its lines
    const [head] = await database.query<{ head: bigint; first: bigint; closed: boolean }>(
      logHeads([id]),
    )
    const page = (await readLines(database, [id], { after, limit })).get(id) ?? NO_ENTRIES
    return { ...page, isClosed: head?.closed ?? false }
  },
})

const logHeads = (ids: readonly string[]): Prisma.Sql => Prisma.sql`
  SELECT j.id AS stream, COALESCE(h.head, 0) AS head, COALESCE(h.first, 1) AS first, ${isFinal} AS closed
  FROM "Job" AS j LEFT JOIN "LogHead" AS h ON h.stream = j.id WHERE j.id = ANY(${[...ids]}::uuid[])`
