import { Prisma } from '../generated/prisma/client.ts'
import type { AttemptOutcome } from '../generated/prisma/enums.ts'
import type { FieldChange } from '../streams/index.ts'
import type { JobEventKind, JobStatus } from './job.ts'

/**
 * What a move writes besides the rows of the jobs it moves: CTEs that read the CTE `moved`, so that all of it is one
 * statement. `moved` has the columns of "Job" and has raised `revision` by the number of events.
 */

/** Sets that every move shares: `count` events are about to be written. */
export const advanceBy = (count: number): Prisma.Sql => Prisma.sql`
  revision = t.revision + ${Prisma.raw(String(count))}, "updatedAt" = GREATEST(t."updatedAt", clock_timestamp())`

/** One event of a move; SQL where it differs from job to job. */
export interface MoveEvent {
  readonly kind: JobEventKind
  readonly changes?: readonly FieldChange[]
  /** Instead of `changes`: an expression over `moved`. */
  readonly changesSql?: Prisma.Sql
  readonly message?: string | null
}

const STATUSES: Readonly<Record<JobStatus, Prisma.Sql>> = {
  QUEUED: Prisma.sql`queued`,
  RUNNING: Prisma.sql`running`,
  SUCCEEDED: Prisma.sql`succeeded`,
  FAILED: Prisma.sql`failed`,
  CANCELED: Prisma.sql`canceled`,
}

/** A change of the status, as events say it: the events of a job, applied in order, give its row. */
export const statusChange = (from: JobStatus | undefined, to: JobStatus): FieldChange =>
  from === undefined ? { field: 'status', to } : { field: 'status', from, to }

/** The events of the jobs in `moved`, the last of which has the number `revision`. */
export function writeEvents(actor: Prisma.Sql, events: readonly MoveEvent[]): Prisma.Sql {
  const count = Prisma.raw(String(events.length))
  const rows = events.map(({ kind, changes = [], changesSql, message = null }, place) => {
    const list = changesSql ?? Prisma.sql`${JSON.stringify(changes)}::jsonb`
    return Prisma.sql`
      SELECT moved.id, moved.revision - ${count} + ${Prisma.raw(String(place + 1))}, moved."serviceId",
        moved."updatedAt", ${Prisma.raw(`'${kind}'`)}::text, ${actor}, ${list}, NULLIF(moved.attempt, 0), ${message}::text
      FROM moved`
  })
  return Prisma.sql`
    events AS (
      INSERT INTO "JobEvent" ("jobId", number, "serviceId", at, kind, actor, changes, attempt, message)
      ${Prisma.join(rows, ' UNION ALL ')})`
}

/** Whose shard of the counters a connection writes: two of them seldom meet on a row. */
export const shard = Prisma.sql`pg_backend_pid() % 16`

/** The counters of the services of the jobs in `moved`, which were in `from` before. */
export function writeCounters(from: JobStatus | undefined, to: JobStatus): Prisma.Sql {
  if (from === to) return Prisma.sql`counters AS (SELECT 1)`
  const columns = (from === undefined ? [to] : [from, to]).map((status) => STATUSES[status])
  const deltas = from === undefined ? Prisma.sql`count(*)` : Prisma.sql`-count(*), count(*)`
  const sums = columns.map((name) => Prisma.sql`${name} = c.${name} + excluded.${name}`)
  return Prisma.sql`
    counters AS (
      INSERT INTO "JobTally" AS c ("serviceId", shard, "organizationId", ${Prisma.join(columns)})
      SELECT "serviceId", ${shard}, "organizationId", ${deltas}
      FROM moved GROUP BY "serviceId", "organizationId" ORDER BY "serviceId"
      ON CONFLICT ("serviceId", shard) DO UPDATE SET ${Prisma.join(sums)})`
}

/** How the running attempts of the jobs in `moved` ended. */
export const endAttempts = (outcome: AttemptOutcome): Prisma.Sql => Prisma.sql`
  attempts AS (
    UPDATE "JobAttempt" AS a SET outcome = ${Prisma.raw(`'${outcome}'`)}::"AttemptOutcome",
      "finishedAt" = moved."updatedAt", error = CASE WHEN ${Prisma.raw(String(outcome === 'SUCCEEDED'))} THEN NULL ELSE moved.error END
    FROM moved WHERE a."jobId" = moved.id AND a.number = moved.attempt AND a.outcome IS NULL)`

/** Sets of a job that ends, and until when it is kept: as long as it says, else as long as the server keeps jobs. */
export const setEnded = (retentionMs: number): Prisma.Sql => Prisma.sql`
  "leaseExpiresAt" = NULL, "timeoutAt" = NULL, deadline = NULL, "finishedAt" = clock_timestamp(),
  "expiresAt" = clock_timestamp() + make_interval(secs => COALESCE(t."retainSeconds", NULLIF(${retentionMs / 1000}::float8, 0)))`
