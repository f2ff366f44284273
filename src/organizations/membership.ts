import { actor, type Context } from '../context.ts'
import type { Membership, Prisma, User } from '../generated/prisma/client.ts'
import type { Role } from '../generated/prisma/enums.ts'
import { ValidationError } from '../kit/errors.ts'
import { act, effectsOf } from '../streams/index.ts'
import { OrganizationId, UserId } from './organization.ts'

type Transaction = Prisma.TransactionClient

export type Member = Membership & { readonly user: User }

/** The member with that e-mail. */
export const memberNamed = (
  db: Transaction,
  organizationId: string,
  email: string,
): Promise<Member | null> =>
  db.membership.findFirst({ where: { organizationId, user: { email } }, include: { user: true } })

/** Makes an account of the organization's own, and a member of it. Throws ValidationError. */
export async function addMember(
  db: Transaction,
  userId: string,
  account: { email: string; name: string | null; role: Role; organizationId: string },
): Promise<Membership> {
  const { email, name, role, organizationId } = account
  if (!email.includes('@'))
    throw new ValidationError([
      { path: ['email'], message: 'Only the server has somebody called so: give an e-mail.' },
    ])
  await db.user.create({ data: { id: userId, email, name, organizationId } })
  return db.membership.create({ data: { userId, organizationId, role } })
}

/** Writes the line of the history. The one who leaves is its actor, and leaves the organization. */
export async function record(
  ctx: Context,
  db: Transaction,
  { userId, organizationId }: { userId: string; organizationId: string },
  action: 'setMember' | 'removeMember' | 'leaveOrganization' | 'acceptInvitation',
  changes: Parameters<typeof act>[4],
): Promise<void> {
  const subject =
    action === 'leaveOrganization'
      ? { kind: OrganizationId, id: organizationId }
      : { kind: UserId, id: userId }
  await db.$executeRaw(act(organizationId, actor(ctx), action, subject, changes))
}

/** The effect that this call has had already, when only its answer was lost. */
export async function effectOf({
  database,
  call,
}: Context): Promise<{ subject: string } | undefined> {
  if (call === undefined || call.attempt === 1) return undefined
  const [effect] = await effectsOf(database, call.id)
  return effect
}

/** One change of an organization's members at a time, so that two admins cannot remove each other at once. */
export const lockMembers = (db: Transaction, organizationId: string): Promise<unknown> =>
  db.$queryRaw`SELECT 1 AS locked FROM "Organization" WHERE id = ${organizationId}::uuid FOR UPDATE`
