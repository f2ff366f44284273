import { Prisma } from '../generated/prisma/client.ts'
import type { Role } from '../generated/prisma/enums.ts'
import type { Right } from './noted-rights.ts'
import { atLeast } from './roles.ts'
import { confinedTo, personOf, type OrganizationRole, type Person, type Viewer } from './viewer.ts'

/** A credential that is good now, with all that it is good for. */
export interface RightsRow {
  /** The token's id; the user's, where there is no token. */
  readonly key: string
  readonly tokenName: string | null
  readonly organizationId: string | null
  readonly projectId: string | null
  readonly role: Role | null
  /** Milliseconds until it ends by itself. */
  readonly leftMs: number | null
  readonly userId: string | null
  readonly email: string | null
  readonly userName: string | null
  readonly isServerAdmin: boolean | null
  readonly memberships: OrganizationRole[] | null
}

/** The tokens that are good now, and fulfil a condition on `t`. */
const goodTokens = (where: Prisma.Sql): Prisma.Sql => Prisma.sql`
  SELECT t.id, t.name, t."organizationId", t."projectId", t.role, t."userId", t."lastUsedAt",
         (extract(epoch FROM t."expiresAt" - now()) * 1000)::float8 AS "leftMs"
  FROM "Token" AS t
  WHERE ${where} AND t."revokedAt" IS NULL AND (t."expiresAt" IS NULL OR t."expiresAt" > now())`

/**
 * What rows `held` (key, tokenName, organizationId, projectId, role, leftMs, userId) are good for. A membership with
 * a password of its own is entered by that alone, which is to say by a token for its organization.
 */
const rightsOf = (held: Prisma.Sql): Prisma.Sql => Prisma.sql`
  SELECT held.*, u.email, u.name AS "userName", u."isServerAdmin", (
    SELECT json_agg(json_build_object('organizationId', m."organizationId", 'role', m.role)
      ORDER BY m."createdAt", m."organizationId")
    FROM "Membership" AS m WHERE m."userId" = u.id AND (m."organizationId" = held."organizationId" OR NOT EXISTS (
      SELECT 1 FROM "MembershipPassword" AS p
      WHERE p."userId" = m."userId" AND p."organizationId" = m."organizationId"))) AS memberships
  FROM (${held}) AS held LEFT JOIN "User" AS u ON u.id = held."userId"`

const asHeld = Prisma.sql`id AS key, name AS "tokenName", "organizationId", "projectId", role, "leftMs", "userId"`

const usersAsHeld = (where: Prisma.Sql): Prisma.Sql => Prisma.sql`
  SELECT u.id AS key, NULL::text AS "tokenName", NULL::uuid AS "organizationId", NULL::uuid AS "projectId",
         NULL::"Role" AS role, NULL::float8 AS "leftMs", u.id AS "userId" FROM "User" AS u WHERE ${where}`

/** How long a "last used" may be behind. */
const LAST_USED_SECONDS = 60

/** The rights of the token with this hash, which is thereby used. */
export const rightsByHash = (hash: string): Prisma.Sql => Prisma.sql`
  WITH good AS (${goodTokens(Prisma.sql`t.hash = ${hash}`)}),
  used AS (
    UPDATE "Token" AS t SET "lastUsedAt" = now() FROM good
    WHERE t.id = good.id AND (good."lastUsedAt" IS NULL
      OR good."lastUsedAt" < now() - make_interval(secs => ${LAST_USED_SECONDS}::int)))
  ${rightsOf(Prisma.sql`SELECT ${asHeld} FROM good`)}`

/** The rights of the first administrator of the server. */
export const rightsOfAdmin: Prisma.Sql = rightsOf(
  Prisma.sql`${usersAsHeld(Prisma.sql`u."isServerAdmin"`)} ORDER BY u.serial LIMIT 1`,
)

/** The rights of many tokens and users, for those that are good still. */
export const rightsByKeys = (keys: readonly string[]): Prisma.Sql =>
  rightsOf(Prisma.sql`
    SELECT ${asHeld} FROM (${goodTokens(Prisma.sql`t.id = ANY(${[...keys]}::uuid[])`)}) AS good
    UNION ALL ${usersAsHeld(Prisma.sql`u.id = ANY(${[...keys]}::uuid[])`)}`)

/** Whose rights a row holds; undefined when they amount to nothing: a person who is a member of nothing. */
export function viewerOf(row: RightsRow): Viewer | undefined {
  const user = personIn(row)
  const memberships = membershipsIn(row)
  const { projectId, organizationId, role } = row
  if (memberships.length === 0 && user?.isServerAdmin !== true) return undefined
  if (row.tokenName === null) return user && { kind: 'user', user, memberships }
  const token = { kind: 'token', tokenId: row.key, tokenName: row.tokenName, user } as const
  if (user !== undefined && organizationId !== null)
    return { ...token, memberships, within: organizationId }
  if (projectId === null || organizationId === null || role === null)
    return { ...token, memberships }
  return { ...token, memberships: [], project: { id: projectId, organizationId, role } }
}

/** A token that is good for one organization is not good for the server. */
function personIn(row: RightsRow): Person | undefined {
  const { userId, email, userName, organizationId } = row
  if (userId === null || email === null) return undefined
  const isServerAdmin = row.isServerAdmin === true && organizationId === null
  return { id: userId, email, name: userName, isServerAdmin }
}

function membershipsIn({
  userId,
  organizationId,
  role,
  memberships,
}: RightsRow): OrganizationRole[] {
  if (userId !== null)
    return (memberships ?? []).filter(
      (one) => organizationId === null || one.organizationId === organizationId,
    )
  return organizationId === null || role === null ? [] : [{ organizationId, role }]
}

/**
 * Whether a viewer is still good for what was needed; for no less than before everywhere, when it is not known what
 * was.
 */
export function covers(now: Viewer, before: Viewer, needed?: readonly Right[]): boolean {
  const isServers = needed?.some(({ organizationId }) => organizationId === undefined) ?? true
  if (isServers && isServerAdmin(before) && !isServerAdmin(now)) return false
  const [project, was] = [confinedTo(now), confinedTo(before)]
  if (was !== undefined) return project?.id === was.id && atLeast(project.role, was.role)
  return before.memberships.every(({ organizationId, role }) => {
    const roles = needed?.flatMap((one) =>
      one.organizationId === organizationId ? [one.needed] : [],
    ) ?? [role]
    const place = now.memberships.find((one) => one.organizationId === organizationId)
    return roles.every((least) => place !== undefined && atLeast(place.role, least))
  })
}

const isServerAdmin = (viewer: Viewer): boolean => personOf(viewer)?.isServerAdmin === true
