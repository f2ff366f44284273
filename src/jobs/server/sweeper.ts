import type { Platform } from '../../context.ts'
import { Prisma } from '../../generated/prisma/client.ts'
import { system } from '../../kit/actor.ts'
import { sweepQueues } from '../../services/index.ts'
import {
  engine,
  removeExpired,
  removeOldEvents,
  sweepLeases,
  sweepOrphans,
} from '../../job-engine/index.ts'

/** Rounds are a second apart. */
const OFTEN = 1
const SELDOM = 5
const RARELY = 60

/** What this server does about jobs by itself, besides doing them. Answers its end. */
export function sweeper(platform: Platform): () => Promise<void> {
  const { metrics } = platform
  return engine(platform, [
    {
      name: 'leases',
      everyRounds: OFTEN,
      async run() {
        const { lost } = await sweepLeases(platform)
        metrics.count('millrace_job_lease_losses_total', lost)
      },
    },
    { name: 'queues', everyRounds: OFTEN, run: () => sweepQueues(platform, system) },
    { name: 'ages', everyRounds: SELDOM, run: measuring(platform) },
    {
      name: 'orphans',
      everyRounds: SELDOM,
      async run() {
        while ((await sweepOrphans(platform)) > 0);
      },
    },
    {
      name: 'expired',
      everyRounds: SELDOM,
      async run() {
        while ((await removeExpired(platform)) > 0);
      },
    },
    {
      name: 'events',
      everyRounds: RARELY,
      async run() {
        while ((await removeOldEvents(platform)) > 0);
      },
    },
  ])
}

interface Ages {
  readonly queued: bigint | null
  readonly running: bigint | null
  readonly seconds: number | null
}

/** Keeps the gauges of queues, which are read when somebody asks, from a look of some seconds ago. */
function measuring({ database, metrics }: Platform): () => Promise<void> {
  let ages: Ages = { queued: 0n, running: 0n, seconds: 0 }
  metrics.gauge('millrace_jobs_queued', () => Number(ages.queued ?? 0))
  metrics.gauge('millrace_jobs_running', () => Number(ages.running ?? 0))
  metrics.gauge('millrace_jobs_oldest_queued_seconds', () => ages.seconds ?? 0)
  return async () => {
    const [row] = await database.query<Ages>(
      Prisma.sql`
        WITH tallies AS (
          SELECT "serviceId", sum(queued) AS queued, sum(running) AS running FROM "JobTally" GROUP BY "serviceId")
        SELECT sum(queued)::bigint AS queued, sum(running)::bigint AS running, max((
          SELECT extract(epoch FROM now() - j."readyAt") FROM "Job" AS j
          WHERE j."serviceId" = tallies."serviceId" AND j.status = 'QUEUED' AND j."readyAt" <= now() AND tallies.queued > 0
          ORDER BY j."createdAt" LIMIT 1))::float8 AS seconds
        FROM tallies`,
      { name: 'job-ages' },
    )
    if (row !== undefined) ages = row
  }
}
