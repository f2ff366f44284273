import { networkOf } from '../auth/network.ts'
import { hashPassword, saltOf } from '../auth/passwords.ts'
import { boundTo, personOf, type Viewer } from '../auth/viewer.ts'
import type { Context } from '../context.ts'
import { Prisma, type Membership, type User } from '../generated/prisma/client.ts'

type Transaction = Prisma.TransactionClient

/** One of the passwords that a person may sign in with, and what it is good for. */
export interface Pass {
  readonly user: User
  readonly memberships: readonly Membership[]
  /** The only organization it is good for; null for all that have no password of their own. */
  readonly within: string | null
  readonly hash: string
}

/** The passwords behind an e-mail with which somebody could do anything. */
export async function passesOf({ database }: Context, email: string): Promise<Pass[]> {
  const users = await database.prisma.user.findMany({
    where: { email, OR: [{ isServerAdmin: true }, { memberships: { some: {} } }] },
    include: {
      memberships: {
        include: { password: true },
        orderBy: [{ createdAt: 'asc' }, { organizationId: 'asc' }],
      },
    },
    orderBy: { serial: 'asc' },
  })
  return users.flatMap(({ memberships, ...user }) => {
    const open = memberships.filter(({ password }) => password === null)
    const own = memberships.flatMap(({ password, ...membership }) =>
      password === null
        ? []
        : [
            {
              user,
              memberships: [membership],
              within: membership.organizationId,
              hash: password.hash,
            },
          ],
    )
    const { passwordHash: hash } = user
    const isGood = open.length > 0 || user.isServerAdmin
    return hash !== null && isGood ? [{ user, memberships: open, within: null, hash }, ...own] : own
  })
}

/**
 * The hash of a new password. All passwords behind an e-mail have one salt, so that a sign-in costs one computation
 * however many accounts there are, and its time tells nobody how many.
 */
export async function newPassword(ctx: Context, email: string, password: string): Promise<string> {
  const [known] = await passesOf(ctx, email)
  const salt = known
    ? saltOf(known.hash)
    : Buffer.from(ctx.signer.sign('password-salt', email), 'base64url').subarray(0, 16)
  return hashPassword(password, networkOf(ctx.address), salt)
}

/**
 * Sets a password and ends the sign-ins that the one before had opened. An administrator of the server, and a person
 * whose sign-in is good for all, set the one for all memberships; everybody else sets the one of this membership.
 */
export async function setPassword(
  db: Transaction,
  viewer: Viewer,
  userId: string,
  hash: string,
  organizationId: string,
): Promise<void> {
  const self = personOf(viewer)
  const isUnbound = boundTo(viewer) === undefined
  const isForAll = self?.isServerAdmin === true || (self?.id === userId && isUnbound)
  const key = { userId, organizationId }
  if (isForAll) {
    await db.user.update({ where: { id: userId }, data: { passwordHash: hash } })
    await db.membershipPassword.deleteMany({ where: key })
  } else
    await db.membershipPassword.upsert({
      where: { userId_organizationId: key },
      create: { ...key, hash },
      update: { hash },
    })
  const opened = isForAll
    ? Prisma.sql`NOT EXISTS (SELECT 1 FROM "MembershipPassword" AS p
        WHERE p."userId" = t."userId" AND p."organizationId" = t."organizationId")`
    : Prisma.sql`t."organizationId" = ${organizationId}::uuid`
  const used = viewer.kind === 'token' ? viewer.tokenId : null
  await db.$executeRaw`
    UPDATE "Token" AS t SET "revokedAt" = now() WHERE t."userId" = ${userId}::uuid
      AND t."expiresAt" IS NOT NULL AND t."revokedAt" IS NULL AND t.id IS DISTINCT FROM ${used}::uuid AND ${opened}`
}
