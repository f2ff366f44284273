import type { Platform } from '../context.ts'
import { Prisma } from '../generated/prisma/client.ts'
import { appendLines, type NewLine } from '../streams/index.ts'
import { JOB_LOG_STREAM } from './job.ts'
import { shard } from './record.ts'
import type { Report } from './report.ts'
import { isInStatus, isOfOneOf } from './row.ts'

/**
 * Appends lines to a job's log while the fence is that of the running attempt and the attempt has stored exactly the
 * lines before them; else nothing, and undefined. Answers how many lines the attempt has then.
 */
export async function appendToJob(
  platform: Pick<Platform, 'database' | 'metrics' | 'hub'>,
  { jobId, fence, organizationIds }: Report,
  stored: number,
  lines: readonly Omit<NewLine, 'source'>[],
): Promise<number | undefined> {
  const attempt = Number.parseInt(fence, 10)
  const next = stored + lines.length
  const guard = {
    name: 'attempt',
    // the row of the job is held, so that no line comes after its end
    sql: Prisma.sql`
      UPDATE "JobAttempt" AS a SET lines = ${BigInt(next)}::bigint FROM (
        SELECT t.id FROM "Job" AS t WHERE t.id = ${jobId}::uuid AND ${isInStatus('t', 'RUNNING')} AND t.fence = ${fence}
          AND ${isOfOneOf('t', organizationIds)} FOR SHARE) AS j
      WHERE a."jobId" = j.id AND a.number = ${attempt}::int AND a.lines = ${BigInt(stored)}::bigint
      RETURNING a."serviceId", a."organizationId"`,
    // after the head, as whatever removes lines does it: two that meet wait in one order
    along: (bytes: bigint) => Prisma.sql`
      counters AS (
        INSERT INTO "JobTally" AS c ("serviceId", shard, "organizationId", "logBytes")
        SELECT guard."serviceId", ${shard}, guard."organizationId", ${bytes}::bigint FROM guard, head
        ON CONFLICT ("serviceId", shard) DO UPDATE SET "logBytes" = c."logBytes" + excluded."logBytes")`,
  }
  const logged = lines.map((line) => ({ ...line, source: 'WORKER' as const }))
  const head = await appendLines(platform, jobId, logged, { attempt, guard })
  if (head === undefined) return undefined
  platform.hub.hint(JOB_LOG_STREAM, jobId)
  return next
}
