import {
  keepAddresses,
  keepAnnotations,
  readAddresses,
  type AnnotationInput,
} from '../addresses/index.ts'
import { newSecret, hashSecret } from '../auth/secrets.ts'
import { allow, allowServerAdmin, found, organizationFor } from '../auth/viewer.ts'
import { actor, type Context } from '../context.ts'
import type { Organization, Token } from '../generated/prisma/client.ts'
import type { Role } from '../generated/prisma/enums.ts'
import { Conflict, Forbidden, ValidationError } from '../kit/errors.ts'
import { slug } from '../kit/names.ts'
import { act } from '../streams/audit.ts'
import { OrganizationId, organizationNaming, TokenId } from './organization.ts'
import { organizationNamed, tokenNamed } from './store.ts'

/** Makes an organization; whoever makes it is its first ADMIN. */
export async function createOrganization(
  ctx: Context,
  input: {
    name: string
    handle?: string | null
    addresses?: readonly string[] | null
    annotations?: readonly AnnotationInput[] | null
  },
): Promise<Organization> {
  allowServerAdmin(ctx.viewer)
  const addresses = readAddresses(input.addresses)
  const { viewer } = ctx
  const userId = viewer.kind === 'anonymous' ? undefined : viewer.user?.id
  if (userId === undefined) throw new Forbidden('ADMIN')
  const id = OrganizationId.make()
  const handle = input.handle ?? slug(input.name)
  const made = await ctx.database.prisma.$transaction(async (db) => {
    const { count } = await db.organization.createMany({
      data: [{ id, handle, name: input.name }],
      skipDuplicates: true,
    })
    if (count === 0) throw new Conflict('handle', `There is an organization "${handle}" already.`)
    await db.membership.create({ data: { userId, organizationId: id, role: 'ADMIN' } })
    await keepAddresses(db, organizationNaming, id, id, addresses)
    await keepAnnotations(db, id, input.annotations)
    await db.$executeRaw(act(id, actor(ctx), 'createOrganization', `org:${id}`))
    return db.organization.findUniqueOrThrow({ where: { id } })
  })
  ctx.hub.hint('audit', id)
  return made
}

/** Makes a token; its secret is in the answer and nowhere else. */
export async function createToken(
  ctx: Context,
  input: { name: string; role: Role; organizationId?: string | null; expiresAt?: Date | null },
): Promise<{ token: Token; secret: string }> {
  const named = await organizationNamed(ctx, input.organizationId)
  const organizationId = organizationFor(ctx.viewer, 'ADMIN', named)
  if (input.expiresAt && input.expiresAt <= ctx.now())
    throw new ValidationError([{ path: ['expiresAt'], message: 'This time has passed.' }])
  const secret = newSecret()
  const id = TokenId.make()
  const token = await ctx.database.prisma.$transaction(async (db) => {
    const made = await db.token.create({
      data: {
        id,
        name: input.name,
        role: input.role,
        organizationId,
        hash: hashSecret(secret),
        expiresAt: input.expiresAt ?? null,
      },
    })
    const changes = [
      { field: 'name', to: input.name },
      { field: 'role', to: input.role },
    ]
    await db.$executeRaw(act(organizationId, actor(ctx), 'createToken', `tok:${id}`, changes))
    return made
  })
  ctx.hub.hint('audit', organizationId)
  return { token, secret }
}

/** Ends a token; ending an ended one changes nothing. */
export async function revokeToken(ctx: Context, { id }: { id: string }): Promise<Token> {
  const token = found(await tokenNamed(ctx, id), 'token', id)
  const organizationId = token.organizationId
  if (organizationId === null) allowServerAdmin(ctx.viewer)
  else allow(ctx.viewer, 'ADMIN', organizationId)
  if (token.revokedAt !== null) return token
  const revoked = await ctx.database.prisma.$transaction(async (db) => {
    const changed = await db.token.update({
      where: { id: token.id },
      data: { revokedAt: ctx.now() },
    })
    if (organizationId !== null)
      await db.$executeRaw(act(organizationId, actor(ctx), 'revokeToken', `tok:${token.id}`))
    return changed
  })
  if (organizationId !== null) ctx.hub.hint('audit', organizationId)
  return revoked
}
