import type { Config } from '../config.ts'
import type { Database } from '../db/database.ts'
import { Prisma } from '../generated/prisma/client.ts'
import type { Logger } from '../kit/logger.ts'
import { Rounds } from '../kit/rounds.ts'
import { type Metrics, unmeasured } from '../ports/metrics/metrics.ts'

/** How often what is too old is looked for, and how much is removed from one stream at a time. */
const EVERY_MS = 60_000
const AT_A_TIME = 10_000

/**
 * Removes log lines, events and counts of calls that are older, or more, than is kept, and answers whose idempotency
 * keys are free again. A log's `first` moves with the removal, so that readers of what is gone are told of a gap; so
 * do the bytes it holds, and those that its organization has. Any number of servers may do it at once. Answers its end.
 */
export function retention({
  database,
  config,
  log,
  metrics,
}: {
  database: Database
  config: Config
  log: Logger
  metrics: Metrics
}): () => Promise<void> {
  const rounds = new Rounds(
    () => sweepOnce(database, config, metrics),
    (err) => log.warn({ err }, 'could not remove what is older than is kept'),
  ).every(EVERY_MS)
  return () => rounds.close()
}

type RetainedTable = 'log_lines' | 'events' | 'traffic' | 'idempotency'

/** One round over everything; rounds go on until nothing is left to remove. */
export async function sweepOnce(
  database: Database,
  config: Pick<
    Config,
    'logRetentionLines' | 'logRetentionMs' | 'eventRetentionMs' | 'trafficRetentionMs'
  >,
  metrics: Metrics = unmeasured,
): Promise<void> {
  const removed = (rows: number, table: RetainedTable): boolean => {
    metrics.count('millrace_retention_removed_rows_total', rows, { table })
    return rows > 0
  }
  while (removed(await trimLogs(database, config), 'log_lines'));
  while (removed(await trimEvents(database, config.eventRetentionMs), 'events'));
  while (removed(await trimTraffic(database, config.trafficRetentionMs), 'traffic'));
  while (removed(await trimCalls(database), 'idempotency'));
}

async function trimLogs(
  database: Database,
  { logRetentionLines, logRetentionMs }: Pick<Config, 'logRetentionLines' | 'logRetentionMs'>,
): Promise<number> {
  const [done] = await database.query<{ lines: bigint }>(Prisma.sql`
    WITH due AS (
      SELECT h.stream, h.first, LEAST(h.first + ${AT_A_TIME}::int, GREATEST(
        CASE WHEN ${logRetentionLines}::bigint > 0 THEN h.head - ${logRetentionLines}::bigint + 1 ELSE 0 END,
        CASE WHEN ${logRetentionMs}::float8 > 0 THEN (
          SELECT max(l.number) + 1 FROM "LogLine" AS l
          WHERE l.stream = h.stream AND l.at < now() - make_interval(secs => ${logRetentionMs / 1000}::float8))
        ELSE 0 END)) AS until
      FROM "LogHead" AS h),
    sized AS (
      SELECT due.*, (
        SELECT COALESCE(sum(octet_length(l.text)), 0) FROM "LogLine" AS l
        WHERE l.stream = due.stream AND l.number >= due.first AND l.number < due.until) AS bytes
      FROM due WHERE due.until > due.first),
    moved AS (
      UPDATE "LogHead" AS h SET first = sized.until, bytes = h.bytes - sized.bytes FROM sized
      WHERE h.stream = sized.stream AND h.first = sized.first
      RETURNING h.stream, sized.first, sized.until, sized.bytes),
    tallied AS (
      INSERT INTO "JobTally" AS c ("serviceId", shard, "organizationId", "logBytes")
      SELECT j."serviceId", pg_backend_pid() % 16, j."organizationId", -sum(moved.bytes) FROM moved
      JOIN "Job" AS j ON j.id = moved.stream GROUP BY j."serviceId", j."organizationId" ORDER BY j."serviceId"
      ON CONFLICT ("serviceId", shard) DO UPDATE SET "logBytes" = c."logBytes" + excluded."logBytes"),
    gone AS (
      DELETE FROM "LogLine" AS l USING moved
      WHERE l.stream = moved.stream AND l.number >= moved.first AND l.number < moved.until RETURNING 1)
    SELECT count(*) AS lines FROM gone`)
  return Number(done?.lines ?? 0)
}

async function trimEvents(database: Database, eventRetentionMs: number): Promise<number> {
  if (eventRetentionMs === 0) return 0
  const [done] = await database.query<{ events: bigint }>(Prisma.sql`
    WITH gone AS (
      DELETE FROM "Event" WHERE (stream, number) IN (
        SELECT stream, number FROM "Event"
        WHERE at < now() - make_interval(secs => ${eventRetentionMs / 1000}::float8)
        ORDER BY at LIMIT ${AT_A_TIME}::int)
      RETURNING 1)
    SELECT count(*) AS events FROM gone`)
  return Number(done?.events ?? 0)
}

async function trimTraffic(database: Database, trafficRetentionMs: number): Promise<number> {
  if (trafficRetentionMs === 0) return 0
  const [done] = await database.query<{ minutes: bigint }>(Prisma.sql`
    WITH gone AS (
      DELETE FROM "Traffic" WHERE ("serviceId", minute, run) IN (
        SELECT "serviceId", minute, run FROM "Traffic"
        WHERE minute < now() - make_interval(secs => ${trafficRetentionMs / 1000}::float8)
        ORDER BY minute LIMIT ${AT_A_TIME}::int)
      RETURNING 1)
    SELECT count(*) AS minutes FROM gone`)
  return Number(done?.minutes ?? 0)
}

/** Answers to calls with an idempotency key. */
async function trimCalls(database: Database): Promise<number> {
  const [done] = await database.query<{ calls: bigint }>(Prisma.sql`
    WITH gone AS (
      DELETE FROM "IdempotentCall" WHERE id IN (
        SELECT id FROM "IdempotentCall" WHERE "expiresAt" <= now() ORDER BY "expiresAt" LIMIT ${AT_A_TIME}::int)
      RETURNING 1)
    SELECT count(*) AS calls FROM gone`)
  return Number(done?.calls ?? 0)
}
