import type { Database } from '../db/database.ts'
import { Prisma } from '../generated/prisma/client.ts'

/**
 * Events that one transaction numbers: so long, and no longer, a reader keeps others from the head, and from the
 * embedded database, which does one transaction at a time.
 */
const AT_A_TIME = 1_000

/*
 * Moves write events without places in the streams of their services and organizations, so that writers never meet.
 * Whoever reads either stream numbers in both what committed moves have left; a number, once seen, never moves.
 */

/** Numbers the events of services. */
export const numberEvents = (database: Database, serviceIds: readonly string[]): Promise<void> =>
  numberWhile(database, Prisma.sql`s.id = ANY(${[...serviceIds]}::uuid[])`, 'unnumbered-job-events')

/** Numbers the events of all services of organizations, also of those that were deleted. */
export const numberEventsOf = (
  database: Database,
  organizationIds: readonly string[],
): Promise<void> =>
  numberWhile(
    database,
    Prisma.sql`s."organizationId" = ANY(${[...organizationIds]}::uuid[])`,
    'unnumbered-job-events-of',
  )

async function numberWhile(database: Database, where: Prisma.Sql, name: string): Promise<void> {
  for (;;) {
    // a look at the first of each service: joined, the events of all others might be read too
    const waiting = await database.query<{ id: string; services: string[] }>(
      Prisma.sql`
        SELECT s."organizationId" AS id, array_agg(s.id) AS services FROM "Service" AS s CROSS JOIN LATERAL (
          SELECT FROM "JobEvent" AS e WHERE e."serviceId" = s.id AND e.place IS NULL LIMIT 1) AS e
        WHERE ${where} GROUP BY 1`,
      { name },
    )
    if (waiting.length === 0) return
    for (const { id, services } of waiting) await numberOnce(database, id, services)
  }
}

/** By the database and the organization, what this server numbers at present. */
const underWay = new WeakMap<Database['pool'], Map<string, Promise<void>>>()

/**
 * Many readers of an organization that come at once have its events numbered by one of them: the others would only
 * queue for the same head, each on a connection that moves need. They look again when it is done.
 */
async function numberOnce(
  database: Database,
  organizationId: string,
  serviceIds: readonly string[],
): Promise<void> {
  const byOrganization = underWay.get(database.pool) ?? new Map<string, Promise<void>>()
  underWay.set(database.pool, byOrganization)
  const other = byOrganization.get(organizationId)
  if (other !== undefined) return other.catch(() => {}) // whose failure is not ours
  const own = numberSome(database, organizationId, serviceIds)
  byOrganization.set(organizationId, own)
  try {
    await own
  } finally {
    byOrganization.delete(organizationId)
  }
}

/** Numbers the oldest events of these services of an organization. */
function numberSome(
  database: Database,
  organizationId: string,
  serviceIds: readonly string[],
): Promise<void> {
  return database.transaction(async (client) => {
    // two statements: the second must see what was committed while the first waited for the lock
    await database.query(
      Prisma.sql`
        INSERT INTO "OrganizationJobHead" AS o ("organizationId") VALUES (${organizationId}::uuid)
        ON CONFLICT ("organizationId") DO UPDATE SET head = o.head`,
      { client },
    )
    await database.query(
      Prisma.sql`
        WITH unnumbered AS (
          SELECT e.* FROM unnest(${[...serviceIds]}::uuid[]) AS s(id) CROSS JOIN LATERAL (
            SELECT e."serviceId", e."jobId", e.number, e.id FROM "JobEvent" AS e
            WHERE e."serviceId" = s.id AND e.place IS NULL ORDER BY e.id LIMIT ${AT_A_TIME}::int) AS e
          ORDER BY e.id LIMIT ${AT_A_TIME}::int),
        fresh AS (
          SELECT unnumbered.*, row_number() OVER (PARTITION BY "serviceId" ORDER BY id) AS place,
            row_number() OVER (ORDER BY id) AS turn FROM unnumbered),
        numbered AS (
          UPDATE "JobEvent" AS e SET place = COALESCE(h.head, 0) + fresh.place,
            "organizationId" = o."organizationId", turn = o.head + fresh.turn
          FROM fresh LEFT JOIN "JobEventHead" AS h ON h."serviceId" = fresh."serviceId", "OrganizationJobHead" AS o
          WHERE e."jobId" = fresh."jobId" AND e.number = fresh.number AND o."organizationId" = ${organizationId}::uuid
          RETURNING e."serviceId", e.place, e.turn),
        heads AS (
          INSERT INTO "JobEventHead" AS h ("serviceId", head)
          SELECT "serviceId", max(place) FROM numbered GROUP BY "serviceId" ORDER BY "serviceId"
          ON CONFLICT ("serviceId") DO UPDATE SET head = GREATEST(h.head, excluded.head))
        UPDATE "OrganizationJobHead" SET head = GREATEST(head, (SELECT max(turn) FROM numbered))
        WHERE "organizationId" = ${organizationId}::uuid`,
      { client },
    )
  })
}
