import { Prisma } from '../generated/prisma/client.ts'
import type { Membership, User } from '../generated/prisma/client.ts'
import type { Role } from '../generated/prisma/enums.ts'
import { hashPassword } from '../auth/passwords.ts'
import { allow, found, isAllowed, organizationFor, personOf, type Viewer } from '../auth/viewer.ts'
import { actor, type Context } from '../context.ts'
import { Forbidden, NotFound, ValidationError } from '../kit/errors.ts'
import { emailOf } from '../kit/names.ts'
import { act, effectsOf } from '../streams/index.ts'
import { UserId } from './organization.ts'
import { organizationNamed } from './store.ts'

type Transaction = Prisma.TransactionClient

interface SetMemberInput {
  readonly email: string
  readonly role: Role
  readonly name?: string | null
  readonly password?: string | null
  readonly organizationId?: string | null
}

/**
 * Adds a person or changes the role. A person's account belongs to the person: name and password are set by whoever
 * makes it, by the person, by an administrator of the server, or by whoever is ADMIN of all the person is in. What
 * an organization sets is good for that organization alone, so that no one can wait with a password for another
 * organization to let the person in.
 */
export async function setMember(ctx: Context, input: SetMemberInput): Promise<Membership> {
  const { viewer } = ctx
  const named = await organizationNamed(ctx, input.organizationId)
  const organizationId = organizationFor(viewer, 'WORKER', named)
  const email = emailOf(input.email)
  const self = personOf(viewer)
  if (self?.email !== email) allow(viewer, 'ADMIN', organizationId)
  if (await isDone(ctx)) {
    const where = { organizationId, user: { email } }
    const membership = await ctx.database.prisma.membership.findFirst({ where })
    return found(membership, 'member', input.email)
  }
  const passwordHash = input.password == null ? undefined : await hashPassword(input.password)
  const set = await ctx.database.prisma.$transaction(async (db) => {
    await lockMembers(db, organizationId)
    const { user, isNew } = await personNamed(db, email, input.name)
    const isRenamed = input.name != null && input.name !== user.name
    if ((isRenamed || passwordHash !== undefined) && !isNew) await mayManage(db, viewer, user)
    const key = { userId_organizationId: { userId: user.id, organizationId } }
    const old = await db.membership.findUnique({ where: key })
    if (old?.role !== input.role) allow(viewer, 'ADMIN', organizationId)
    if (old?.role === 'ADMIN' && input.role !== 'ADMIN')
      await keepsAnAdmin(db, old, ['role'], 'given a lesser role')
    const membership = await db.membership.upsert({
      where: key,
      create: { userId: user.id, organizationId, role: input.role },
      update: { role: input.role },
    })
    if (isRenamed)
      await db.user.update({ where: { id: user.id }, data: { name: input.name ?? null } })
    if (passwordHash !== undefined)
      await setPassword(db, viewer, user, passwordHash, organizationId)
    const changes = [
      ...(old?.role === input.role ? [] : [{ field: 'role', from: old?.role, to: input.role }]),
      ...(isRenamed ? [{ field: 'name', from: user.name, to: input.name }] : []),
      ...(passwordHash === undefined ? [] : [{ field: 'password' }]),
    ]
    await db.$executeRaw(act(organizationId, actor(ctx), 'setMember', `usr:${user.id}`, changes))
    return membership
  })
  ctx.sessions.changed()
  ctx.hub.hint('audit', organizationId)
  return set
}

