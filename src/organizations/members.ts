import type { Invitation, Membership, Prisma, User } from '../generated/prisma/client.ts'
import type { Role } from '../generated/prisma/enums.ts'
import type { Secret } from '../auth/secrets.ts'
import { allow, found, organizationFor, personOf, type Viewer } from '../auth/viewer.ts'
import type { Context } from '../context.ts'
import { Forbidden, NotFound, ValidationError } from '../kit/errors.ts'
import { emailOf } from '../kit/names.ts'
import { AUDIT } from '../streams/index.ts'
import { newPassword, setPassword } from './accounts.ts'
import { codeFor, endPending, invite } from './invitations.ts'
import { addMember, effectOf, lockMembers, memberNamed, record, type Member } from './membership.ts'
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

/** A member as it is now; or an invitation, with the code that accepts it. */
type Outcome =
  | { readonly membership: Membership }
  | { readonly invitation: Invitation; readonly code: Secret }

/**
 * Changes a member. Whoever is none yet becomes one at once with a password, by a new account of the organization's
 * own; without a password the person is invited. Neither looks for other accounts with that e-mail, so that neither
 * tells of them.
 */
export async function setMember(ctx: Context, input: SetMemberInput): Promise<Outcome> {
  const { viewer } = ctx
  const named = await organizationNamed(ctx, input.organizationId)
  const organizationId = organizationFor(viewer, 'WORKER', named)
  const email = emailOf(input.email)
  if (personOf(viewer)?.email !== email) allow(viewer, 'ADMIN', organizationId)
  const done = await doneBefore(ctx, organizationId, email)
  if (done !== undefined) return done
  const hash = input.password == null ? undefined : await newPassword(ctx, email, input.password)
  const outcome = await ctx.database.prisma.$transaction(async (db) => {
    await lockMembers(db, organizationId)
    const member = await memberNamed(db, organizationId, email)
    if (member !== null) return { membership: await changeMember(ctx, db, member, input, hash) }
    allow(viewer, 'ADMIN', organizationId)
    if (hash === undefined) return invite(ctx, db, { ...input, organizationId, email })
    const account = { email, name: input.name ?? null, role: input.role, organizationId }
    const membership = await addMember(db, UserId.make(), account)
    await setPassword(db, viewer, membership.userId, hash, organizationId)
    await endPending(db, organizationId, email, ctx.now())
    const changes = [
      { field: 'role', to: input.role },
      ...(input.name == null ? [] : [{ field: 'name', to: input.name }]),
      { field: 'password' },
    ]
    await record(ctx, db, membership, 'setMember', changes)
    return { membership }
  })
  ctx.sessions.changed()
  ctx.hub.hint(AUDIT, organizationId)
  return outcome
}

/** What this call had come to, when it has had its effect already and only its answer was lost. */
async function doneBefore(
  ctx: Context,
  organizationId: string,
  email: string,
): Promise<Outcome | undefined> {
  const effect = await effectOf(ctx)
  if (effect === undefined) return undefined
  const [noun, id = ''] = effect.subject.split(':')
  const { prisma } = ctx.database
  if (noun === 'inv')
    return {
      invitation: await prisma.invitation.findUniqueOrThrow({ where: { id } }),
      code: codeFor(ctx),
    }
  const where = { userId: id, organizationId }
  return { membership: found(await prisma.membership.findFirst({ where }), 'member', email) }
}

