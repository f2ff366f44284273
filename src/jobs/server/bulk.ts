import { organizationFor } from '../../auth/viewer.ts'
import { actor, type Context, type Site } from '../../context.ts'
import { Prisma } from '../../generated/prisma/client.ts'
import type { Actor } from '../../kit/actor.ts'
import { organizationNamed } from '../../organizations/index.ts'
import {
  beginLanes,
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
  countDone,
  valueOf,
  type Ending,
  type HeldJob,
  type JobRow,
  type Lease,
  type NewJob,
} from '../../job-engine/index.ts'
import { asNew } from '../as-new.ts'
import { resolvedOrThrow } from '../inputs.ts'
import { filterSql, type JobFilter } from '../filter.ts'
import { countJobs } from '../list.ts'
import { runtimeOf } from './runtime.ts'
import { isWait } from '../submit.ts'

/** The form of the filter that is kept with a bulk job. One of another version of the server may mean other jobs. */
const FILTER_VERSION = 2

/** What many jobs are to have done to them, as the parameters of a job of the built-in service. */
interface Bulk {
  readonly filterVersion: typeof FILTER_VERSION
  readonly filter: JobFilter
  readonly reason?: string | null | undefined
  readonly matched: number
}

export const CANCEL_MANY = 'jobs.cancel'
export const RETRY_MANY = 'jobs.retry'
type BulkFunction = typeof CANCEL_MANY | typeof RETRY_MANY

/** Jobs that one step takes. */
const AT_A_TIME = 200

/** One at a time in an organization, so that of two none runs again what the other does. */
const lanes: Readonly<Record<BulkFunction, string | null>> = {
  [CANCEL_MANY]: null,
  [RETRY_MANY]: RETRY_MANY,
}

/** The jobs that are still to be done: of those that match now, or that did when it was asked for. */
function pending(
  name: BulkFunction,
  organizationId: string,
  runtimeId: string,
  filter: JobFilter,
  askedAt?: Date,
): Prisma.Sql[] {
  return [
    Prisma.sql`j."organizationId" = ${organizationId}::uuid`,
    Prisma.sql`j."serviceId" <> ${runtimeId}::uuid`,
    isThere('j'),
    ...(name === CANCEL_MANY ? cancelable(askedAt) : retryable(filter, askedAt)),
    ...filterSql(filter),
  ]
}

const cancelable = (askedAt: Date | undefined): Prisma.Sql[] => [
  Prisma.sql`j.status IN ('QUEUED', 'RUNNING') AND j."cancelRequestedAt" IS NULL`,
  ...(askedAt ? [Prisma.sql`j."createdAt" <= ${askedAt}::timestamptz`] : []),
]

/** What has ended, or has failed where no states are named, and could be done; but what has been run again already. */
const retryable = ({ statuses }: JobFilter, askedAt: Date | undefined): Prisma.Sql[] => [
  statuses
    ? Prisma.sql`j.status IN ('SUCCEEDED', 'FAILED', 'CANCELED')`
    : Prisma.sql`j.status = 'FAILED'`,
  Prisma.sql`NOT EXISTS (SELECT FROM "Job" AS r WHERE r."retryOfId" = j.id)`,
  Prisma.sql`EXISTS (SELECT FROM "Service" AS s WHERE s.id = j."serviceId" AND s."deletedAt" IS NULL)`,
  ...(askedAt ? [Prisma.sql`j."finishedAt" <= ${askedAt}::timestamptz`] : []),
]

/**
 * Does something to all jobs that match, as a job of its own, on record in the history. Throws NotFound for the first
 * service or job of its filter that is not there; then nothing is done.
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
  const where = pending(name, organizationId, runtime.id, filter)
  const matched = await countJobs(ctx.database, where)
  if (lanes[name] !== null && !runtime.hasLanes) await beginLanes(ctx.database, [runtime.id])
  const bulk: Bulk = { filterVersion: FILTER_VERSION, filter, reason, matched }
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
        lane: lanes[name],
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

/**
 * Does it, step by step, until nothing is left that matched when it was asked for. What is done is counted by the
 * steps themselves, over all attempts: an attempt goes on where the one before was cut off.
 */
