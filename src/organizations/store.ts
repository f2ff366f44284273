import { keyOf } from '../addresses/index.ts'
import { confinedTo, organizationsOf, personOf } from '../auth/viewer.ts'
import type { Context } from '../context.ts'
import type { Organization, User } from '../generated/prisma/client.ts'
import { batched } from '../kit/batched.ts'
import { Forbidden } from '../kit/errors.ts'
import { DEFAULT_HANDLE } from '../kit/names.ts'
import { organizationNaming, ProjectId } from './organization.ts'

/** The UUID of an organization that a request names: Forbidden when it is not one of the viewer's. */
export async function organizationNamed(
  ctx: Context,
  text: string | null | undefined,
): Promise<string | undefined> {
  if (text === null || text === undefined) return undefined
  const key = await keyOf(ctx, organizationNaming, text)
  const ids = ctx.viewer.memberships.map(({ organizationId }) => organizationId)
  if (key !== null && 'id' in key && ids.includes(key.id)) return key.id
  const where =
    key === null || 'id' in key ? null : 'serial' in key ? key : { handle: key.heldHandle }
  const row =
    where &&
    (await ctx.database.prisma.organization.findFirst({ where: { ...where, id: { in: ids } } }))
  if (!row) throw new Forbidden('VIEWER', 'You are not a member of that organization.')
  return row.id
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
