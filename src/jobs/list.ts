import { createHash } from 'node:crypto'
import { organizationsOf } from '../auth/viewer.ts'
import type { Context } from '../context.ts'
import { Prisma } from '../generated/prisma/client.ts'
import {
  maxPage,
  pageOf,
  windowOf,
  type ListPage,
  type PageArgs,
  type Window,
} from '../graph/connection.ts'
import type { AskedFields } from '../graph/look-ahead.ts'
import { batchedAlike, groupedBy } from '../kit/batched.ts'
import { BadCursor, type CursorArgument } from '../kit/errors.ts'
import { isWritable } from '../kit/time.ts'
import { isThere } from '../job-engine/index.ts'
import { jobSelection, type JobSelection, type ListedJob } from './columns.ts'
import { filterSql, indexedIn, type JobFilter } from './filter.ts'

type JobOrderField = 'CREATED_AT' | 'FINISHED_AT' | 'DURATION' | 'PRIORITY'
export interface JobOrder {
  readonly field: JobOrderField
  readonly direction: 'ASC' | 'DESC'
}

const NEWEST_FIRST: JobOrder = { field: 'CREATED_AT', direction: 'DESC' }

const columns: Readonly<Record<JobOrderField, Prisma.Sql>> = {
  CREATED_AT: Prisma.sql`j."createdAt"`,
  FINISHED_AT: Prisma.sql`j."finishedAt"`,
  // in whole milliseconds, as the two times are kept, and as the index has it
  DURATION: Prisma.sql`(extract(epoch FROM (j."finishedAt" - j."startedAt")) * 1000)::bigint`,
  PRIORITY: Prisma.sql`j.priority`,
}

/** The place of a job in an order: the value it is ordered by, and its serial among equals. */
interface Place {
  readonly value: number
  readonly serial: bigint
}

function placeOf(field: JobOrderField, row: ListedJob): Place {
  switch (field) {
    case 'CREATED_AT':
      return { value: row.createdAt.getTime(), serial: row.serial }
    case 'FINISHED_AT':
      return { value: row.finishedAt?.getTime() ?? 0, serial: row.serial }
    case 'DURATION': {
      const [begun, ended] = [row.startedAt?.getTime() ?? 0, row.finishedAt?.getTime() ?? 0]
      return { value: ended - begun, serial: row.serial }
    }
    case 'PRIORITY':
      return { value: row.priority, serial: row.serial }
  }
}

const letters = { CREATED_AT: 'c', FINISHED_AT: 'f', DURATION: 'd', PRIORITY: 'p' } as const

const writePlace = (field: JobOrderField, { value, serial }: Place): string =>
  `${letters[field]}${value.toString(36)}.${serial.toString(36)}`

function readPlace(field: JobOrderField, argument: CursorArgument, cursor: string): Place {
  const [value = '', serial = ''] = cursor.slice(1).split('.')
  const place = { value: Number.parseInt(value, 36), serial: Number.parseInt(serial, 36) }
  if (isValue(field, place.value) && Number.isSafeInteger(place.serial)) {
    const read = { value: place.value, serial: BigInt(place.serial) }
    if (writePlace(field, read) === cursor) return read
  }
  throw new BadCursor(argument, cursor, 'of this list in this order')
}

/** Milliseconds between the first and the last time that can be kept, and more. */
const LONGEST_MS = 1e15

/** Whether jobs can be ordered by it: a time that can be kept, a duration between two, or an `Int`. */
function isValue(field: JobOrderField, value: number): boolean {
  if (!Number.isSafeInteger(value)) return false
  switch (field) {
    case 'CREATED_AT':
    case 'FINISHED_AT':
      return isWritable(new Date(value))
    case 'DURATION':
      return Math.abs(value) < LONGEST_MS
    case 'PRIORITY':
      return value === (value | 0)
  }
}

