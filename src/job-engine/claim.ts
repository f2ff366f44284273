import type { Platform } from '../context.ts'
import { Prisma, type Job } from '../generated/prisma/client.ts'
import { credentialOf, type Actor } from '../kit/actor.ts'
import { writeCounters, statusChange, advanceBy, writeEvents } from './record.ts'
import { jobColumns, leaseColumns } from './columns.ts'
import { isInStatus, type JobRow } from './row.ts'
import { publishJobs } from './publish.ts'

/** A queue that is claimed from, as far as the statement depends on it. */
export interface ClaimedQueue {
  readonly id: string
  readonly concurrency: number | null
  readonly hasLanes: boolean
}

/**
 * Whether a queue has neither a limit nor lanes. A claim from such a one alone sees for itself that it is still so and,
 * where its jobs end with it, that it was not deleted.
 */
export const isPlain = ({ concurrency, hasLanes }: ClaimedQueue): boolean =>
  concurrency === null && !hasLanes

/**
 * The order of a queue: a job that somebody waits for goes before the others of its priority. Within a lane it does
 * not: there what was submitted first may be what the next relies on.
 */
const order = (alias?: string): Prisma.Sql => {
  const of = alias === undefined ? '' : `${alias}.`
  return Prisma.raw(`${of}priority DESC, ${of}"isAwaited" DESC, ${of}serial`)
}

/** A wish for jobs; two with the same `claimId` are one. */
export interface Claim {
  /** All of one organization. */
  readonly organizationId: string
  readonly queues: readonly ClaimedQueue[]
  readonly worker: string
  readonly actor: Actor
  readonly claimId: string
  readonly max: number
  /** Null: no lease. */
  readonly leaseSeconds: number | null
  /** What else the jobs are to have. */
  readonly more?: MoreColumns
}

/** Columns that a lease has besides those of every lease: all there are, or some. */
export interface MoreColumns {
  /** Tells statements apart by their names. */
  readonly key: string
  readonly names: readonly (keyof Job)[] | 'all'
}

/**
 * A job that the worker may work on, under this fence, until the lease expires: as much of it as every worker asks
 * for, because a claim is the busiest statement there is.
 */
export type Lease = Pick<JobRow, (typeof leaseColumns)[number]> & {
  readonly parameters: string | null
  readonly fence: string
}

const columnsOf = (alias: string, { names }: MoreColumns): Prisma.Sql =>
  names === 'all'
    ? Prisma.sql`${jobColumns(alias)}, ${Prisma.raw(alias)}.parameters`
    : jobColumns(alias, [...new Set([...leaseColumns, ...names])])

const noMore: MoreColumns = { key: 'lean', names: [] }

/** How often a claim is tried that another of the same moment ran into. */
const TRIES = 5

/**
 * Takes queued jobs: by priority, of one priority those first that somebody waits for, then in the order they were
 * submitted. One statement, which
 *
 * - takes jobs without a lane and, where there are lanes, of each the first when none of it runs;
 * - locks the rows of services with a limit, and no others, and counts what they run now;
 * - skips what another claim has locked: two claims never wait for each other but for a limit.
 *
 * A claim that was granted before, also one of the same moment, is refused by a unique index, and so are two on one
 * lane: then, and when there is nothing to take, it is looked up what it was given.
 */
export async function claimOnce(platform: Platform, claim: Claim): Promise<Lease[]> {
  for (let n = 1; ; n += 1) {
    try {
      const rows = await take(platform, claim)
      if (rows.length > 0) return rows
      return await claimedBefore(platform, claim)
    } catch (cause) {
      if (n >= TRIES || !isTaken(cause)) throw cause
      const before = await claimedBefore(platform, claim)
      if (before.length > 0) return before
      if (await isGranted(platform, claim)) return [] // and all of it is done
    }
  }
}

/** A unique index has refused it, or two of them waited for each other. */
const isTaken = (cause: unknown): boolean =>
  typeof cause === 'object' &&
  cause !== null &&
  'code' in cause &&
  (cause.code === '23505' || cause.code === '40P01')

/** What a claim was given and its worker still holds: whoever else names the same claim gets nothing by it. */
const claimedBefore = (
  { database }: Pick<Platform, 'database'>,
  { organizationId, claimId, actor, more = noMore }: Claim,
): Promise<Lease[]> =>
  database.query(
    Prisma.sql`
      SELECT ${columnsOf('j', more)} FROM "JobAttempt" AS a
      JOIN "Job" AS j ON j.id = a."jobId" AND j.attempt = a.number AND ${isInStatus('j', 'RUNNING')}
      WHERE a."organizationId" = ${organizationId}::uuid AND a."claimId" = ${claimId}
        AND j."heldBy" IS NOT DISTINCT FROM ${credentialOf(actor)} ORDER BY a.place`,
    { name: `claimed-before-${more.key}` },
  )

async function isGranted(
  { database }: Pick<Platform, 'database'>,
  { organizationId, claimId }: Claim,
): Promise<boolean> {
  const rows = await database.query(Prisma.sql`
    SELECT 1 FROM "JobAttempt"
    WHERE "organizationId" = ${organizationId}::uuid AND "claimId" = ${claimId} LIMIT 1`)
  return rows.length > 0
}

