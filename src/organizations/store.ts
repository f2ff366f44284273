import { LIMIT_CHOICES, meantBy, theOne } from '../addresses/index.ts'
import { confinedTo, organizationsOf, personOf, workplacesOf } from '../auth/viewer.ts'
import type { Context } from '../context.ts'
import { Prisma, type Organization, type User } from '../generated/prisma/client.ts'
import { batched } from '../kit/batched.ts'
import { Forbidden } from '../kit/errors.ts'
import { DEFAULT_HANDLE } from '../kit/names.ts'
import { organizations, ProjectId } from './organization.ts'

/** The UUID of an organization that a request names. Throws Forbidden when it is none of the viewer's, and Ambiguous. */
export async function organizationNamed(
  ctx: Pick<Context, 'database' | 'viewer'>,
  text: string | null | undefined,
): Promise<string | undefined> {
  if (text === null || text === undefined) return undefined
  const id = await organizationKey(ctx, text)
  if (id === null) throw new Forbidden('VIEWER', 'You are not a member of that organization.')
  return id
}

/** The UUID of the viewer's organization that a text means, null where there is none. Throws Ambiguous. */
export async function organizationKey(
  ctx: Pick<Context, 'database' | 'viewer'>,
  text: string,
): Promise<string | null> {
  const ids = workplacesOf(ctx.viewer)
  const id = organizations.kind.read(text)
  if (id !== undefined && ids.includes(id)) return id
  const meant = id === undefined ? await meantBy(ctx, organizations, 'o', text, ids) : null
  const rows =
    meant === null
      ? []
      : await ctx.database.query<{ id: string; organizationId: string }>(Prisma.sql`
          SELECT o.id, o.id AS "organizationId" FROM "Organization" AS o
          WHERE o.id = ANY(${ids}::uuid[]) AND ${meant.where} ORDER BY o.serial ${LIMIT_CHOICES}`)
  return (await theOne(ctx, organizations, text, rows))?.id ?? null
}

/** An organization of the viewer's, or the one that the viewer's only project is in. */
export const organizationById = batched<Context, Organization>((ctx, ids) => {
  const own = new Set(ctx.viewer.memberships.map(({ organizationId }) => organizationId))
  const project = confinedTo(ctx.viewer)
  if (project !== undefined) own.add(project.organizationId)
  const id = { in: ids.filter((one) => own.has(one)) }
  return ctx.database.prisma.organization.findMany({ where: { id } })
})

/** A person who is a member of an organization whose objects the viewer may read, or the viewer. */
export const userById = batched<Context, User>((ctx, ids) => {
  const organizations = organizationsOf(ctx.viewer)
  const self = personOf(ctx.viewer)?.id
  return ctx.database.prisma.user.findMany({
    where: {
      id: { in: ids },
      OR: [
        { memberships: { some: { organizationId: { in: organizations } } } },
        ...(self === undefined ? [] : [{ id: self }]),
      ],
    },
  })
})

/** The project every organization begins with. */
export const defaultProject = (organizationId: string) => ({
  id: ProjectId.make(),
  organizationId,
  handle: DEFAULT_HANDLE,
  heldHandle: DEFAULT_HANDLE,
  name: 'Default',
})
