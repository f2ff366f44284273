import { organizationsOf } from '../auth/viewer.ts'
import type { Context } from '../context.ts'
import { Prisma } from '../generated/prisma/client.ts'
import type { ListPage } from '../graph/connection.ts'
import type { OrderedArgs } from '../graph/ordered.ts'
import { batchedAlike, groupedBy } from '../kit/batched.ts'
import type { ListedJob } from './columns.ts'
import {
  onPage,
  ordered,
  paged,
  rowsOf,
  thatAre,
  wantedBy,
  written,
  type JobOrder,
  type Wanted,
} from './list.ts'

const OLDEST_FIRST: JobOrder = { field: 'CREATED_AT', direction: 'ASC' }

/** Which page of jobs, and in which order. */
export interface JobArgs extends Omit<OrderedArgs, 'orderBy'> {
  readonly orderBy?: JobOrder | null | undefined
}

/**
 * The jobs within each row of another table, of which the rows are `p` and the jobs are `j`: a page of them in the
 * order asked for, the oldest first where none is. All rows that are asked alike are answered with one statement, and
 * counted with one.
 */
export function jobsWithin(
  table: Prisma.ModelName,
  isWithin: Prisma.Sql,
): (ctx: Context, parent: string, args: JobArgs) => Promise<ListPage<ListedJob>> {
  const parents = Prisma.raw(`"${table}" AS p`)
  const isOwn = ({ viewer }: Context): Prisma.Sql =>
    Prisma.sql`${isWithin} AND j."organizationId" = ANY(${organizationsOf(viewer)}::uuid[])`

  const jobsOf = batchedAlike(async (ctx: Context, ids, wanted: Wanted) => {
    const where = Prisma.join([isOwn(ctx), ...onPage(wanted)], ' AND ')
    const { limit, offset } = wanted.window
    const rows = (await rowsOf(
      ctx,
      wanted,
      Prisma.sql`
        SELECT p.id AS parent, ${wanted.columns.sql} FROM ${parents} CROSS JOIN LATERAL (
          SELECT * FROM "Job" AS j WHERE ${where} ${ordered(wanted)}
          LIMIT ${written(wanted, limit + 1)} OFFSET ${written(wanted, offset)}) AS j
        WHERE p.id = ANY(${[...ids]}::uuid[]) ${ordered(wanted)}`,
    )) as readonly (ListedJob & { readonly parent: string })[] // the column that is selected first
    return groupedBy(rows, ({ parent }) => parent)
  })
  const countsOf = batchedAlike(async (ctx: Context, ids, wanted: Wanted) => {
    const where = Prisma.join([isOwn(ctx), ...thatAre(wanted)], ' AND ')
    const rows = await ctx.database.query<{ id: string; count: bigint }>(Prisma.sql`
      SELECT p.id, count(*) FROM ${parents} JOIN "Job" AS j ON ${where}
      WHERE p.id = ANY(${[...ids]}::uuid[]) GROUP BY p.id`)
    return new Map(rows.map(({ id, count }) => [id, Number(count)]))
  })
  return (ctx, parent, { orderBy, ...args }) => {
    const wanted = wantedBy(ctx, null, orderBy ?? OLDEST_FIRST, args, undefined)
    return paged(
      wanted,
      async () => (await jobsOf(ctx, parent, wanted)) ?? [],
      async () => (await countsOf(ctx, parent, wanted)) ?? 0,
    )
  }
}