export async function runBulk(site: Site, { lease, signal, progress }: HeldJob): Promise<Ending> {
  const name = lease.function === CANCEL_MANY ? CANCEL_MANY : RETRY_MANY
  const bulk = JSON.parse(lease.parameters ?? '{}') as Partial<Bulk>
  if (!isOfThisVersion(bulk)) return REFUSED
  const { filter, reason, matched } = revived(bulk)
  const [asked] = await findJobs(site.database, [lease.id], [lease.organizationId])
  if (asked === undefined) throw new Error('A job that is being done is not there.')
  const actor = asked.creator as unknown as Actor // the column holds an Actor
  const where = pending(name, lease.organizationId, lease.serviceId, filter, asked.createdAt)
  while (!signal.aborted) {
    const done = await countDone(site, lease)
    if (done === undefined) break
    if (done > 0) progress(Math.min(1, done / Math.max(1, matched)), `${done} of ${matched}`)
    const jobs = await site.database.query<JobRow>(Prisma.sql`
      SELECT ${jobColumns('j')} FROM "Job" AS j WHERE ${Prisma.join(where, ' AND ')}
      ORDER BY j.serial LIMIT ${AT_A_TIME}::int`)
    if (jobs.length === 0) return { result: { text: JSON.stringify({ done }), key: null } }
    if (name === CANCEL_MANY) await cancelThese(site, lease, jobs, actor, reason)
    else await retryThese(site, lease, jobs, actor)
  }
  return { error: { kind: 'INTERNAL', message: 'It was interrupted.' }, isRetryable: true }
}

const isOfThisVersion = (bulk: Partial<Bulk>): bulk is Bulk => bulk.filterVersion === FILTER_VERSION

/** A criterion that is not understood must not be taken for none: that would be all jobs. */
const REFUSED: Ending = {
  error: {
    kind: 'BAD_INPUT',
    message:
      'Its filter was written by another version of Millrace, and is not read by this one. What is left was not done: call the mutation again.',
  },
  isRetryable: false,
}

/** The filter as it was before it became JSON. */
function revived(bulk: Bulk): Bulk {
  const { createdAt, finishedAt } = bulk.filter
  const range = (one: typeof createdAt): typeof createdAt =>
    one && { from: new Date(one.from), to: one.to && new Date(one.to) }
  return {
    ...bulk,
    filter: { ...bulk.filter, createdAt: range(createdAt), finishedAt: range(finishedAt) },
  }
}

async function cancelThese(
  site: Site,
  { id, fence }: Lease,
  jobs: readonly JobRow[],
  actor: Actor,
  reason: string | null | undefined,
): Promise<void> {
  const ids = jobs.map((job) => job.id)
  const bulk = { id, fence, ids }
  await cancel(site, 'many', Prisma.sql`t.id = ANY(${ids}::uuid[])`, { actor, reason, bulk })
}

async function retryThese(
  site: Site,
  bulk: Lease,
  jobs: readonly JobRow[],
  actor: Actor,
): Promise<void> {
  const values = await findValues(
    site.database,
    jobs.map(({ id }) => id),
  )
  const parametersOf = new Map(values.map(({ id, parameters }) => [id, parameters]))
  const again: NewJob[] = []
  for (const job of jobs) {
    const id = JobId.make()
    const stored = { text: parametersOf.get(job.id) ?? null, key: job.parametersKey }
    // one at a time: those that lie in Storage are large
    const kept = await keepValue(site, parametersKey(id), (await valueOf(site, stored)) ?? 'null')
    again.push({ ...asNew(job), id, parameters: kept.text, parametersKey: kept.key })
  }
  await insertJobs(site, actor, again, { bulk })
}
