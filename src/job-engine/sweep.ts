import { Prisma } from '../generated/prisma/client.ts'
import { system } from '../kit/actor.ts'
import type { JobError } from './job.ts'
import {
  afterBackoff,
  hasAttemptsLeft,
  isNotToEnd,
  isToEnd,
  move,
  withError,
  type Store,
} from './move.ts'
import { statusChange } from './record.ts'
import type { JobRow } from './row.ts'

/** How many jobs one statement takes from their workers. */
const AT_A_TIME = 500

/**
 * The jobs of `t` that fulfil a condition, at most so many, leaving alone what another sweep has locked: any number
 * of servers may sweep at once. Running jobs are as many as there is room in workers, so they are looked through, and
 * once: of an array that is known first, where a join might look through them again for each.
 */
const some = (condition: Prisma.Sql): Prisma.Sql => Prisma.sql`
  t.id = ANY(ARRAY(SELECT t.id FROM "Job" AS t WHERE t.status = 'RUNNING' AND ${condition}
    LIMIT ${AT_A_TIME}::int FOR UPDATE SKIP LOCKED)) AND ${condition}`

const isSilent = Prisma.sql`t."leaseExpiresAt" <= now()`
const isTooLong = Prisma.sql`t."timeoutAt" <= now()`
const isDeaf = Prisma.sql`(t.deadline <= now() OR ${isSilent})`

const lost: JobError = { kind: 'LOST', message: 'Its worker fell silent: the lease expired.' }
const timedOut: JobError = { kind: 'TIMED_OUT', message: 'It took longer than it may.' }

const failing = (error: JobError): Prisma.Sql => Prisma.sql`error = ${JSON.stringify(error)}::jsonb`

/**
 * Takes jobs from workers that have fallen silent, do not heed a cancellation, or have taken too long, all by the
 * clock of the database. Answers how many leases were lost.
 */
export async function sweepLeases(store: Store): Promise<{ moved: number; lost: number }> {
  const actor = system
  const canceled = await move(store, {
    name: 'sweep-canceled',
    from: 'RUNNING',
    to: 'CANCELED',
    where: some(Prisma.sql`${isToEnd} AND ${isDeaf}`),
    actor,
    outcome: 'CANCELED',
    events: [
      {
        kind: 'CANCELED',
        changes: [statusChange('RUNNING', 'CANCELED')],
        message: 'its worker did not heed the request',
      },
    ],
  })
  const late = await sweep(store, 'late', isTooLong, timedOut)
  const silent = await sweep(store, 'silent', isSilent, lost)
  return { moved: canceled.length + late.length + silent.length, lost: silent.length }
}

/** Queues jobs again while attempts are left, and fails the others. */
async function sweep(
  store: Store,
  name: string,
  condition: Prisma.Sql,
  error: JobError,
): Promise<JobRow[]> {
  const isLost = error.kind === 'LOST'
  const actor = system
  const outcome = isLost ? ('LOST' as const) : ('TIMED_OUT' as const)
  const before = isLost ? [{ kind: 'LOST' as const }] : []
  // whoever was lost waits no longer: it was the worker's fault; what took too long will again
  const readyAt = isLost ? Prisma.sql`clock_timestamp()` : afterBackoff
  const again = await move(store, {
    name: `sweep-${name}-again`,
    from: 'RUNNING',
    to: 'QUEUED',
    where: some(Prisma.sql`${condition} AND ${isNotToEnd} AND ${hasAttemptsLeft}`),
    set: Prisma.sql`${failing(error)}, "readyAt" = ${readyAt}`,
    actor,
    outcome,
    events: [
      ...before,
      { kind: 'REQUEUED', changesSql: withError(statusChange('RUNNING', 'QUEUED')) },
    ],
  })
  const failed = await move(store, {
    name: `sweep-${name}-failed`,
    from: 'RUNNING',
    to: 'FAILED',
    where: some(Prisma.sql`${condition} AND ${isNotToEnd} AND NOT ${hasAttemptsLeft}`),
    set: failing(error),
    actor,
    outcome,
    events: [
      ...before,
      { kind: 'FAILED', changesSql: withError(statusChange('RUNNING', 'FAILED')) },
    ],
  })
  return [...again, ...failed]
}

/**
 * Ends the leases of a worker of ours that is known to be dead, so that the next sweep finds them expired. Only what
 * no credential has claimed is a server's, whatever name a worker has given itself.
 */
export const expireLeases = (
  { database }: Pick<Store, 'database'>,
  worker: string,
): Promise<object[]> =>
  database.query(Prisma.sql`
    UPDATE "Job" AS t SET "leaseExpiresAt" = now()
    WHERE t.status = 'RUNNING' AND t.worker = ${worker} AND t."heldBy" IS NULL AND t."leaseExpiresAt" > now()`)

/** How many deleted services have their jobs ended by one statement. */
const SERVICES_AT_A_TIME = 100

/**
 * Ends the jobs of services that were deleted: nobody will ever claim them. Answers how many. There are hardly ever
 * any, so it is looked first, with one leap into an index for each such service, however many jobs wait elsewhere.
 */
export async function sweepOrphans(store: Store): Promise<number> {
  const services = await store.database.query<{ id: string }>(
    Prisma.sql`
      SELECT s.id FROM "Service" AS s CROSS JOIN LATERAL (
        SELECT FROM "Job" AS o WHERE o."serviceId" = s.id AND o.status = 'QUEUED' LIMIT 1) AS orphan
      WHERE s."deletedAt" IS NOT NULL LIMIT ${SERVICES_AT_A_TIME}::int`,
    { name: 'services-of-orphans' },
  )
  if (services.length === 0) return 0
  const ids = services.map(({ id }) => id)
  const rows = await move(store, {
    name: 'sweep-orphans',
    from: 'QUEUED',
    to: 'CANCELED',
    where: Prisma.sql`t.id = ANY(ARRAY(
      SELECT o.id FROM "Job" AS o WHERE o."serviceId" = ANY(${ids}::uuid[]) AND o.status = 'QUEUED'
      LIMIT ${AT_A_TIME}::int FOR UPDATE SKIP LOCKED))`,
    set: Prisma.sql`"cancelRequestedAt" = clock_timestamp()`,
    actor: system,
    events: [
      {
        kind: 'CANCELED',
        changes: [statusChange('QUEUED', 'CANCELED')],
        message: 'its service was deleted',
      },
    ],
  })
  return rows.length
}
