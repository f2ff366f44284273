import type { Platform } from '../context.ts'
import { Prisma } from '../generated/prisma/client.ts'
import { shard } from './record.ts'
import { numberEvents } from './numbering.ts'

/** How many jobs, and how many events of one service, one statement removes. */
const JOBS_AT_A_TIME = 500
const EVENTS_AT_A_TIME = 10_000

interface Removed {
  readonly parametersKey: string | null
  readonly resultKey: string | null
}

/**
 * Removes jobs that have expired, with their attempts, names, logs and what Storage has of them; answers how many.
 * Their events stay in the stream of their service as long as events are kept, so that it has no hole.
 */
export async function removeExpired({
  database,
  storage,
  metrics,
}: Pick<Platform, 'database' | 'storage' | 'metrics'>): Promise<number> {
  const rows = await database.query<Removed>(
    Prisma.sql`
      WITH due AS (
        SELECT id FROM "Job" WHERE "expiresAt" <= now() ORDER BY "expiresAt" LIMIT ${JOBS_AT_A_TIME}::int
        FOR UPDATE SKIP LOCKED),
      gone AS (DELETE FROM "Job" AS j USING due WHERE j.id = due.id RETURNING j.*),
      attempts AS (DELETE FROM "JobAttempt" AS a USING gone WHERE a."jobId" = gone.id),
      addresses AS (DELETE FROM "Address" AS a USING gone WHERE a."objectId" = gone.id),
      annotations AS (DELETE FROM "Annotation" AS a USING gone WHERE a."objectId" = gone.id),
      heads AS (DELETE FROM "LogHead" AS h USING gone WHERE h.stream = gone.id RETURNING h.stream, h.bytes),
      lines AS (DELETE FROM "LogLine" AS l USING gone WHERE l.stream = gone.id),
      counters AS (
        INSERT INTO "JobTally" AS c ("serviceId", shard, "organizationId", succeeded, failed, canceled, "logBytes")
        SELECT "serviceId", ${shard}, "organizationId", -count(*) FILTER (WHERE status = 'SUCCEEDED'),
          -count(*) FILTER (WHERE status = 'FAILED'), -count(*) FILTER (WHERE status = 'CANCELED'),
          -COALESCE(sum(heads.bytes), 0)
        FROM gone LEFT JOIN heads ON heads.stream = gone.id GROUP BY "serviceId", "organizationId" ORDER BY "serviceId"
        ON CONFLICT ("serviceId", shard) DO UPDATE SET succeeded = c.succeeded + excluded.succeeded,
          failed = c.failed + excluded.failed, canceled = c.canceled + excluded.canceled,
          "logBytes" = c."logBytes" + excluded."logBytes")
      SELECT "parametersKey", "resultKey" FROM gone`,
    { name: 'remove-expired-jobs' },
  )
  for (const { parametersKey, resultKey } of rows)
    for (const key of [parametersKey, resultKey]) if (key !== null) await storage.delete(key)
  metrics.count('millrace_retention_removed_rows_total', rows.length, { table: 'jobs' })
  return rows.length
}

/** Removes events of jobs that are older than is kept, from the beginning of each stream; answers how many. */
export async function removeOldEvents({
  database,
  config: { eventRetentionMs },
  metrics,
}: Pick<Platform, 'database' | 'config' | 'metrics'>): Promise<number> {
  if (eventRetentionMs === 0) return 0
  const isOld = Prisma.sql`at < now() - make_interval(secs => ${eventRetentionMs / 1000}::float8)`
  const unread = await database.query<{ id: string }>(Prisma.sql`
    SELECT DISTINCT "serviceId" AS id FROM "JobEvent" WHERE place IS NULL AND ${isOld}`)
  // what was never read gets its numbers first, so that whoever holds a cursor learns of the gap
  await numberEvents(
    database,
    unread.map(({ id }) => id),
  )
  const [done] = await database.query<{ events: bigint }>(Prisma.sql`
    WITH until AS (
      SELECT h."serviceId", (
        SELECT max(place) FROM (
          SELECT e.place, e.at FROM "JobEvent" AS e WHERE e."serviceId" = h."serviceId" AND e.place IS NOT NULL
          ORDER BY e.place LIMIT ${EVENTS_AT_A_TIME}::int) AS oldest WHERE ${isOld}) AS place
      FROM "JobEventHead" AS h),
    gone AS (
      DELETE FROM "JobEvent" AS e USING until
      WHERE e."serviceId" = until."serviceId" AND e.place <= until.place RETURNING 1),
    moved AS (
      UPDATE "JobEventHead" AS h SET first = until.place + 1 FROM until
      WHERE h."serviceId" = until."serviceId" AND until.place IS NOT NULL)
    SELECT count(*) AS events FROM gone`)
  const events = Number(done?.events ?? 0)
  metrics.count('millrace_retention_removed_rows_total', events, { table: 'job_events' })
  return events
}
