import { annotatedAlong, annotationChanges, type AnnotationInput } from '../addresses/index.ts'
import { Prisma } from '../generated/prisma/client.ts'
import type { Actor } from '../kit/actor.ts'
import { effectColumns, type Change } from '../streams/index.ts'
import type { JobStatus } from './job.ts'
import type { Store } from './move.ts'
import { counted, ended, step, told } from './record.ts'
import type { KeptValue } from './report.ts'
import { jobColumns, type JobRow } from './row.ts'
import { tellJobs } from './tell.ts'

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
 * Sets the status and the result of a job as it was read; undefined when it has moved on since. Whoever works on it
 * has lost it, unless nothing but annotations is set. What runs from now on is an attempt without a lease; what is
 * queued has all its attempts again.
 */
export async function amend(
  store: Store,
  job: JobRow,
  { status, result, annotations, reason, actor }: Amendment,
): Promise<JobRow | undefined> {
  const to = status ?? job.status
  const changes: Change[] = [
    ...(job.status === to ? [] : [{ field: 'status', from: job.status, to }]),
    ...(result === undefined ? [] : [{ field: 'result' }]),
    ...annotationChanges(annotations),
  ]
  // an attempt that has no lease goes on; any other ends with it
  const goesOn =
    (status === undefined && result === undefined) ||
    (job.status === 'RUNNING' && to === 'RUNNING' && job.leaseSeconds === null)
  const kept =
    result === undefined
      ? Prisma.empty
      : Prisma.sql`, result = ${result.text}, "resultKey" = ${result.key}`
  const [row] = await store.database.query<JobRow>(Prisma.sql`
    WITH moved AS (
      UPDATE "Job" AS t SET ${step(1)}, status = ${to}::"JobStatus" ${kept}
        ${goesOn ? Prisma.empty : Prisma.sql`, ${entering(store, to, actor)}`}
      WHERE t.id = ${job.id}::uuid AND t.revision = ${job.revision}::bigint
      RETURNING t.*),
    ended AS (
      UPDATE "JobAttempt" AS a SET outcome = 'CANCELED', "finishedAt" = moved."updatedAt" FROM moved
      WHERE ${!goesOn} AND a."jobId" = moved.id AND a.number = ${job.attempt}::int AND a.outcome IS NULL),
    begun AS (
      INSERT INTO "JobAttempt" ("jobId", number, "organizationId", "serviceId", worker, fence, "startedAt")
      SELECT id, attempt, "organizationId", "serviceId", worker, fence, "updatedAt" FROM moved
      WHERE ${to === 'RUNNING' && !goesOn}),
    ${told(Prisma.sql`${JSON.stringify(actor)}::jsonb`, [
      { kind: 'AMENDED', changes, message: reason ?? null },
    ])},
    ${counted(job.status, to)},
    ${annotations?.length ? Prisma.sql`${annotatedAlong(annotations)},` : Prisma.empty}
    act AS (
      INSERT INTO "AuditEntry" ("organizationId", actor, action, subject, changes, "callId", "callPart")
      SELECT "organizationId", ${JSON.stringify(actor)}::jsonb, 'amendJob', 'job:' || id,
        ${JSON.stringify(changes)}::jsonb, ${effectColumns(actor)} FROM moved)
    SELECT ${jobColumns('moved')} FROM moved`)
  if (row === undefined) return undefined
  tellJobs(store, [row])
  store.hub.hint('audit', row.organizationId)
  return row
}

/** Sets of a job that is put into a state. */
function entering({ config }: Store, to: JobStatus, { name }: Actor): Prisma.Sql {
  const open = Prisma.sql`"finishedAt" = NULL, "expiresAt" = NULL, "cancelRequestedAt" = NULL,
    "leaseSeconds" = NULL, "leaseExpiresAt" = NULL, deadline = NULL, error = NULL`
  switch (to) {
    case 'QUEUED':
      return Prisma.sql`${open}, "timeoutAt" = NULL, "readyAt" = clock_timestamp(), spared = t.attempt`
    case 'RUNNING':
      return Prisma.sql`${open}, "timeoutAt" = clock_timestamp() + make_interval(secs => t."timeoutSeconds"),
        attempt = t.attempt + 1, worker = ${name}, "startedAt" = COALESCE(t."startedAt", clock_timestamp()),
        fence = (t.attempt + 1) || '.' || replace(left(gen_random_uuid()::text, 18), '-', '')`
    case 'SUCCEEDED':
      return Prisma.sql`${ended(config.jobRetentionMs)}, error = NULL`
    case 'FAILED':
    case 'CANCELED':
      return ended(config.jobRetentionMs)
  }
}
