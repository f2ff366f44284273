import { hashSecret, Secret } from '../auth/secrets.ts'
import { allow, boundTo, found, isAllowed, type Person, type Viewer } from '../auth/viewer.ts'
import { actor, type Context } from '../context.ts'
import type { Invitation, Membership, Prisma } from '../generated/prisma/client.ts'
import type { Role } from '../generated/prisma/enums.ts'
import type { AllowAskedIn, OnceAs } from '../graph/mutation.ts'
import { batched } from '../kit/batched.ts'
import {
  Conflict,
  Forbidden,
  NotFound,
  QuotaReached,
  ValidationError,
  WrongState,
} from '../kit/errors.ts'
import { act, AUDIT } from '../streams/index.ts'
import { newPassword } from './accounts.ts'
import { MAX_PENDING, stateOf, VALID_MS } from './invitation.ts'
import { addMember, lockMembers, memberNamed, record } from './membership.ts'
import { InvitationId } from './organization.ts'

type Transaction = Prisma.TransactionClient

/** The code of the invitation that this request makes. */
export const codeFor = (ctx: Context): Secret => Secret.of(ctx, 'mri_')

/** Invites somebody, in place of an invitation that is pending. The members are locked. Throws QuotaReached. */
export async function invite(
  ctx: Context,
  db: Transaction,
  input: { email: string; role: Role; name?: string | null; organizationId: string },
): Promise<{ invitation: Invitation; code: Secret }> {
  const { email, role, name = null, organizationId } = input
  const now = ctx.now()
  await endPending(db, organizationId, email, now)
  const pending = await db.invitation.count({
    where: { organizationId, status: 'PENDING', expiresAt: { gt: now } },
  })
  if (pending >= MAX_PENDING)
    throw new QuotaReached(
      `At most ${MAX_PENDING} invitations of an organization are pending: withdraw some first.`,
      MAX_PENDING,
    )
  const code = codeFor(ctx)
  const invitation = await db.invitation.create({
    data: {
      id: InvitationId.make(),
      organizationId,
      email,
      name,
      role,
      codeHash: hashSecret(code.text),
      creator: { ...actor(ctx) },
      createdAt: now,
      expiresAt: new Date(now.getTime() + VALID_MS),
    },
  })
  const changes = [
    { field: 'email', to: email },
    { field: 'role', to: role },
  ]
  await db.$executeRaw(
    act(
      organizationId,
      actor(ctx),
      'setMember',
      { kind: InvitationId, id: invitation.id },
      changes,
    ),
  )
  return { invitation, code }
}

/** Withdraws the invitation that is pending for an e-mail, if there is one. */
export const endPending = (
  db: Transaction,
  organizationId: string,
  email: string,
  now: Date,
): Promise<unknown> =>
  db.invitation.updateMany({
    where: { organizationId, email, status: 'PENDING', expiresAt: { gt: now } },
    data: { status: 'WITHDRAWN', endedAt: now },
  })

/** By their ids, for the ADMIN of their organizations. */
export const invitationById = batched<Context, Invitation>(async ({ database, viewer }, ids) => {
  const rows = await database.prisma.invitation.findMany({ where: { id: { in: ids } } })
  return rows.filter(({ organizationId }) => isAllowed(viewer, 'ADMIN', organizationId))
})

/** Takes an invitation back. Throws NotFound and WrongState. */
export async function withdrawInvitation(ctx: Context, { id }: { id: string }) {
  const uuid = InvitationId.read(id)
  const row = uuid === undefined ? null : await invitationById(ctx, uuid)
  return end(ctx, found(row, 'invitation', id), 'WITHDRAWN')
}

/** The invitation that a call has ended before, as it is now. */
export async function endedInvitation(ctx: Context, id: string): Promise<Invitation> {
  const row = found(await invitationById(ctx, id), 'invitation', InvitationId.text(id))
  allow(ctx.viewer, 'ADMIN', row.organizationId)
  return row
}

/** Refuses an invitation, which needs its code and nothing else. Answers its id. Throws NotFound and WrongState. */
export async function declineInvitation(
  ctx: Context,
  { code }: { code: string },
  onceAs: OnceAs,
): Promise<{ id: string }> {
  const invitation = await invitationWith(ctx, code)
  return onceAs(asInvited(ctx, invitation), { code }, async (acting) => {
    const isDone = (acting.call?.attempt ?? 1) > 1 && invitation.status === 'DECLINED'
    const { id } = isDone ? invitation : await end(acting, invitation, 'DECLINED')
    return { id }
  })
}

interface AcceptInput {
  readonly code: string
  readonly password?: string | null
  readonly name?: string | null
}

/**
 * Makes the invited person a member: with a sign-in by the account behind it, and without one by a new account of the
 * inviting organization's. Whether there are other accounts with that e-mail makes no difference. Throws Forbidden for
 * a token of no person, NotFound, WrongState, Conflict when somebody with that e-mail is a member already, and
 * ValidationError.
 */
export async function acceptInvitation(
  ctx: Context,
  input: AcceptInput,
  onceAs: OnceAs,
  allowIn: AllowAskedIn,
): Promise<{ membership: Membership }> {
  const { viewer } = ctx
  if (viewer.kind === 'token' && viewer.user === undefined) throw noPerson
  const invitation = await invitationWith(ctx, input.code)
  const { password, ...asked } = input
  const member = asMember(asInvited(ctx, invitation), invitation)
  allowIn(member.viewer, invitation.organizationId)
  return onceAs(member, asked, async (acting) => ({
    membership: await accept(acting, invitation, { ...asked, password }),
  }))
}

