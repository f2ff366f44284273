import { organizationFor } from '../auth/viewer.ts'
import { actor, type Context, type Site } from '../context.ts'
import { Prisma } from '../generated/prisma/client.ts'
import type { Actor } from '../kit/actor.ts'
import { organizationNamed } from '../organizations/index.ts'
import {
  cancel,
  findJobs,
  findValues,
  insertJobs,
  isThere,
  jobColumns,
  JobId,
  jobIdFor,
  keepValue,
  parametersKey,
  valueOf,
  type Ending,
  type HeldJob,
  type JobRow,
} from '../work/index.ts'
import { asNew } from './as-new.ts'
import { resolvedOrThrow } from './inputs.ts'
import { countJobs, filterSql, type JobFilter } from './list.ts'
import { runtimeOf } from './runtime.ts'
import { isWait } from './submit.ts'

/** What many jobs are to have done to them, as the parameters of a job of the built-in service. */
interface Bulk {
  readonly filter: JobFilter
  readonly reason?: string | null | undefined
  readonly matched: number
}

export const CANCEL_MANY = 'jobs.cancel'
export const RETRY_MANY = 'jobs.retry'
type BulkFunction = typeof CANCEL_MANY | typeof RETRY_MANY

/** Jobs that one step takes. */
const AT_A_TIME = 200

/** Which of the jobs that match are still to be done. */
const pending: Readonly<Record<BulkFunction, Prisma.Sql>> = {
  [CANCEL_MANY]: Prisma.sql`j.status IN ('QUEUED', 'RUNNING') AND j."cancelRequestedAt" IS NULL`,
  // so that a retry that is done again leaves out what it has done
  [RETRY_MANY]: Prisma.sql`j.status = 'FAILED' AND NOT EXISTS (SELECT FROM "Job" AS r WHERE r."retryOfId" = j.id)`,
}

function matching(
  name: BulkFunction,
  organizationId: string,
  runtimeId: string,
  filter: JobFilter,
): Prisma.Sql[] {
  return [
    Prisma.sql`j."organizationId" = ${organizationId}::uuid`,
    Prisma.sql`j."serviceId" <> ${runtimeId}::uuid`,
    isThere('j'),
    pending[name],
    ...filterSql(filter),
  ]
}

/**
 * Does something to all jobs that match, as a job of its own, on record in the history. Throws NotFound for a service
 * or a root that is not there.
 */
export async function submitBulk(
  ctx: Context,
  name: BulkFunction,
  input: {
    organizationId?: string | null
    filter: JobFilter
    reason?: string | null
    waitSeconds?: number | null
  },
): Promise<{ job: JobRow; matched: number }> {
  const named = await organizationNamed(ctx, input.organizationId)
  const organizationId = organizationFor(ctx.viewer, 'DEVELOPER', named)
  const runtime = await runtimeOf(ctx, organizationId)
  const { reason } = input
  const filter = await resolvedOrThrow(ctx, input.filter, organizationId)
  const where = matching(name, organizationId, runtime.id, filter)
  const matched = await countJobs(ctx.database, where)
  const bulk: Bulk = { filter, reason, matched }
  const id = jobIdFor(ctx.call)
  const parameters = JSON.stringify(bulk)
  const [job] = await insertJobs(
    ctx,
    actor(ctx),
    [
      {
        id,
        organizationId,
        serviceId: runtime.id,
        function: name,
        parameters,
        parametersKey: null,
        resultSchemaId: null,
        priority: 0,
        isAwaited: isWait(input.waitSeconds),
        lane: null,
        runAfter: null,
        maxAttempts: 100,
        timeoutSeconds: null,
        retainSeconds: null,
        labels: [],
      },
    ],
    { action: name === CANCEL_MANY ? 'cancelJobs' : 'retryJobs' },
  )
  if (job === undefined) throw new Error('A job that was submitted is not there.')
  return { job, matched }
}

/** How many jobs such a job was for. */
export async function matchedBy(ctx: Context, job: JobRow): Promise<number> {
  const [kept] = await findValues(ctx.database, [job.id])
  return (JSON.parse(kept?.parameters ?? '{"matched":0}') as Bulk).matched // `submitBulk` wrote it
}

/** Does it, step by step, until nothing is left that matched when it was asked for. */
export async function runBulk(site: Site, { lease, signal, tell }: HeldJob): Promise<Ending> {
  const name = lease.function === CANCEL_MANY ? CANCEL_MANY : RETRY_MANY
  const bulk = revived(JSON.parse(lease.parameters ?? '{}'))
  const [asked] = await findJobs(site.database, [lease.id], [lease.organizationId])
  if (asked === undefined) throw new Error('A job that is being done is not there.')
  const who = asked.creator as unknown as Actor // the column holds an Actor
  const where = [
    ...matching(name, lease.organizationId, lease.serviceId, bulk.filter),
    Prisma.sql`j."createdAt" <= ${asked.createdAt}::timestamptz`,
  ]
  let done = 0
  while (!signal.aborted) {
    const jobs = await site.database.query<JobRow>(Prisma.sql`
      SELECT ${jobColumns('j')} FROM "Job" AS j WHERE ${Prisma.join(where, ' AND ')}
      ORDER BY j.serial LIMIT ${AT_A_TIME}::int`)
    if (jobs.length === 0) break
    if (name === CANCEL_MANY) await cancelThese(site, jobs, who, bulk.reason)
    else await retryThese(site, jobs, who)
    done += jobs.length
    tell(Math.min(1, done / Math.max(1, bulk.matched)), `${done} of ${bulk.matched}`)
  }
  if (signal.aborted)
    return { error: { kind: 'INTERNAL', message: 'It was interrupted.' }, isRetryable: true }
  return { result: { text: JSON.stringify({ done }), key: null } }
}

/** The filter as it was before it became JSON. */
function revived(bulk: Bulk): Bulk {
  const { created, finished } = bulk.filter
  const range = (one: typeof created): typeof created =>
    one && { from: new Date(one.from), to: one.to && new Date(one.to) }
  return {
    ...bulk,
    filter: { ...bulk.filter, created: range(created), finished: range(finished) },
  }
}

async function cancelThese(
  site: Site,
  jobs: readonly JobRow[],
  actor: Actor,
  reason: string | null | undefined,
): Promise<void> {
  const ids = jobs.map(({ id }) => id)
  await cancel(site, 'many', Prisma.sql`t.id = ANY(${ids}::uuid[])`, { actor, reason })
}

async function retryThese(site: Site, jobs: readonly JobRow[], actor: Actor): Promise<void> {
  const values = new Map(
    (
      await findValues(
        site.database,
        jobs.map(({ id }) => id),
      )
    ).map((one) => [one.id, one]),
  )
  const again = await Promise.all(
    jobs.map(async (job) => {
      const id = JobId.make()
      const stored = { text: values.get(job.id)?.parameters ?? null, key: job.parametersKey }
      const kept = await keepValue(site, parametersKey(id), (await valueOf(site, stored)) ?? 'null')
      return { ...asNew(job), id, parameters: kept.text, parametersKey: kept.key }
    }),
  )
  await insertJobs(site, actor, again)
}
