import { isSearchable } from '../kinds/index.ts'
import { Prisma } from '../generated/prisma/client.ts'
import { isThere, JobId, jobNaming, type JobRow } from '../job-engine/index.ts'
import { serviceOfJob } from './store.ts'

/** Jobs of each state that are looked through; of jobs there are more than of anything else. */
const LOOKED_AT = 2_000

isSearchable<JobRow>({
  kind: JobId,
  naming: jobNaming,
  role: 'VIEWER',
  from: Prisma.sql`"Job" AS o`,
  // along the index that lists go by, state by state
  newest: (organization) => Prisma.sql`(
    SELECT n.* FROM unnest(enum_range(NULL::"JobStatus")) AS s(status) CROSS JOIN LATERAL (
      SELECT j.id, j.serial, j."organizationId", j.function, j.labels, j."expiresAt" FROM "Job" AS j
      WHERE j."organizationId" = ${organization} AND j.status = s.status
      ORDER BY j."createdAt" DESC, j.serial DESC LIMIT ${LOOKED_AT}::int) AS n) AS o`,
  where: isThere('o'),
  organization: Prisma.sql`o."organizationId"`,
  names: [
    Prisma.sql`o.function`,
    Prisma.sql`(SELECT string_agg(l.one->>'name' || '=' || (l.one->>'value'), ' ') FROM jsonb_array_elements(o.labels) AS l(one))`,
  ],
  title: (job) => job.function,
  detail: async ({ serviceId, status }, ctx) =>
    `${(await serviceOfJob(ctx, serviceId))?.handle ?? ''}, ${status}`,
})
