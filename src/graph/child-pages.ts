import type { Context } from '../context.ts'
import { Prisma } from '../generated/prisma/client.ts'
import { batchedAlike, groupedBy } from '../kit/batched.ts'
import { maxPage, type ListPage } from './connection.ts'
import { pageInOrder, type OrderedArgs, type PageQuery, type Placed } from './ordered.ts'

/** Where the rows of a list are that is within the rows of another. */
interface Children {
  /** A table, or a SELECT in parentheses, that has the rows. */
  readonly from: Prisma.Sql
  /** The column with the key of the row that they are within. */
  readonly parent: string
  /** The column with their name. */
  readonly name: string
  /** The condition on rows of `o` that are listed; all if absent. */
  readonly where?: Prisma.Sql
}

/**
 * The lists within the rows of a list: a page of each parent's children in the order asked for. All parents that are
 * asked alike are answered with one statement, and counted with one.
 */
export function childPages<Row extends Placed>({
  from,
  parent,
  name,
  where = Prisma.sql`true`,
}: Children): (ctx: Context, parent: string, args: OrderedArgs) => Promise<ListPage<Row>> {
  const key = Prisma.raw(`o."${parent}"`)
  const keyOf = (row: Row): string => String(row[parent as keyof Row])

  const rowsOf = batchedAlike(
    async ({ database }: Context, parents, { within, orderBy, limit }: PageQuery) => {
      const rows = await database.query<Row>(Prisma.sql`
        SELECT o.* FROM unnest(${[...parents]}::uuid[]) AS p(id) CROSS JOIN LATERAL (
          SELECT * FROM ${from} AS o WHERE ${key} = p.id AND ${where} ${within} ${orderBy} ${limit}) AS o
        ${orderBy}`)
      return groupedBy(rows, keyOf)
    },
  )
  const countOf = batchedAlike(async ({ database }: Context, parents) => {
    const rows = await database.query<{ id: string; count: bigint }>(Prisma.sql`
      SELECT ${key} AS id, count(*) FROM ${from} AS o
      WHERE ${key} = ANY(${[...parents]}::uuid[]) AND ${where} GROUP BY 1`)
    return new Map(rows.map(({ id, count }) => [id, Number(count)]))
  })
  return (ctx, id, args) =>
    pageInOrder(
      args,
      async (query) => (await rowsOf(ctx, id, query)) ?? [],
      async () => (await countOf(ctx, id)) ?? 0,
      maxPage(ctx),
      { name },
    )
}
