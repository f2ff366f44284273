import { Prisma } from '../generated/prisma/client.ts'
import type { Role } from '../generated/prisma/enums.ts'
import type { Database } from '../db/database.ts'
import { Unauthenticated } from '../kit/errors.ts'
import { hashSecret } from './secrets.ts'
import { anonymous, type Membership, type Person, type Viewer } from './viewer.ts'

interface TokenRow {
  id: string
  name: string
  organizationId: string | null
  role: Role
  userId: string | null
  email: string | null
  userName: string | null
  isServerAdmin: boolean | null
  memberships: Membership[] | null
}

/** How long a "last used" may be behind. */
const LAST_USED_SECONDS = 60

/** Finds out who asks. In open mode whoever brings no known credential is the user `admin`. */
export class Authenticator {
  readonly #database: Database
  readonly #isOpen: boolean

  constructor(database: Database, mode: 'open' | 'token') {
    this.#database = database
    this.#isOpen = mode === 'open'
  }

  /** The viewer behind an Authorization header. Throws Unauthenticated for one that is not known, except in open mode. */
  async viewer(authorization: string | undefined): Promise<Viewer> {
    const secret = secretIn(authorization)
    if (secret !== undefined) {
      const known = await this.#byToken(secret)
      if (known !== undefined) return known
    }
    if (this.#isOpen) return this.#admin()
    if (authorization === undefined) return anonymous
    throw new Unauthenticated('The credential is not known, has expired or was revoked.')
  }

  async #byToken(secret: string): Promise<Viewer | undefined> {
    const [row] = await this.#database.query<TokenRow>(
      Prisma.sql`
        WITH token AS (
          SELECT * FROM "Token" WHERE hash = ${hashSecret(secret)} AND "revokedAt" IS NULL
            AND ("expiresAt" IS NULL OR "expiresAt" > now())),
        used AS (
          UPDATE "Token" AS t SET "lastUsedAt" = now() FROM token
          WHERE t.id = token.id AND (token."lastUsedAt" IS NULL
            OR token."lastUsedAt" < now() - make_interval(secs => ${LAST_USED_SECONDS}::int)))
        SELECT token.id, token.name, token."organizationId", token.role, u.id AS "userId", u.email,
               u.name AS "userName", u."isServerAdmin", ${membershipsOf('token."userId"')} AS memberships
        FROM token LEFT JOIN "User" AS u ON u.id = token."userId"`,
      { name: 'token-by-hash' },
    )
    return row === undefined ? undefined : viewerOf(row)
  }

  async #admin(): Promise<Viewer> {
    const [user] = await this.#database.query<Person & { memberships: Membership[] | null }>(
      Prisma.sql`
        SELECT u.id, u.email, u.name, u."isServerAdmin", ${membershipsOf('u.id')} AS memberships
        FROM "User" AS u WHERE u."isServerAdmin" ORDER BY u.serial LIMIT 1`,
      { name: 'first-admin' },
    )
    if (user === undefined) return anonymous
    const { memberships, ...person } = user
    return { kind: 'user', user: person, memberships: memberships ?? [] }
  }
}

/** The memberships of the user in a column, oldest first, as JSON; null when there are none. */
const membershipsOf = (column: string): Prisma.Sql => Prisma.sql`(
  SELECT json_agg(json_build_object('organizationId', m."organizationId", 'role', m.role)
    ORDER BY m."createdAt", m."organizationId")
  FROM "Membership" AS m WHERE m."userId" = ${Prisma.raw(column)})`

/** The secret of `Bearer <secret>`, or the password of `Basic …`, which is how tokens fit into a URL. */
function secretIn(authorization: string | undefined): string | undefined {
  const [scheme = '', value = ''] = (authorization ?? '').trim().split(/\s+/, 2)
  switch (scheme.toLowerCase()) {
    case 'bearer':
      return value || undefined
    case 'basic': {
      const text = Buffer.from(value, 'base64').toString('utf8')
      return text.slice(text.indexOf(':') + 1) || undefined
    }
    default:
      return undefined
  }
}

function viewerOf(row: TokenRow): Viewer {
  const token = { kind: 'token', tokenId: row.id, tokenName: row.name } as const
  if (row.userId === null || row.email === null) {
    const memberships =
      row.organizationId === null ? [] : [{ organizationId: row.organizationId, role: row.role }]
    return { ...token, user: undefined, memberships }
  }
  const user = {
    id: row.userId,
    email: row.email,
    name: row.userName,
    isServerAdmin: row.isServerAdmin ?? false,
  }
  return { ...token, user, memberships: row.memberships ?? [] }
}