/** What is asked of a list of jobs. */
export interface Wanted {
  readonly filter: JobFilter | null | undefined
  readonly order: JobOrder
  readonly args: PageArgs
  readonly window: Window
  readonly columns: JobSelection
  /** Whether the statement is one of few, and is prepared. */
  readonly isPrepared: boolean
}

export const wantedBy = (
  ctx: Context,
  filter: JobFilter | null | undefined,
  orderBy: JobOrder | null | undefined,
  args: PageArgs,
  asked: AskedFields | undefined,
): Wanted => ({
  filter,
  order: orderBy ?? NEWEST_FIRST,
  args,
  window: windowOf(args, maxPage(ctx)),
  columns: jobSelection(asked),
  isPrepared: ctx.trusted === true,
})

/** The rows of a statement; one that is prepared is named after its text. */
export function rowsOf(
  { database }: Context,
  { isPrepared }: Wanted,
  sql: Prisma.Sql,
): Promise<readonly ListedJob[]> {
  if (!isPrepared) return database.query<ListedJob>(sql)
  return database.query<ListedJob>(sql, {
    name: `jobs-${createHash('sha1').update(sql.text).digest('base64')}`,
  })
}

/** Written out where the statement is prepared: the plan of a limit that is not known is a worse one. */
export const written = ({ isPrepared }: Wanted, count: number): Prisma.Sql =>
  isPrepared ? Prisma.raw(String(count)) : Prisma.sql`${count}::bigint`

/** A page of the jobs of the viewer's organizations, or of one of them, in the order asked for. */
export function pageOfJobs(
  ctx: Context,
  organizationId: string | undefined,
  filter: JobFilter | null | undefined,
  orderBy: JobOrder | null | undefined,
  args: PageArgs,
  asked?: AskedFields,
): Promise<ListPage<ListedJob>> {
  const wanted = wantedBy(ctx, filter, orderBy, args, asked)
  const own = organizationsOf(ctx.viewer).filter(
    (id) => organizationId === undefined || id === organizationId,
  )
  const isOwn = Prisma.sql`j."organizationId" = ANY(${own}::uuid[])`
  const { limit, offset } = wanted.window
  const { key, sources } = sourcesOf(wanted, own)
  return paged(
    wanted,
    () =>
      rowsOf(
        ctx,
        wanted,
        Prisma.sql`
          SELECT ${wanted.columns.sql} FROM ${sources} AS s(id)
          CROSS JOIN LATERAL (${firstOf(key, wanted, [isOwn, ...onPage(wanted)], limit + 1 + offset, 0)}) AS j
          ${cut(wanted)}`,
      ),
    () => countJobs(ctx.database, [isOwn, ...thatAre(wanted)]),
  )
}

type Key = 'serviceId' | 'organizationId'

/** What the first rows of a list are taken from: the services asked for, or all that an index has in order. */
function sourcesOf(
  { filter, order }: Wanted,
  own: readonly string[],
): { key: Key; sources: Prisma.Sql } {
  const services = filter?.serviceIds
  if (services)
    return { key: 'serviceId', sources: Prisma.sql`unnest(${[...new Set(services)]}::uuid[])` }
  if (order.field === 'FINISHED_AT' || order.field === 'DURATION')
    return {
      key: 'serviceId',
      sources: Prisma.sql`(SELECT id FROM "Service" WHERE "organizationId" = ANY(${[...own]}::uuid[]))`,
    }
  return { key: 'organizationId', sources: Prisma.sql`unnest(${[...own]}::uuid[])` }
}

/** A page of the jobs of a service, those of all services in a list with one statement. */
export function pageOfServiceJobs(
  ctx: Context,
  serviceId: string,
  filter: JobFilter | null | undefined,
  orderBy: JobOrder | null | undefined,
  args: PageArgs,
  asked?: AskedFields,
): Promise<ListPage<ListedJob>> {
  const wanted = wantedBy(ctx, filter, orderBy, args, asked)
  return paged(
    wanted,
    async () => (await jobsOfServices(ctx, serviceId, wanted)) ?? [],
    async () => (await countsOfServices(ctx, serviceId, wanted)) ?? 0,
  )
}