/** Takes a person out of an organization; what they have open by it is closed. Answers the id. */
export async function removeMember(
  ctx: Context,
  input: { userId: string; organizationId?: string | null },
): Promise<string> {
  const named = await organizationNamed(ctx, input.organizationId)
  const organizationId = organizationFor(ctx.viewer, 'ADMIN', named)
  const userId = UserId.read(input.userId)
  if (userId === undefined) throw new NotFound('member', input.userId)
  if (await isDone(ctx)) return userId
  await ctx.database.prisma.$transaction(async (db) => {
    await lockMembers(db, organizationId)
    const key = { userId_organizationId: { userId, organizationId } }
    const old = await db.membership.findUnique({ where: key })
    if (old === null) throw new NotFound('member', input.userId)
    if (old.role === 'ADMIN') await keepsAnAdmin(db, old, ['userId'], 'removed')
    await db.membership.delete({ where: key })
    await db.token.updateMany({
      where: { userId, organizationId, revokedAt: null },
      data: { revokedAt: ctx.now() },
    })
    const changes = [{ field: 'role', from: old.role }]
    await db.$executeRaw(act(organizationId, actor(ctx), 'removeMember', `usr:${userId}`, changes))
  })
  ctx.sessions.changed()
  ctx.hub.hint('audit', organizationId)
  return userId
}

/** Whether this call has had its effect already, and only its answer was lost. */
const isDone = async ({ database, call }: Context): Promise<boolean> =>
  call !== undefined && call.attempt > 1 && (await effectsOf(database, call.id)).length > 0

/** One change of an organization's members at a time, so that two admins cannot remove each other at once. */
const lockMembers = (db: Transaction, organizationId: string): Promise<unknown> =>
  db.$queryRaw`SELECT 1 AS locked FROM "Organization" WHERE id = ${organizationId}::uuid FOR UPDATE`

/** The person with that e-mail, made if there is none. */
async function personNamed(
  db: Transaction,
  email: string,
  name: string | null | undefined,
): Promise<{ user: User; isNew: boolean }> {
  const { count } = await db.user.createMany({
    data: [{ id: UserId.make(), email, name: name ?? null }],
    skipDuplicates: true,
  })
  return { user: await db.user.findUniqueOrThrow({ where: { email } }), isNew: count === 1 }
}

/** Throws Forbidden unless the viewer may change the account itself. */
async function mayManage(db: Transaction, viewer: Viewer, user: User): Promise<void> {
  const self = personOf(viewer)
  if (self?.isServerAdmin === true || self?.id === user.id) return
  const memberships = await db.membership.findMany({ where: { userId: user.id } })
  const isOurs = memberships.every(({ organizationId }) =>
    isAllowed(viewer, 'ADMIN', organizationId),
  )
  if (user.isServerAdmin || !isOurs)
    throw new Forbidden(
      'ADMIN',
      'This person has an account already: its name and password are changed by the person, or by an administrator of the server.',
    )
}

/** Sets the password, which is good for as much as its setter, and ends what the old one had opened. */
async function setPassword(
  db: Transaction,
  viewer: Viewer,
  user: User,
  passwordHash: string,
  organizationId: string,
): Promise<void> {
  const self = personOf(viewer)
  const within = viewer.kind === 'token' ? viewer.within : undefined
  const own = within ?? user.passwordOrganizationId
  const passwordOrganizationId =
    self?.isServerAdmin === true ? null : self?.id === user.id ? own : organizationId
  await db.user.update({ where: { id: user.id }, data: { passwordHash, passwordOrganizationId } })
  await db.$executeRaw`
    UPDATE "Token" SET "revokedAt" = now() WHERE "userId" = ${user.id}::uuid AND "expiresAt" IS NOT NULL
      AND "revokedAt" IS NULL AND id IS DISTINCT FROM ${viewer.kind === 'token' ? viewer.tokenId : null}::uuid`
}

/** Throws ValidationError when nobody else is ADMIN. */
async function keepsAnAdmin(
  db: Transaction,
  { organizationId, userId }: Membership,
  path: readonly string[],
  what: string,
): Promise<void> {
  const others = await db.membership.count({
    where: { organizationId, role: 'ADMIN', userId: { not: userId } },
  })
  if (others === 0)
    throw new ValidationError([
      {
        path,
        message: `The last ADMIN of an organization cannot be ${what}: make somebody else ADMIN first.`,
        rule: 'last_admin',
      },
    ])
}
