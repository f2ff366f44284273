import { Client } from 'pg'

/** Jobs put there by one statement. */
const CHUNK = 100_000

/**
 * Puts finished jobs with their attempts into the table, beside those that are there; their events are left out, which
 * nothing that is measured here reads. Every hundredth failed.
 */
export async function store(
  databaseUrl: string,
  serviceUuid: string,
  count: number,
): Promise<void> {
  const client = new Client({ connectionString: databaseUrl })
  await client.connect()
  for (let from = 0; from < count; from += CHUNK)
    await client.query(
      `WITH made AS (
         INSERT INTO "Job" (id, "organizationId", "serviceId", function, status, parameters, result, creator, attempt,
           "startedAt", "finishedAt")
         SELECT gen_random_uuid(), s."organizationId", s.id, 'default',
           CASE WHEN n % 100 = 0 THEN 'FAILED' ELSE 'SUCCEEDED' END::"JobStatus", '{"n":1}', '{"n":1}',
           s.creator, 1, now(), now()
         FROM "Service" AS s, generate_series(1, $2) AS n WHERE s.id = $1
         RETURNING *),
       attempts AS (
         INSERT INTO "JobAttempt" ("jobId", number, "organizationId", "serviceId", worker, fence, outcome, "finishedAt")
         SELECT id, 1, "organizationId", "serviceId", 'bench', '1.' || id, status::text::"AttemptOutcome", now() FROM made)
       INSERT INTO "JobTally" AS c ("serviceId", shard, "organizationId", succeeded, failed)
       SELECT "serviceId", 0, "organizationId", count(*) FILTER (WHERE status = 'SUCCEEDED'),
         count(*) FILTER (WHERE status = 'FAILED')
       FROM made GROUP BY "serviceId", "organizationId"
       ON CONFLICT ("serviceId", shard) DO UPDATE SET succeeded = c.succeeded + excluded.succeeded,
         failed = c.failed + excluded.failed`,
      [serviceUuid, Math.min(CHUNK, count - from)],
    )
  await client.query('ANALYZE')
  await client.end()
}
