import type { Database } from '../db/database.ts'
import { Prisma } from '../generated/prisma/client.ts'

/** Jobs of a service by status now. */
export interface JobCounts {
  readonly queued: bigint
  readonly running: bigint
  readonly succeeded: bigint
  readonly failed: bigint
  readonly canceled: bigint
  /** When the oldest that waits was submitted. */
  readonly oldestQueuedAt: Date | null
}

/** Of services without jobs. */
export const NO_JOBS: JobCounts = {
  queued: 0n,
  running: 0n,
  succeeded: 0n,
  failed: 0n,
  canceled: 0n,
  oldestQueuedAt: null,
}

/** From the counters that moves keep, so that no job is read, whatever their number. */
export async function countsOf(
  database: Database,
  serviceIds: readonly string[],
): Promise<Map<string, JobCounts>> {
  const rows = await database.query<JobCounts & { id: string }>(
    Prisma.sql`
      SELECT c."serviceId" AS id, sum(queued)::bigint AS queued, sum(running)::bigint AS running,
        sum(succeeded)::bigint AS succeeded, sum(failed)::bigint AS failed, sum(canceled)::bigint AS canceled,
        (SELECT min(j."createdAt") FROM "Job" AS j
         WHERE j."serviceId" = c."serviceId" AND j.status = 'QUEUED' AND j."createdAt" > '-infinity') AS "oldestQueuedAt"
      FROM "JobTally" AS c WHERE c."serviceId" = ANY(${[...serviceIds]}::uuid[]) GROUP BY c."serviceId"`,
    { name: 'job-counts' },
  )
  return new Map(rows.map(({ id, ...counts }) => [id, counts]))
}
