import { hasWord } from '../addresses/index.ts'
import { allow, requireCredential } from '../auth/viewer.ts'
import type { Context } from '../context.ts'
import { Prisma } from '../generated/prisma/client.ts'
import { maxPage, type ListPage } from '../graph/connection.ts'
import { pageInOrder, type OrderedArgs, type Placed } from '../graph/ordered.ts'
import { sought } from '../kit/names.ts'
import type { FrontName } from '../rest/fronts.ts'
import type { Kind, Owned } from './kind.ts'
import { tableOf } from './write.ts'

/** Which part of a list: of one organization, and of that a page, in some order. */
interface Part extends OrderedArgs {
  /** Only this organization's; all of the viewer's where it is not said. */
  readonly organizationId?: string | undefined
}

/**
 * A page of the objects of a kind that the viewer may see and that meet all of `where`, conditions on rows of `o`, of
 * which those that nobody asked for are undefined; the oldest first where no order is asked for. Throws Forbidden for an
 * organization of which the viewer reads nothing.
 */
export async function pageOfKind<Row extends Owned>(
  ctx: Context,
  kind: Kind<Row>,
  { organizationId, ...args }: Part,
  where: readonly (Prisma.Sql | undefined)[] = [],
): Promise<ListPage<Row>> {
  const { viewer } = ctx
  requireCredential(viewer)
  if (organizationId !== undefined) allow(viewer, 'VIEWER', organizationId)
  const inside =
    organizationId === undefined
      ? undefined
      : Prisma.sql`o."organizationId" = ${organizationId}::uuid`
  return pageOfRows<Row>(
    ctx,
    tableOf(kind),
    [kind.visible(viewer, 'o'), inside, ...where].filter((one) => one !== undefined),
    args,
  )
}

/** A page of the rows `o` of a table that meet all of `where`; the oldest first where no order is asked for. */
export function pageOfRows<Row extends Placed>(
  ctx: Context,
  table: Prisma.Sql,
  where: readonly Prisma.Sql[],
  args: OrderedArgs,
): Promise<ListPage<Row>> {
  const { database } = ctx
  const wanted = Prisma.sql`FROM ${table} AS o WHERE ${Prisma.join([...where], ' AND ')}`
  return pageInOrder(
    args,
    ({ within, orderBy, limit }) =>
      database.query<Row>(Prisma.sql`SELECT o.* ${wanted} ${within} ${orderBy} ${limit}`),
    async () => {
      const [row] = await database.query<{ count: bigint }>(Prisma.sql`SELECT count(*) ${wanted}`)
      return Number(row?.count ?? 0)
    },
    maxPage(ctx),
  )
}

/*
 * Criteria of filters as conditions on rows of `alias`. One that nobody asks for is undefined, and a list means any of
 * what is in it, so that an empty one finds nothing.
 */

/** That the name or the handle of a row contains a text, in upper or lower case. */
export function containing(text: string | null | undefined, alias = 'o'): Prisma.Sql | undefined {
  if (text == null) return undefined
  const [row, wanted] = [Prisma.raw(alias), sought(text, 'filter.text')]
  return Prisma.sql`
    (strpos(lower(${row}.name), lower(${wanted})) > 0 OR strpos(${row}.handle, lower(${wanted})) > 0)`
}

/** That a row has one of these names. */
export const called = (
  names: readonly string[] | null | undefined,
  alias = 'o',
): Prisma.Sql | undefined =>
  names ? Prisma.sql`${Prisma.raw(alias)}.name = ANY(${[...names]}::text[])` : undefined

/** That one of these fronts has a word for a row. */
export const knownTo = <Row>(
  kind: Kind<Row>,
  fronts: readonly FrontName[] | null | undefined,
  alias = 'o',
): Prisma.Sql | undefined =>
  fronts
    ? Prisma.sql`(${Prisma.join([Prisma.sql`false`, ...fronts.map((front) => hasWord(kind, front, alias))], ' OR ')})`
    : undefined

/** The keys of the objects of a kind that texts mean, in these organizations or any of the viewer's. Throws Ambiguous. */
export async function keysOf<Row extends Owned>(
  ctx: Context,
  kind: Kind<Row>,
  texts: readonly string[],
  organizations?: readonly string[],
): Promise<string[]> {
  const named = await Promise.all(texts.map((text) => kind.named(ctx, text, organizations)))
  return named.flatMap((row) => row?.id ?? [])
}
