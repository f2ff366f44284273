import type { Context } from '../context.ts'
import { pageOfStream, type EntryPage, type Range, type StreamArgs } from '../events/index.ts'
import { Prisma } from '../generated/prisma/client.ts'
import { batchedAlike } from '../kit/batched.ts'
import { pageOfLog } from '../logs/index.ts'
import { NO_ENTRIES, type LogFilter, type LogLine } from '../streams/index.ts'
import { readJobEvents, type JobEventRow } from '../job-engine/index.ts'
import { jobsWithin } from './within.ts'

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
export const retryPages = jobsWithin('Job', Prisma.sql`j."retryOfId" = p.id`)
