import type { Context } from '../context.ts'
import { Prisma } from '../generated/prisma/client.ts'
import type { Front } from '../generated/prisma/enums.ts'
import { Ambiguous, Forbidden } from '../kit/errors.ts'
import type { Naming } from './address.ts'

/** Where an object has to be for an address to lead to it. */
export interface Place {
  readonly organizationId?: string
  readonly deploymentId?: string
}

interface Found {
  readonly organizationId: string
  /** Its handle. */
  readonly organization: string
  readonly deploymentId: string | null
  /** Whose chosen address the last part is, if it is one. */
  readonly objectId: string | null
}

/**
 * What an address of several parts says: in which organization, and in which deployment of it, its last part is to be
 * looked for. Null where there is no such deployment. Throws Forbidden, whatever follows, for an organization that is
 * none of those, and Ambiguous for what several of them are called.
 */
export async function placeOf(
  { database }: Pick<Context, 'database'>,
  front: Front,
  { kind, within = [] }: Naming,
  parts: readonly string[],
  organizations: readonly string[],
): Promise<{ place: Place; objectId: string | null } | null> {
  const [organization = '', deployment] = parts.slice(0, -1)
  if (parts.length - 1 > within.length) return null
  const serials = within.map(({ spellings }, n) => {
    const serial = spellings[front]?.read(parts[n] ?? '')
    return typeof serial === 'bigint' ? serial : null
  })
  const stored = (noun: Prisma.Sql, text: string): Prisma.Sql => Prisma.sql`
    (SELECT a."objectId" FROM "Address" AS a WHERE a."organizationId" = o.id AND a.front = ${front}::"Front"
      AND a.noun = ${noun} AND a.text = ${text})`
  const [found, ...others] = await database.read<Found>(
    Prisma.sql`
      SELECT DISTINCT ON (o.id) o.id AS "organizationId", o.handle AS organization, d.id AS "deploymentId",
        ${stored(Prisma.sql`${kind.noun}`, parts.at(-1) ?? '')} AS "objectId"
      FROM "Organization" AS o LEFT JOIN "Deployment" AS d ON d."organizationId" = o.id AND d."deletedAt" IS NULL
        AND (d.serial = ${serials[1] ?? null}::bigint OR d.id = ${stored(Prisma.sql`'dep'`, deployment ?? '')})
      WHERE o.id = ANY(${[...organizations]}::uuid[])
        AND (o.serial = ${serials[0] ?? null}::bigint OR o.id = ${stored(Prisma.sql`'org'`, organization)})
      ORDER BY o.id, d.id = ${stored(Prisma.sql`'dep'`, deployment ?? '')} DESC NULLS LAST LIMIT 10`,
    'place-of-address',
  )
  if (found === undefined)
    throw new Forbidden('VIEWER', 'You are not a member of that organization.')
  const [whole] = within
  if (others.length > 0 && whole !== undefined)
    throw new Ambiguous(
      whole.noun,
      organization,
      [found, ...others].map((one) => ({
        id: whole.kind.text(one.organizationId),
        organization: one.organization,
      })),
    )
  const { organizationId, deploymentId, objectId } = found
  if (deployment === undefined) return { place: { organizationId }, objectId }
  return deploymentId === null ? null : { place: { organizationId, deploymentId }, objectId }
}