const jobsOfServices = batchedAlike(async (ctx: Context, ids, wanted: Wanted) => {
  const where = onPage(wanted)
  const { limit, offset } = wanted.window
  const rows = await rowsOf(
    ctx,
    wanted,
    Prisma.sql`
      SELECT ${wanted.columns.sql} FROM unnest(${[...ids]}::uuid[]) AS s(id)
      CROSS JOIN LATERAL (${firstOf('serviceId', wanted, where, limit + 1, offset)}) AS j
      ${ordered(wanted)}`,
  )
  return groupedBy(rows, ({ serviceId }) => serviceId)
})

const ALL = ['QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELED'] as const

/**
 * The first rows of one service, or one organization, whose key is `s.id`, so that a page costs the same however many
 * jobs there are. By age they are taken from the few that are first in each state, or of each worker or lane that is
 * asked for, which an index has in order.
 */
function firstOf(
  key: Key,
  wanted: Wanted,
  where: readonly Prisma.Sql[],
  limit: number,
  offset: number,
): Prisma.Sql {
  const { filter } = wanted
  const isOwn = Prisma.sql`j.${Prisma.raw(`"${key}"`)} = s.id AND ${Prisma.join([...where], ' AND ')}`
  const order = ordered(wanted)
  const window = Prisma.sql`LIMIT ${written(wanted, limit)} OFFSET ${written(wanted, offset)}`
  const first = Prisma.sql`${order} LIMIT ${written(wanted, limit + offset)}`
  if (filter?.ids)
    return Prisma.sql`SELECT * FROM ${withIds(filter.ids)} AS j WHERE ${isOwn} ${order} ${window}`
  if (wanted.order.field !== 'CREATED_AT')
    return Prisma.sql`SELECT * FROM "Job" AS j WHERE ${isOwn} ${order} ${window}`
  const indexed = indexedIn(filter)
  if (indexed) {
    // what is behind IS TRUE is no condition on another index, which the planner takes for as good until a table is analyzed
    const isOne = [
      Prisma.sql`j."organizationId" = ${organizationOf(key)}`,
      Prisma.sql`${indexed.column} = v.value`,
      ...bounds(wanted),
      Prisma.sql`(${isOwn}) IS TRUE`,
    ]
    return Prisma.sql`
      SELECT j.* FROM unnest(${[...indexed.values]}::text[]) AS v(value) CROSS JOIN LATERAL (
        SELECT * FROM "Job" AS j WHERE ${Prisma.join(isOne, ' AND ')} ${first}) AS j
      ${order} ${window}`
  }
  return Prisma.sql`
    SELECT j.* FROM unnest(${[...new Set(filter?.statuses ?? ALL)]}::"JobStatus"[]) AS t(status) CROSS JOIN LATERAL (
      SELECT * FROM "Job" AS j WHERE j.status = t.status AND ${isOwn} ${first}) AS j
    ${order} ${window}`
}

/** Each is looked up by itself: OFFSET keeps the planner from reading all jobs in their order until it has met these. */
const withIds = (ids: readonly string[]): Prisma.Sql => Prisma.sql`(
  SELECT k.* FROM unnest(${[...new Set(ids)]}::uuid[]) AS i(id) CROSS JOIN LATERAL (
    SELECT * FROM "Job" AS o WHERE o.id = i.id OFFSET 0) AS k)`

/** The organization, with which the indexes of workers and lanes begin. */
const organizationOf = (key: Key): Prisma.Sql =>
  key === 'organizationId'
    ? Prisma.sql`s.id`
    : Prisma.sql`(SELECT "organizationId" FROM "Service" WHERE id = s.id)`

