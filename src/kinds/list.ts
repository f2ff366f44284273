import { allow, requireCredential } from '../auth/viewer.ts'
import type { Context } from '../context.ts'
import { Prisma } from '../generated/prisma/client.ts'
import { maxPage, pageOf, windowOf, type ListPage, type PageArgs } from '../graph/connection.ts'
import type { ObjectOrder } from '../graph/order.ts'
import { sought } from '../kit/names.ts'
import type { Kind } from './kind.ts'
import { ordered, type Listable } from './order.ts'
import { tableOf } from './write.ts'

/** Which part of a list: of one organization, and of that a page, in some order. */
interface Part extends PageArgs {
  /** Only this organization's; all of the viewer's where it is not said. */
  readonly organizationId?: string | undefined
  readonly orderBy?: ObjectOrder | null | undefined
}

const OLDEST_FIRST: ObjectOrder = { field: 'CREATED_AT', direction: 'ASC' }

/**
 * A page of the objects of a kind that the viewer may see and that meet all of `where`, conditions on rows of `o`, of
 * which those that nobody asked for are undefined; the oldest first where no order is asked for. Throws Forbidden for an
 * organization of which the viewer reads nothing.
 */
export async function pageOfKind<Row extends Listable>(
  ctx: Context,
  kind: Kind<Row>,
  { organizationId, orderBy, ...args }: Part,
  where: readonly (Prisma.Sql | undefined)[] = [],
): Promise<ListPage<Row>> {
  const { viewer, database } = ctx
  requireCredential(viewer)
  if (organizationId !== undefined) allow(viewer, 'VIEWER', organizationId)
  const inside =
    organizationId === undefined
      ? undefined
      : Prisma.sql`o."organizationId" = ${organizationId}::uuid`
  const all = [kind.visible(viewer, 'o'), inside, ...where].filter((one) => one !== undefined)
  const wanted = Prisma.sql`FROM ${tableOf(kind)} AS o WHERE ${Prisma.join(all, ' AND ')}`
  const window = windowOf(args, maxPage(ctx))
  const { within, by, cursorOf } = ordered(orderBy ?? OLDEST_FIRST, args, window)
  const rows = await database.query<Row>(Prisma.sql`
    SELECT o.* ${wanted} ${within} ORDER BY ${by}
    LIMIT ${window.limit + 1}::int OFFSET ${window.offset}::int`)
  return pageOf(rows, window, args, cursorOf, async () => {
    const [row] = await database.query<{ count: bigint }>(Prisma.sql`SELECT count(*) ${wanted}`)
    return Number(row?.count ?? 0)
  })
}

/** The condition that the name or the handle of a row of `o` contains a text, in upper or lower case; none without a text. */
export function containing(text: string | null | undefined): Prisma.Sql | undefined {
  if (text == null) return undefined
  const wanted = sought(text, 'text')
  return Prisma.sql`
    (strpos(lower(o.name), lower(${wanted})) > 0 OR strpos(o.handle, lower(${wanted})) > 0)`
}