async function changeMember(
  ctx: Context,
  db: Transaction,
  { user, userId, organizationId, role }: Member,
  input: SetMemberInput,
  hash: string | undefined,
): Promise<Membership> {
  const { viewer } = ctx
  const isRenamed = input.name != null && input.name !== user.name
  if (isRenamed || hash !== undefined) mayManage(viewer, user, organizationId)
  if (role !== input.role) allow(viewer, 'ADMIN', organizationId)
  if (role === 'ADMIN' && input.role !== 'ADMIN')
    await keepsAnAdmin(db, { userId, organizationId }, ['role'])
  const changed = await db.membership.update({
    where: { userId_organizationId: { userId, organizationId } },
    data: { role: input.role },
  })
  if (isRenamed) await db.user.update({ where: { id: userId }, data: { name: input.name ?? null } })
  if (hash !== undefined) await setPassword(db, viewer, userId, hash, organizationId)
  await record(ctx, db, changed, 'setMember', [
    ...(role === input.role ? [] : [{ field: 'role', from: role, to: input.role }]),
    ...(isRenamed ? [{ field: 'name', from: user.name, to: input.name }] : []),
    ...(hash === undefined ? [] : [{ field: 'password' }]),
  ])
  return changed
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
  if ((await effectOf(ctx)) !== undefined) return userId
  await takeOut(ctx, { userId, organizationId }, ['userId'], 'removeMember')
  return userId
}

/**
 * Takes the caller out of an organization, which needs no role. Answers the organization's id. Throws Forbidden for
 * who is no person, and ValidationError for the last ADMIN.
 */
export async function leaveOrganization(
  ctx: Context,
  input: { organizationId?: string | null },
): Promise<string> {
  const named = await organizationNamed(ctx, input.organizationId)
  const userId = personOf(ctx.viewer)?.id
  if (userId === undefined)
    throw new Forbidden('WORKER', 'Only a person is a member, and can leave: revoke the token.')
  // no right is noted: whoever has left has none, and may have the answer again
  const organizationId = named ?? onlyOrganization(ctx.viewer)
  await takeOut(ctx, { userId, organizationId }, ['organizationId'], 'leaveOrganization')
  return organizationId
}

function onlyOrganization(viewer: Viewer): string {
  const [only, ...others] = viewer.memberships
  return only === undefined || others.length > 0
    ? organizationFor(viewer, 'WORKER', undefined) // which says what is missing
    : only.organizationId
}

/** Ends a membership, and the sign-ins that are good for it alone. */
async function takeOut(
  ctx: Context,
  key: { userId: string; organizationId: string },
  path: readonly string[],
  action: 'removeMember' | 'leaveOrganization',
): Promise<void> {
  const { userId, organizationId } = key
  await ctx.database.prisma.$transaction(async (db) => {
    await lockMembers(db, organizationId)
    const where = { userId_organizationId: key }
    const old = await db.membership.findUnique({ where })
    if (old === null) throw new NotFound('member', UserId.text(userId))
    if (old.role === 'ADMIN') await keepsAnAdmin(db, key, path)
    await db.membership.delete({ where })
    await db.token.updateMany({
      where: { ...key, revokedAt: null },
      data: { revokedAt: ctx.now() },
    })
    await record(ctx, db, key, action, [{ field: 'role', from: old.role }])
  })
  ctx.sessions.changed()
  ctx.hub.hint(AUDIT, organizationId)
}

/** Throws Forbidden unless the viewer, who is ADMIN or the person, may change the account itself. */
function mayManage(viewer: Viewer, user: User, organizationId: string): void {
  const self = personOf(viewer)
  if (self?.isServerAdmin === true || self?.id === user.id) return
  if (user.isServerAdmin || user.organizationId !== organizationId)
    throw new Forbidden(
      'ADMIN',
      'This organization has not made the account of this person: its name and password are changed by the person, or by an administrator of the server.',
    )
}

/** Throws ValidationError when nobody else is ADMIN. */
async function keepsAnAdmin(
  db: Transaction,
  { organizationId, userId }: { organizationId: string; userId: string },
  path: readonly string[],
): Promise<void> {
  const others = await db.membership.count({
    where: { organizationId, role: 'ADMIN', userId: { not: userId } },
  })
  if (others === 0)
    throw new ValidationError([
      {
        path,
        message:
          'The last ADMIN cannot leave, be removed or be given a lesser role: make somebody else ADMIN first.',
        rule: 'last_admin',
      },
    ])
}