const countsOfServices = batchedAlike(async ({ database }: Context, ids, wanted: Wanted) => {
  const where = [Prisma.sql`j."serviceId" = ANY(${[...ids]}::uuid[])`, ...thatAre(wanted)]
  const rows = await database.query<{ id: string; count: bigint }>(Prisma.sql`
    SELECT j."serviceId" AS id, count(*) FROM "Job" AS j WHERE ${Prisma.join(where, ' AND ')} GROUP BY 1`)
  return new Map(rows.map(({ id, count }) => [id, Number(count)]))
})

/** How many jobs fulfil conditions on `j`. */
export async function countJobs(
  database: Context['database'],
  where: readonly Prisma.Sql[],
): Promise<number> {
  const [row] = await database.query<{ count: bigint }>(
    Prisma.sql`SELECT count(*) FROM "Job" AS j WHERE ${Prisma.join([...where], ' AND ')}`,
  )
  return Number(row?.count ?? 0)
}

export async function paged(
  { order: { field }, args, window }: Wanted,
  find: () => Promise<readonly ListedJob[]>,
  count: () => Promise<number>,
): Promise<ListPage<ListedJob>> {
  return pageOf(await find(), window, args, (row) => writePlace(field, placeOf(field, row)), count)
}

/**
 * The same for a page. By age its states are joined to: said again as a condition, they would offer the planner the
 * indexes of queued jobs alone, which it takes for short as long as a queue that grew was not analyzed, and sorts.
 */
export const onPage = (wanted: Wanted): Prisma.Sql[] => {
  const { filter, order } = wanted
  const isJoined =
    order.field === 'CREATED_AT' && filter?.statuses && !filter.ids && !indexedIn(filter)
  return [
    ...thatAre(isJoined ? { ...wanted, filter: { ...filter, statuses: null } } : wanted),
    ...bounds(wanted),
  ]
}

export const thatAre = ({ filter, order: { field } }: Wanted): Prisma.Sql[] => [
  isThere('j'),
  ...filterSql(filter),
  ...(field === 'FINISHED_AT' || field === 'DURATION'
    ? [Prisma.sql`j."finishedAt" IS NOT NULL`]
    : []),
  ...(field === 'DURATION' ? [Prisma.sql`j."startedAt" IS NOT NULL`] : []),
]

/** Between which places; throws BadCursor. */
function bounds({ order: { field, direction }, args }: Wanted): Prisma.Sql[] {
  const bound = (argument: CursorArgument): Prisma.Sql[] => {
    const cursor = args[argument]
    if (cursor == null) return []
    const { value, serial } = readPlace(field, argument, cursor)
    const at = valueSql(field, value)
    const sign = Prisma.raw((direction === 'ASC') === (argument === 'after') ? '>' : '<')
    return [Prisma.sql`(${columns[field]}, j.serial) ${sign} (${at}, ${serial}::bigint)`]
  }
  return [...bound('after'), ...bound('before')]
}

function valueSql(field: JobOrderField, value: number): Prisma.Sql {
  switch (field) {
    case 'CREATED_AT':
    case 'FINISHED_AT':
      return Prisma.sql`${new Date(value)}::timestamptz`
    case 'DURATION':
      return Prisma.sql`${value}::bigint`
    case 'PRIORITY':
      return Prisma.sql`${value}::int`
  }
}

export function ordered({ order: { field, direction }, window }: Wanted): Prisma.Sql {
  const way = Prisma.raw((direction === 'ASC') === window.isBackward ? 'DESC' : 'ASC')
  return Prisma.sql`ORDER BY ${columns[field]} ${way}, j.serial ${way}`
}

function cut(wanted: Wanted): Prisma.Sql {
  const { limit, offset } = wanted.window
  return Prisma.sql`${ordered(wanted)} LIMIT ${written(wanted, limit + 1)} OFFSET ${written(wanted, offset)}`
}
