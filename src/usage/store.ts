import type { Context } from '../context.ts'
import { Prisma } from '../generated/prisma/client.ts'
import { batched } from '../kit/batched.ts'

/** What is kept of an organization. */
export interface Usage {
  /** The organization's. */
  readonly id: string
  readonly logBytes: bigint
  readonly archiveBytes: bigint
  readonly jobsStored: bigint
}

/** From counters kept with the logs, so that no line is read; of many organizations with one statement a tick. */
export const usageOf = batched<Context, Usage>(({ database }, ids) =>
  database.query(
    Prisma.sql`
      SELECT o.id,
        (SELECT COALESCE(sum(h.bytes), 0)::bigint FROM "Service" AS s JOIN "LogHead" AS h ON h.stream = s.id
         WHERE s."organizationId" = o.id) + jobs."logBytes" AS "logBytes",
        (SELECT COALESCE(sum(a.size), 0)::bigint FROM (
           SELECT max("archiveSizeBytes") AS size FROM "DeploymentVersion"
           WHERE "organizationId" = o.id AND "deletedAt" IS NULL AND "archiveSha256" IS NOT NULL
           GROUP BY "archiveSha256") AS a) AS "archiveBytes",
        jobs.stored AS "jobsStored"
      FROM unnest(${ids}::uuid[]) AS o(id) CROSS JOIN LATERAL (
        SELECT COALESCE(sum(c.queued + c.running + c.succeeded + c.failed + c.canceled), 0)::bigint AS stored,
          COALESCE(sum(c."logBytes"), 0)::bigint AS "logBytes"
        FROM "JobTally" AS c WHERE c."organizationId" = o.id) AS jobs`,
    { name: 'usage' },
  ),
)
