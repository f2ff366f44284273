import { keyOf } from '../addresses/index.ts'
import { organizationsOf } from '../auth/viewer.ts'
import type { Context } from '../context.ts'
import type { Organization, Token } from '../generated/prisma/client.ts'
import { batched } from '../kit/batched.ts'
import { Forbidden } from '../kit/errors.ts'
import { organizationNaming, TokenId } from './organization.ts'

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

/** An organization of the viewer's. */
export const organizationById = batched<Context, Organization>((ctx, ids) => {
  const own = ctx.viewer.memberships.map(({ organizationId }) => organizationId)
  const id = { in: ids.filter((one) => own.includes(one)) }
  return ctx.database.prisma.organization.findMany({ where: { id } })
})

/** A token of an organization whose objects the viewer may read; the tokens of services are nobody's. */
export const tokenById = batched<Context, Token>((ctx, ids) => {
  const organizations = organizationsOf(ctx.viewer)
  return ctx.database.prisma.token.findMany({
    where: {
      id: { in: ids },
      serviceId: null,
      OR: [
        { organizationId: { in: organizations } },
        { user: { memberships: { some: { organizationId: { in: organizations } } } } },
      ],
    },
  })
})

/** A token by its id as a caller writes it. */
export const tokenNamed = async (ctx: Context, text: string): Promise<Token | null> => {
  const id = TokenId.read(text)
  return id === undefined ? null : tokenById(ctx, id)
}