async function accept(
  ctx: Context,
  invitation: Invitation,
  { password, name }: AcceptInput,
): Promise<Membership> {
  const { id, email, organizationId, role } = invitation
  const { viewer } = ctx
  const account = signedIn(viewer)
  const userId = account?.id ?? id
  const { prisma } = ctx.database
  if (ctx.call !== undefined && ctx.call.attempt > 1) {
    const there = await prisma.membership.findFirst({ where: { userId, organizationId } })
    if (there !== null) return there
  }
  isPending(invitation, ctx.now())
  if (account !== undefined && account.email !== email) throw otherEmail
  const isConfined = account === undefined || boundTo(viewer) !== undefined
  if (isConfined && password == null) throw noPassword
  const hash = password == null ? undefined : await newPassword(ctx, email, password)
  const made = await prisma.$transaction(async (db) => {
    await lockMembers(db, organizationId)
    await moved(db, invitation, 'ACCEPTED', ctx.now())
    if ((await memberNamed(db, organizationId, email)) !== null)
      throw new Conflict('code', 'Somebody with this e-mail is a member already.')
    const called = name ?? invitation.name
    const membership =
      account === undefined
        ? await addMember(db, userId, { email, name: called, role, organizationId })
        : await db.membership.create({ data: { userId, organizationId, role } })
    if (hash !== undefined)
      await db.membershipPassword.create({ data: { userId, organizationId, hash } })
    await record(ctx, db, membership, 'acceptInvitation', [{ field: 'role', to: role }])
    return membership
  })
  ctx.sessions.changed()
  ctx.hub.hint(AUDIT, organizationId)
  return made
}

/** The person who has signed in. Whoever acts as `admin` in open mode without a credential has not. */
const signedIn = (viewer: Viewer): Person | undefined =>
  viewer.kind === 'token' ? viewer.user : undefined

/**
 * The context in which the invited person acts. Who has not signed in acts as the account that accepting makes, which
 * has the invitation's UUID: so a call that is sent again is the same call, and another person's is another.
 */
function asInvited(ctx: Context, { id, email, name }: Invitation): Context {
  if (signedIn(ctx.viewer) !== undefined) return ctx
  const user = { id, email, name, isServerAdmin: false }
  return { ...ctx, viewer: { kind: 'user', user, memberships: [] } }
}

/** The context in which the answer is read: of whoever has accepted. */
function asMember(ctx: Context, { organizationId, role }: Invitation): Context {
  const { viewer } = ctx
  const others = viewer.memberships.filter((one) => one.organizationId !== organizationId)
  return { ...ctx, viewer: { ...viewer, memberships: [...others, { organizationId, role }] } }
}

/** The invitation with this code, in whatever state. */
async function invitationWith({ database }: Context, code: string): Promise<Invitation> {
  const codeHash = hashSecret(code.trim())
  const row = await database.prisma.invitation.findUnique({ where: { codeHash } })
  if (row === null) throw new NotFound('invitation', code)
  return row
}

/** Ends an invitation without making a member. */
async function end(
  ctx: Context,
  invitation: Invitation,
  to: 'DECLINED' | 'WITHDRAWN',
): Promise<Invitation> {
  const { id, organizationId } = invitation
  if (to === 'WITHDRAWN') allow(ctx.viewer, 'ADMIN', organizationId)
  isPending(invitation, ctx.now())
  const ended = await ctx.database.prisma.$transaction(async (db) => {
    await moved(db, invitation, to, ctx.now())
    const action = to === 'DECLINED' ? 'declineInvitation' : 'withdrawInvitation'
    await db.$executeRaw(act(organizationId, actor(ctx), action, { kind: InvitationId, id }))
    return db.invitation.findUniqueOrThrow({ where: { id } })
  })
  ctx.hub.hint(AUDIT, organizationId)
  return ended
}

/** Moves an invitation that is pending still. Throws WrongState. */
async function moved(
  db: Transaction,
  { id }: Invitation,
  status: 'ACCEPTED' | 'DECLINED' | 'WITHDRAWN',
  now: Date,
): Promise<void> {
  const { count } = await db.invitation.updateMany({
    where: { id, status: 'PENDING', expiresAt: { gt: now } },
    data: { status, endedAt: now },
  })
  if (count === 0) isPending(await db.invitation.findUniqueOrThrow({ where: { id } }), now)
}

function isPending(invitation: Invitation, now: Date): void {
  const state = stateOf(invitation, now)
  if (state !== 'PENDING')
    throw new WrongState(`The invitation is not pending: it is ${state}.`, state, ['PENDING'])
}

const otherEmail = new ValidationError([
  {
    path: ['code'],
    message: 'This invitation is for another e-mail than the one you are signed in with.',
    rule: 'email',
  },
])

const noPassword = new ValidationError([
  {
    path: ['password'],
    message:
      'Give a password: you are not signed in, or your sign-in is good for one other organization only.',
    rule: 'required',
  },
])

const noPerson = new Forbidden(
  'WORKER',
  'Only the person may accept an invitation: send a sign-in of the person, or no credential.',
)
