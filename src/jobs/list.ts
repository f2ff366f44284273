import { organizationsOf } from '../auth/viewer.ts'
import type { Context } from '../context.ts'
import { Prisma } from '../generated/prisma/client.ts'
import { pageOf, windowOf, type Page, type PageArgs } from '../graph/connection.ts'
import { BadCursor } from '../kit/errors.ts'
import { isThere, jobColumns, type JobRow, type JobStatus } from '../work/index.ts'

interface TimeRange {
  readonly from: Date
  readonly to?: Date | null
}

/** Which jobs; lists mean any of. Services and the root are given by their keys here. */
export interface JobFilter {
  readonly statuses?: readonly JobStatus[] | null | undefined
  readonly serviceIds?: readonly string[] | null | undefined
  readonly functions?: readonly string[] | null | undefined
  readonly created?: TimeRange | null | undefined
  readonly finished?: TimeRange | null | undefined
  readonly labels?: readonly { readonly name: string; readonly value: string }[] | null | undefined
  readonly rootId?: string | null | undefined
  readonly errorContains?: string | null | undefined
}

export type JobOrderField = 'CREATED_AT' | 'FINISHED_AT' | 'PRIORITY'
export interface JobOrder {
  readonly field: JobOrderField
  readonly direction: 'ASC' | 'DESC'
}

const NEWEST_FIRST: JobOrder = { field: 'CREATED_AT', direction: 'DESC' }

/** The conditions of a filter on `j`. */
export function filterSql(filter: JobFilter | null | undefined): Prisma.Sql[] {
  if (!filter) return []
  const { statuses, serviceIds, functions, created, finished, labels, rootId } = filter
  const parts: Prisma.Sql[] = []
  if (statuses) parts.push(Prisma.sql`j.status = ANY(${[...statuses]}::"JobStatus"[])`)
  if (serviceIds) parts.push(Prisma.sql`j."serviceId" = ANY(${[...serviceIds]}::uuid[])`)
  if (functions) parts.push(Prisma.sql`j.function = ANY(${[...functions]}::text[])`)
  if (created) parts.push(...within(Prisma.sql`j."createdAt"`, created))
  if (finished) parts.push(...within(Prisma.sql`j."finishedAt"`, finished))
  if (labels) parts.push(Prisma.sql`j.labels @> ${JSON.stringify(labels)}::jsonb`)
  if (rootId != null)
    parts.push(Prisma.sql`(j."rootId" = ${rootId}::uuid OR j.id = ${rootId}::uuid)`)
  if (filter.errorContains)
    parts.push(Prisma.sql`strpos(j.error->>'message', ${filter.errorContains}) > 0`)
  return parts
}

const within = (column: Prisma.Sql, { from, to }: TimeRange): Prisma.Sql[] => [
  Prisma.sql`${column} >= ${from}`,
  ...(to ? [Prisma.sql`${column} < ${to}`] : []),
]

const columns: Readonly<Record<JobOrderField, Prisma.Sql>> = {
  CREATED_AT: Prisma.sql`j."createdAt"`,
  FINISHED_AT: Prisma.sql`j."finishedAt"`,
  PRIORITY: Prisma.sql`j.priority`,
}

/** The place of a job in an order: the value it is ordered by, and its serial among equals. */
interface Place {
  readonly value: number
  readonly serial: bigint
}

function placeOf(field: JobOrderField, row: JobRow): Place {
  switch (field) {
    case 'CREATED_AT':
      return { value: row.createdAt.getTime(), serial: row.serial }
    case 'FINISHED_AT':
      return { value: row.finishedAt?.getTime() ?? 0, serial: row.serial }
    case 'PRIORITY':
      return { value: row.priority, serial: row.serial }
  }
}

const letters = { CREATED_AT: 'c', FINISHED_AT: 'f', PRIORITY: 'p' } as const

const writePlace = (field: JobOrderField, { value, serial }: Place): string =>
  `${letters[field]}${value.toString(36)}.${serial.toString(36)}`

function readPlace(field: JobOrderField, cursor: string): Place {
  const [value = '', serial = ''] = cursor.slice(1).split('.')
  const place = { value: Number.parseInt(value, 36), serial: Number.parseInt(serial, 36) }
  if (Number.isSafeInteger(place.value) && Number.isSafeInteger(place.serial)) {
    const read = { value: place.value, serial: BigInt(place.serial) }
    if (writePlace(field, read) === cursor) return read
  }
  throw new BadCursor(
    `${JSON.stringify(cursor.slice(0, 80))} is not a cursor of this list in this order.`,
  )
}

/** A page of the jobs that fulfil conditions on `j`, in the order asked for; the newest first when none is. */
export function pageOfJobs(
  ctx: Context,
  conditions: readonly Prisma.Sql[],
  orderBy: JobOrder | null | undefined,
  args: PageArgs,
): Promise<Page<JobRow>> {
  const all = [
    Prisma.sql`j."organizationId" = ANY(${organizationsOf(ctx.viewer)}::uuid[])`,
    isThere('j'),
    ...conditions,
  ]
  return page(ctx, all, orderBy ?? NEWEST_FIRST, args)
}

async function page(
  { database }: Context,
  all: readonly Prisma.Sql[],
  { field, direction }: JobOrder,
  args: PageArgs,
): Promise<Page<JobRow>> {
  const window = windowOf(args)
  const column = columns[field]
  const isAscending = (direction === 'ASC') !== window.isBackward
  const bounds: Prisma.Sql[] = []
  const bound = (cursor: string | null | undefined, isAfter: boolean): void => {
    if (cursor == null) return
    const { value, serial } = readPlace(field, cursor)
    const at =
      field === 'PRIORITY' ? Prisma.sql`${value}::int` : Prisma.sql`${new Date(value)}::timestamptz`
    const sign = Prisma.raw((direction === 'ASC') === isAfter ? '>' : '<')
    bounds.push(Prisma.sql`(${column}, j.serial) ${sign} (${at}, ${serial}::bigint)`)
  }
  bound(args.after, true)
  bound(args.before, false)
  if (field === 'FINISHED_AT') bounds.push(Prisma.sql`j."finishedAt" IS NOT NULL`)
  const order = Prisma.raw(isAscending ? 'ASC' : 'DESC')
  const rows = await database.query<JobRow>(Prisma.sql`
    SELECT ${jobColumns('j')} FROM "Job" AS j WHERE ${Prisma.join([...all, ...bounds], ' AND ')}
    ORDER BY ${column} ${order}, j.serial ${order} LIMIT ${window.limit + 1}::int OFFSET ${window.offset}::int`)
  return pageOf(
    rows,
    window,
    args,
    (row) => writePlace(field, placeOf(field, row)),
    () => count(database, all),
  )
}

/** How many jobs fulfil conditions on `j`. */
export async function count(
  database: Context['database'],
  all: readonly Prisma.Sql[],
): Promise<number> {
  const [row] = await database.query<{ count: bigint }>(
    Prisma.sql`SELECT count(*) FROM "Job" AS j WHERE ${Prisma.join([...all], ' AND ')}`,
  )
  return Number(row?.count ?? 0)
}
