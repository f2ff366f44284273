import type { Context } from '../context.ts'
import { pageOfStream, type EntryPage, type Range, type StreamArgs } from '../events/index.ts'
import { Prisma } from '../generated/prisma/client.ts'
import { childPages } from '../graph/child-pages.ts'
import { organizationsOf } from '../auth/viewer.ts'
import { batchedAlike } from '../kit/batched.ts'
import { pageOfLog } from '../logs/index.ts'
import { NO_ENTRIES, type LogFilter, type LogLine } from '../streams/index.ts'
import {
  isThere,
  jobColumns,
  readJobEvents,
  type JobEventRow,
  type JobRow,
} from '../job-engine/index.ts'

const eventPages = batchedAlike(({ database }: Context, ids, range: Range) =>
  readJobEvents(database, ids, range),
)
const eventCounts = batchedAlike(async ({ database }: Context, ids) => {
  const rows = await database.query<{ id: string; count: bigint }>(Prisma.sql`
    SELECT "jobId" AS id, count(*) FROM "JobEvent" WHERE "jobId" = ANY(${[...ids]}::uuid[]) GROUP BY 1`)
  return new Map(rows.map(({ id, count }) => [id, Number(count)]))
})

/** A page of the events of a job, those of all jobs in a list with one statement. */
export const jobEventPages = (
  ctx: Context,
  id: string,
  args: StreamArgs,
): Promise<EntryPage<JobEventRow>> =>
  pageOfStream(
    { kind: 'event', id },
    args,
    async (range) => (await eventPages(ctx, id, range)) ?? NO_ENTRIES,
    async () => (await eventCounts(ctx, id)) ?? 0,
  )

/** A page of the log of a job. */
export const pageOfJobLog = (
  ctx: Context,
  id: string,
  args: StreamArgs & { filter?: LogFilter | null | undefined },
): Promise<EntryPage<LogLine>> => pageOfLog(ctx, id, args)

/** The jobs that run a job again. */
export const retryPages = childPages<JobRow>(
  async (ctx, parents, { where: { serial }, orderBy, take, skip }) => {
    const order = Prisma.raw(orderBy.serial)
    const rows = await ctx.database.query<JobRow>(Prisma.sql`
      SELECT ${jobColumns('j')} FROM unnest(${[...parents]}::uuid[]) AS p(id) CROSS JOIN LATERAL (
        SELECT * FROM "Job" AS j WHERE j."retryOfId" = p.id AND ${isThere('j')}
          AND j."organizationId" = ANY(${organizationsOf(ctx.viewer)}::uuid[])
          AND j.serial > ${serial.gt ?? 0n}::bigint AND j.serial < ${serial.lt ?? 2n ** 63n - 1n}::bigint
        ORDER BY j.serial ${order} LIMIT ${take}::int OFFSET ${skip}::int) AS j
      ORDER BY j.serial ${order}`)
    const byParent = new Map<string, JobRow[]>()
    for (const row of rows) {
      const list = byParent.get(row.retryOfId ?? '') ?? []
      byParent.set(row.retryOfId ?? '', list)
      list.push(row)
    }
    return byParent
  },
  async ({ database }, parents) => {
    const rows = await database.query<{ id: string; count: bigint }>(Prisma.sql`
      SELECT "retryOfId" AS id, count(*) FROM "Job" AS j
      WHERE "retryOfId" = ANY(${[...parents]}::uuid[]) AND ${isThere('j')} GROUP BY 1`)
    return new Map(rows.map(({ id, count }) => [id, Number(count)]))
  },
)