async function take(platform: Platform, claim: Claim): Promise<Lease[]> {
  const { organizationId, worker, actor, claimId, leaseSeconds, more = noMore } = claim
  const { name, picked } = picking(claim)
  const rows = await platform.database.query<Lease>(
    Prisma.sql`
      WITH RECURSIVE ${picked},
      moved AS (
        UPDATE "Job" AS t SET ${advanceBy(1)}, status = 'RUNNING', attempt = t.attempt + 1, worker = ${worker},
          "heldBy" = ${credentialOf(actor)}, fence = (t.attempt + 1) || '.' || replace(left(gen_random_uuid()::text, 18), '-', ''),
          "leaseSeconds" = ${leaseSeconds}::int,
          "leaseExpiresAt" = clock_timestamp() + make_interval(secs => ${leaseSeconds}::int),
          "timeoutAt" = clock_timestamp() + make_interval(secs => t."timeoutSeconds"),
          "isLimited" = picked.limited, "startedAt" = COALESCE(t."startedAt", clock_timestamp()),
          fraction = NULL, message = NULL, "progressAt" = NULL, error = NULL
        FROM picked WHERE t.id = picked.id AND ${isInStatus('t', 'QUEUED')}
        RETURNING t.*),
      attempt AS (
        INSERT INTO "JobAttempt" ("jobId", number, "organizationId", "serviceId", worker, "claimId", place, fence, "startedAt")
        SELECT id, attempt, ${organizationId}::uuid, "serviceId", worker, ${claimId},
          row_number() OVER (ORDER BY ${order()}), fence, "updatedAt" FROM moved),
      ${writeEvents(Prisma.sql`${JSON.stringify(actor)}::jsonb`, [
        { kind: 'CLAIMED', changes: [statusChange('QUEUED', 'RUNNING')] },
      ])},
      ${writeCounters('QUEUED', 'RUNNING')}
      SELECT ${columnsOf('moved', more)} FROM moved ORDER BY ${order()}`,
    { name: `${name}-${more.key}` },
  )
  publishJobs(platform, rows)
  return rows
}

/** "readyAt" is kept to the millisecond, and may have been rounded up. */
const isDue = Prisma.sql`j."readyAt" <= now() + interval '1 millisecond'`

/**
 * The CTE `picked` (id, limited). Statements differ by what their queues have, because most have nothing: to plan
 * what is not there costs more than to do the rest.
 */
function picking({ queues, max }: Claim): { name: string; picked: Prisma.Sql } {
  const [only, ...others] = queues
  // written out: the plan of a limit that is not known is so much worse that it would be made anew every time
  const limit = Prisma.raw(String(Math.trunc(max)))
  if (only !== undefined && others.length === 0 && isPlain(only))
    return {
      name: `claim-${max}`,
      picked: Prisma.sql`
        picked AS (
          SELECT j.id, false AS limited FROM "Job" AS j
          WHERE j."serviceId" = ${only.id}::uuid AND j.status = 'QUEUED' AND j.lane IS NULL AND ${isDue}
            AND EXISTS (
              SELECT FROM "Service" AS s WHERE s.id = ${only.id}::uuid AND s.concurrency IS NULL
                AND NOT s."hasLanes" AND (s."deletedAt" IS NULL OR s.kind <> 'QUEUE'))
          ORDER BY ${order('j')} LIMIT ${limit} FOR UPDATE SKIP LOCKED)`,
    }
  const hasLanes = queues.some((queue) => queue.hasLanes)
  const isLimited = queues.some(({ concurrency }) => concurrency !== null)
  const services = Prisma.sql`${queues.map(({ id }) => id)}::uuid[]`
  const room = isLimited
    ? Prisma.sql`
      gate AS (
        SELECT id, concurrency FROM "Service" WHERE id = ANY(${services}) AND concurrency IS NOT NULL
        ORDER BY id FOR NO KEY UPDATE),
      room AS (
        SELECT s.id, gate.id IS NOT NULL AS limited,
          LEAST(${max}::int, COALESCE(gate.concurrency - "runningJobs"(gate.id), ${max}::int)) AS free
        FROM unnest(${services}) AS s(id) LEFT JOIN gate ON gate.id = s.id)`
    : Prisma.sql`
      room AS (SELECT s.id, false AS limited, ${max}::int AS free FROM unnest(${services}) AS s(id))`
  const free = Prisma.sql`
    SELECT * FROM (
      SELECT j.id, j."serviceId", j.priority, j."isAwaited", j.serial FROM "Job" AS j
      WHERE j."serviceId" = room.id AND j.status = 'QUEUED' AND j.lane IS NULL AND ${isDue}
      ORDER BY ${order('j')} LIMIT GREATEST(room.free, 0) FOR UPDATE SKIP LOCKED) AS free`
  return {
    name: `claim${others.length > 0 ? '-many' : ''}${isLimited ? '-limited' : ''}${hasLanes ? '-lanes' : ''}`,
    picked: Prisma.sql`
      ${room},
      ${hasLanes ? lanes : Prisma.empty}
      candidates AS (
        SELECT c.*, room.limited, room.free,
          row_number() OVER (PARTITION BY c."serviceId" ORDER BY ${order('c')}) AS nth
        FROM room CROSS JOIN LATERAL (${free} ${hasLanes ? laned : Prisma.empty}) AS c),
      picked AS (
        SELECT id, limited FROM candidates WHERE nth <= free ORDER BY ${order()} LIMIT ${max}::int)`,
  }
}

/** Of each lane the first, when none of it runs. Lanes are found by leaping from one to the next, not by their jobs. */
const lanes = Prisma.sql`
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
      WHERE r."serviceId" = lanes.service AND r.lane = lanes.lane AND r.status = 'RUNNING')),`

const laned = Prisma.sql`
  UNION ALL
  SELECT * FROM (
    SELECT j.id, j."serviceId", j.priority, j."isAwaited", j.serial FROM "Job" AS j
    WHERE j.id IN (SELECT id FROM firsts WHERE firsts."serviceId" = room.id) AND ${isInStatus('j', 'QUEUED')}
    ORDER BY ${order('j')} LIMIT GREATEST(room.free, 0) FOR UPDATE SKIP LOCKED) AS laned`
