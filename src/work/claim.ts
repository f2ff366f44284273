import type { Platform } from '../context.ts'
import { Prisma } from '../generated/prisma/client.ts'
import type { Actor } from '../kit/actor.ts'
import { counted, statusChange, step, told } from './record.ts'
import { jobColumns, type JobRow } from './row.ts'
import { tellJobs } from './tell.ts'

/** A wish for jobs; two with the same `claimId` are one. */
export interface Claim {
  /** All of one organization. */
  readonly organizationId: string
  readonly serviceIds: readonly string[]
  readonly worker: string
  readonly actor: Actor
  readonly claimId: string
  readonly max: number
  /** Null: no lease. */
  readonly leaseSeconds: number | null
}

interface ClaimedRow extends JobRow {
  readonly parameters: string | null
  readonly fence: string
}

/** A job that the worker may work on, under this fence, until the lease of the row expires. */
export type Lease = ClaimedRow

/** How often a claim is tried that another of the same moment ran into. */
const TRIES = 5

/**
 * Takes queued jobs: by priority, then in the order they were submitted. One statement, which
 *
 * - finds what the same claim was given before, and then takes nothing;
 * - locks the rows of services with a limit, and no others, and counts what they run now;
 * - takes jobs without a lane, and of each lane the first when none of it runs;
 * - skips what another claim has in its hands: two claims never wait for each other but for a limit.
 *
 * Two equal claims, or two claims on one lane, that meet at the same moment are refused by a unique index; the one
 * that was refused looks again.
 */
export async function claimOnce(platform: Platform, claim: Claim): Promise<Lease[]> {
  for (let n = 1; ; n += 1) {
    try {
      const rows = await platform.database.query<ClaimedRow & { isNew: boolean }>(
        statement(claim),
        {
          name: 'claim-jobs',
        },
      )
      const fresh = rows.filter(({ isNew }) => isNew)
      tellJobs(platform, fresh)
      return rows
    } catch (cause) {
      if (n >= TRIES || !isTaken(cause)) throw cause
    }
  }
}

/** A unique index has refused it, or two of them waited for each other. */
const isTaken = (cause: unknown): boolean =>
  typeof cause === 'object' &&
  cause !== null &&
  'code' in cause &&
  (cause.code === '23505' || cause.code === '40P01')

