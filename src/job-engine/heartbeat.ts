import type { Platform } from '../context.ts'
import { Prisma } from '../generated/prisma/client.ts'
import type { Actor } from '../kit/actor.ts'
import { JOB_STREAM, SERVICE_JOBS_STREAM } from './job.ts'
import { writeEvents } from './record.ts'
import { isInStatus, isOfOneOf } from './row.ts'

/** One beat for one held job. */
export interface Beat {
  readonly jobId: string
  readonly fence: string
  readonly fraction?: number | null | undefined
  readonly message?: string | null | undefined
}

/** A lease that is still held. */
export interface HeldLease {
  readonly id: string
  readonly fence: string
  readonly serviceId: string
  readonly organizationId: string
  readonly leaseExpiresAt: Date | null
  readonly cancelRequested: boolean
  readonly hasProgressed: boolean
}

/**
 * Extends the leases that are still held, and notes how far their jobs are, with one statement for all of them. A
 * beat that says nothing new of a job is no event of it.
 */
export async function beat(
  { database, hub }: Pick<Platform, 'database' | 'hub'>,
  organizationIds: readonly string[],
  actor: Actor,
  beats: readonly Beat[],
): Promise<HeldLease[]> {
  const column = <T>(of: (one: Beat) => T): T[] => beats.map(of)
  const progress = Prisma.sql`jsonb_build_array(
    jsonb_build_object('field', 'fraction', 'to', moved.fraction),
    jsonb_build_object('field', 'message', 'to', moved.message))`
  const held = await database.query<HeldLease>(
    Prisma.sql`
      WITH beats AS MATERIALIZED (
        SELECT b.*, b.fraction IS NOT NULL OR b.message IS NOT NULL AS "hasProgressed"
        FROM unnest(${column(({ jobId }) => jobId)}::uuid[], ${column(({ fence }) => fence)}::text[],
          ${column(({ fraction }) => fraction ?? null)}::float8[], ${column(({ message }) => message ?? null)}::text[])
          AS b(id, fence, fraction, message)),
      -- in one order whoever sends them, so that no two of these wait for each other
      mine AS MATERIALIZED (
        SELECT t.id FROM "Job" AS t
        WHERE t.id IN (SELECT id FROM beats) AND ${isInStatus('t', 'RUNNING')}
          AND ${isOfOneOf('t', organizationIds)}
        ORDER BY t.id FOR UPDATE),
      beaten AS (
        UPDATE "Job" AS t SET
          "leaseExpiresAt" = clock_timestamp() + make_interval(secs => t."leaseSeconds"),
          fraction = COALESCE(b.fraction, t.fraction), message = COALESCE(b.message, t.message),
          "progressAt" = CASE WHEN b."hasProgressed" THEN clock_timestamp() ELSE t."progressAt" END,
          revision = t.revision + CASE WHEN b."hasProgressed" THEN 1 ELSE 0 END,
          "updatedAt" = GREATEST(t."updatedAt", clock_timestamp())
        FROM beats AS b JOIN mine ON mine.id = b.id
        WHERE t.id = b.id AND t.fence = b.fence AND ${isInStatus('t', 'RUNNING')}
        RETURNING t.*, b."hasProgressed"),
      moved AS (SELECT * FROM beaten WHERE "hasProgressed"),
      ${writeEvents(Prisma.sql`${JSON.stringify(actor)}::jsonb`, [{ kind: 'PROGRESS', changesSql: progress }])}
      SELECT id, fence, "serviceId", "organizationId", "leaseExpiresAt",
        "cancelRequestedAt" IS NOT NULL AS "cancelRequested", "hasProgressed" FROM beaten`,
    { name: 'beat' },
  )
  for (const { id, serviceId, hasProgressed } of held)
    if (hasProgressed) {
      hub.hint(JOB_STREAM, id)
      hub.hint(SERVICE_JOBS_STREAM, serviceId)
    }
  return held
}
