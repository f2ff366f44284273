import { allow, requireCredential } from '../auth/viewer.ts'
import type { Context } from '../context.ts'
import { Prisma } from '../generated/prisma/client.ts'
import { maxPage, pageBySerial, type ListPage, type PageArgs } from '../graph/connection.ts'
import { sought } from '../kit/names.ts'
import type { Kind, Owned } from './kind.ts'

/** Which part of a list: of one organization, and of that a page. */
interface Part extends PageArgs {
  /** Only this organization's; all of the viewer's where it is not said. */
  readonly organizationId?: string | undefined
}

/**
 * A page of the objects of a kind that the viewer may see and that meet `where`, a condition on rows of `o`, in the
 * order they were made. Throws Forbidden for an organization of which the viewer reads nothing.
 */
export function pageOfKind<Row extends Owned>(
  ctx: Context,
  kind: Kind<Row>,
  { organizationId, ...args }: Part,
  where: Prisma.Sql = Prisma.sql`true`,
): Promise<ListPage<Row>> {
  const { viewer, database } = ctx
  requireCredential(viewer)
  if (organizationId !== undefined) allow(viewer, 'VIEWER', organizationId)
  const inside =
    organizationId === undefined
      ? Prisma.sql`true`
      : Prisma.sql`o."organizationId" = ${organizationId}::uuid`
  const wanted = Prisma.sql`
    FROM ${Prisma.raw(`"${kind.table}"`)} AS o WHERE ${kind.visible(viewer, 'o')} AND ${inside} AND ${where}`
  return pageBySerial(
    args,
    ({ where: { serial }, orderBy, take, skip }) => {
      const after = serial.gt === undefined ? Prisma.empty : Prisma.sql`AND o.serial > ${serial.gt}`
      const before =
        serial.lt === undefined ? Prisma.empty : Prisma.sql`AND o.serial < ${serial.lt}`
      return database.query<Row>(Prisma.sql`
        SELECT o.* ${wanted} ${after} ${before}
        ORDER BY o.serial ${Prisma.raw(orderBy.serial)} LIMIT ${take}::int OFFSET ${skip}::int`)
    },
    async () => {
      const [row] = await database.query<{ count: bigint }>(Prisma.sql`SELECT count(*) ${wanted}`)
      return Number(row?.count ?? 0)
    },
    maxPage(ctx),
  )
}

/** The condition that the name or the handle of a row of `o` contains a text, in upper or lower case. */
export function containing(text: string): Prisma.Sql {
  const wanted = sought(text, 'text')
  return Prisma.sql`
    (strpos(lower(o.name), lower(${wanted})) > 0 OR strpos(o.handle, lower(${wanted})) > 0)`
}