function statement(claim: Claim): Prisma.Sql {
  const { organizationId, serviceIds, worker, actor, claimId, max, leaseSeconds } = claim
  const services = Prisma.sql`${[...serviceIds]}::uuid[]`
  // "readyAt" is kept to the millisecond, and may have been rounded up
  const isDue = Prisma.sql`j."readyAt" <= now() + interval '1 millisecond'`
  return Prisma.sql`
    WITH RECURSIVE again AS (
      SELECT "jobId", number FROM "JobAttempt"
      WHERE "organizationId" = ${organizationId}::uuid AND "claimId" = ${claimId}),
    gate AS (
      SELECT id, concurrency FROM "Service"
      WHERE id = ANY(${services}) AND concurrency IS NOT NULL AND NOT EXISTS (SELECT FROM again)
      ORDER BY id FOR NO KEY UPDATE),
    room AS (
      SELECT s.id, gate.id IS NOT NULL AS limited,
        LEAST(${max}::int, COALESCE(gate.concurrency - "runningJobs"(gate.id), ${max}::int)) AS free
      FROM unnest(${services}) AS s(id) LEFT JOIN gate ON gate.id = s.id
      WHERE NOT EXISTS (SELECT FROM again)),
    lanes AS (
      SELECT room.id AS service, (
        SELECT min(j.lane) FROM "Job" AS j
        WHERE j."serviceId" = room.id AND j.status = 'QUEUED' AND j.lane IS NOT NULL) AS lane
      FROM room WHERE room.free > 0
      UNION ALL
      SELECT lanes.service, (
        SELECT min(j.lane) FROM "Job" AS j
        WHERE j."serviceId" = lanes.service AND j.status = 'QUEUED' AND j.lane > lanes.lane)
      FROM lanes WHERE lanes.lane IS NOT NULL),
    firsts AS (
      SELECT first.id, first."serviceId" FROM lanes CROSS JOIN LATERAL (
        SELECT j.id, j."serviceId", j."readyAt" FROM "Job" AS j
        WHERE j."serviceId" = lanes.service AND j.lane = lanes.lane AND j.status = 'QUEUED'
          AND (j.attempt > 0 OR ${isDue})
        ORDER BY j.priority DESC, j.serial LIMIT 1) AS first
      WHERE lanes.lane IS NOT NULL AND first."readyAt" <= now() + interval '1 millisecond' AND NOT EXISTS (
        SELECT FROM "Job" AS r
        WHERE r."serviceId" = lanes.service AND r.lane = lanes.lane AND r.status = 'RUNNING')),
    candidates AS (
      SELECT c.*, room.limited, room.free,
        row_number() OVER (PARTITION BY c."serviceId" ORDER BY c.priority DESC, c.serial) AS nth
      FROM room CROSS JOIN LATERAL (
        SELECT * FROM (
          SELECT j.id, j."serviceId", j.priority, j.serial FROM "Job" AS j
          WHERE j."serviceId" = room.id AND j.status = 'QUEUED' AND j.lane IS NULL AND ${isDue}
          ORDER BY j.priority DESC, j.serial LIMIT GREATEST(room.free, 0) FOR UPDATE SKIP LOCKED) AS free
        UNION ALL
        SELECT * FROM (
          SELECT j.id, j."serviceId", j.priority, j.serial FROM "Job" AS j
          WHERE j.id IN (SELECT id FROM firsts WHERE firsts."serviceId" = room.id) AND j.status = 'QUEUED'
          ORDER BY j.priority DESC, j.serial LIMIT GREATEST(room.free, 0) FOR UPDATE SKIP LOCKED) AS laned) AS c),
    picked AS (
      SELECT id, limited, row_number() OVER (ORDER BY priority DESC, serial) AS place FROM candidates
      WHERE nth <= free ORDER BY priority DESC, serial LIMIT ${max}::int),
    moved AS (
      UPDATE "Job" AS t SET ${step(1)}, status = 'RUNNING', attempt = t.attempt + 1, worker = ${worker},
        fence = (t.attempt + 1) || '.' || replace(left(gen_random_uuid()::text, 18), '-', ''),
        "leaseSeconds" = ${leaseSeconds}::int,
        "leaseExpiresAt" = clock_timestamp() + make_interval(secs => ${leaseSeconds}::int),
        "timeoutAt" = clock_timestamp() + make_interval(secs => t."timeoutSeconds"),
        "isLimited" = picked.limited, "startedAt" = COALESCE(t."startedAt", clock_timestamp()),
        fraction = NULL, message = NULL, "progressAt" = NULL, error = NULL
      FROM picked WHERE t.id = picked.id AND t.status = 'QUEUED'
      RETURNING t.*, picked.place),
    attempt AS (
      INSERT INTO "JobAttempt" ("jobId", number, "organizationId", "serviceId", worker, "claimId", place, fence, "startedAt")
      SELECT id, attempt, "organizationId", "serviceId", worker, ${claimId}, place, fence, "updatedAt" FROM moved),
    ${told(Prisma.sql`${JSON.stringify(actor)}::jsonb`, [
      { kind: 'CLAIMED', changes: [statusChange('QUEUED', 'RUNNING')] },
    ])},
    ${counted('QUEUED', 'RUNNING')}
    SELECT ${jobColumns('moved')}, moved.parameters, true AS "isNew" FROM moved
    UNION ALL
    SELECT ${jobColumns('j')}, j.parameters, false FROM again
    JOIN "Job" AS j ON j.id = again."jobId" AND j.attempt = again.number AND j.status = 'RUNNING'
      AND j."serviceId" = ANY(${services})
    ORDER BY priority DESC, serial`
}
