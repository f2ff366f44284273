import { annotatedAlong, annotationChanges, type AnnotationInput } from '../addresses/index.ts'
import { Prisma } from '../generated/prisma/client.ts'
import { credentialOf, type Actor } from '../kit/actor.ts'
import { AUDIT, effectColumns, type FieldChange } from '../streams/index.ts'
import type { JobStatus } from './job.ts'
import type { Store } from './move.ts'
import { writeCounters, setEnded, advanceBy, writeEvents } from './record.ts'
import type { KeptValue } from './report.ts'
import { jobColumns } from './columns.ts'
import type { JobRow } from './row.ts'
import { publishJobs } from './publish.ts'

/** What is set outside the usual course. */
export interface Amendment {
  /** Undefined leaves the status. */
  readonly status?: JobStatus | undefined
  /** Undefined leaves the result. */
  readonly result?: KeptValue | undefined
  readonly annotations?: readonly AnnotationInput[] | null | undefined
  readonly reason?: string | null | undefined
  readonly actor: Actor
}

/**
 * Sets the status and the result of a job as it was read; undefined when its state or its attempt is another since.
 * Whoever works on it has lost it, unless nothing but annotations is set. What runs from now on is an attempt without a
 * lease; what is put back into the queue has its old place, and all its attempts again.
 */
export async function amend(
  store: Store,
  job: JobRow,
  { status, result, annotations, reason, actor }: Amendment,
): Promise<JobRow | undefined> {
  const to = status ?? job.status
  const changes: FieldChange[] = [
    ...(job.status === to ? [] : [{ field: 'status', from: job.status, to }]),
    ...(result === undefined ? [] : [{ field: 'result' }]),
    ...annotationChanges(annotations),
  ]
  const isEntered = enters(job, status, result)
  const kept =
    result === undefined
      ? Prisma.empty
      : Prisma.sql`, result = ${result.text}, "resultKey" = ${result.key}`
  const [row] = await store.database.query<JobRow>(Prisma.sql`
    WITH moved AS (
      UPDATE "Job" AS t SET ${advanceBy(1)}, status = ${to}::"JobStatus" ${kept}
        ${isEntered ? Prisma.sql`, ${entering(store, to, actor)}` : Prisma.empty}
      WHERE t.id = ${job.id}::uuid AND ${isAsRead(job)} ${result === undefined ? Prisma.empty : Prisma.sql`AND ${hasResultAsRead(job)}`}
      RETURNING t.*),
    ended AS (
      UPDATE "JobAttempt" AS a SET outcome = ${outcome(to)}, "finishedAt" = moved."updatedAt" FROM moved
      WHERE ${isEntered} AND a."jobId" = moved.id AND a.number = ${job.attempt}::int AND a.outcome IS NULL),
    begun AS (
      INSERT INTO "JobAttempt" ("jobId", number, "organizationId", "serviceId", worker, fence, "startedAt")
      SELECT id, attempt, "organizationId", "serviceId", worker, fence, "updatedAt" FROM moved
      WHERE ${to === 'RUNNING' && isEntered}),
    ${writeEvents(Prisma.sql`${JSON.stringify(actor)}::jsonb`, [
      { kind: 'AMENDED', changes, message: reason ?? null },
    ])},
    ${writeCounters(job.status, to)},
    ${annotations?.length ? Prisma.sql`${annotatedAlong(annotations)},` : Prisma.empty}
    act AS (
      INSERT INTO "AuditEntry" ("organizationId", actor, action, subject, changes, "callId", "callPart")
      SELECT "organizationId", ${JSON.stringify(actor)}::jsonb, 'amendJob', 'job:' || id,
        ${JSON.stringify(changes)}::jsonb, ${effectColumns(actor)} FROM moved)
    SELECT ${jobColumns('moved')} FROM moved`)
  if (row === undefined) return undefined
  publishJobs(store, [row])
  store.hub.hint(AUDIT, row.organizationId)
  return row
}

/**
 * Whether a job begins its state anew. One that has ended, or waits, goes on as it is when it is given a result; so does
 * one that has ended when it is told so again, and an attempt without a lease.
 */
function enters(
  job: JobRow,
  status: JobStatus | undefined,
  result: KeptValue | undefined,
): boolean {
  if (status === undefined && result === undefined) return false
  if (status !== undefined && status !== job.status) return true
  switch (job.status) {
    case 'QUEUED':
      return status !== undefined
    case 'RUNNING':
      return job.leaseSeconds !== null
    case 'SUCCEEDED':
    case 'FAILED':
    case 'CANCELED':
      return false
  }
}

/** Whether all that the statement takes from the row as it was read is still so; two results do not get in each other's way. */
const isAsRead = ({ status, attempt, leaseSeconds }: JobRow): Prisma.Sql => Prisma.sql`
  t.status = ${status}::"JobStatus" AND t.attempt = ${attempt}::int AND t."leaseSeconds" IS NOT DISTINCT FROM ${leaseSeconds}::int`

/** The value in Storage that a new result takes the place of is let go of afterwards. */
const hasResultAsRead = ({ resultKey }: JobRow): Prisma.Sql => Prisma.sql`
  t."resultKey" IS NOT DISTINCT FROM ${resultKey}::text`

/** How an attempt has ended whose job is put into a state: one that was begun by an amendment is ended by one. */
function outcome(to: JobStatus): Prisma.Sql {
  const claimed = Prisma.sql`'CANCELED'::"AttemptOutcome"`
  return to === 'SUCCEEDED' || to === 'FAILED'
    ? Prisma.sql`CASE WHEN a."claimId" IS NULL THEN ${to}::"AttemptOutcome" ELSE ${claimed} END`
    : claimed
}

/** Sets of a job that is put into a state. */
function entering({ config }: Store, to: JobStatus, actor: Actor): Prisma.Sql {
  // whoever held it before has no say in it any more
  const mine = Prisma.sql`"heldBy" = ${credentialOf(actor)}`
  const open = Prisma.sql`${mine}, "finishedAt" = NULL, "expiresAt" = NULL, "cancelRequestedAt" = NULL,
    "leaseSeconds" = NULL, "leaseExpiresAt" = NULL, deadline = NULL, error = NULL`
  switch (to) {
    case 'QUEUED':
      return Prisma.sql`${open}, "timeoutAt" = NULL, "readyAt" = GREATEST(t."runAfter", now()), spared = t.attempt`
    case 'RUNNING':
      return Prisma.sql`${open}, "timeoutAt" = clock_timestamp() + make_interval(secs => t."timeoutSeconds"),
        attempt = t.attempt + 1, worker = ${actor.name}, "startedAt" = COALESCE(t."startedAt", clock_timestamp()),
        fraction = NULL, message = NULL, "progressAt" = NULL, "isLimited" = EXISTS (
          SELECT FROM "Service" AS s WHERE s.id = t."serviceId" AND s.concurrency IS NOT NULL),
        fence = (t.attempt + 1) || '.' || replace(left(gen_random_uuid()::text, 18), '-', '')`
    case 'SUCCEEDED':
      return Prisma.sql`${setEnded(config.jobRetentionMs)}, ${mine}, error = NULL`
    case 'FAILED':
    case 'CANCELED':
      return Prisma.sql`${setEnded(config.jobRetentionMs)}, ${mine}`
  }
}
