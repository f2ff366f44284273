import { noteRight } from '../../auth/noted-rights.ts'
import { found, workplacesOf } from '../../auth/viewer.ts'
import { actor, type Context } from '../../context.ts'
import type { Actor } from '../../kit/actor.ts'
import {
  DomainError,
  Forbidden,
  NotFound,
  StaleLease,
  Unavailable,
  ValidationError,
} from '../../kit/errors.ts'
import { jsonText, type JsonText } from '../../kit/json/json.ts'
import { issuesBy } from '../../services/index.ts'
import {
  appendToJob,
  beat,
  dropValue,
  fail,
  findAttempt,
  findJobs,
  keepValue,
  noteWorker,
  release,
  resultKey,
  succeed,
  type JobRow,
  type Report,
} from '../../job-engine/index.ts'
import { contractOf } from './result-schemas.ts'
import { jobKey } from '../store.ts'

/*
 * What workers do. None of it is in the history of the organization, and none of it needs an idempotency key: a
 * claim is known by its `claimId`, a report by its fence, so that each may be sent again and costs no statement more.
 */

/** A worker, as events remember it: the name it gave itself, and the token it came with. */
export const workerActor = (ctx: Context, name: string): Actor => ({
  ...actor(ctx),
  kind: 'WORKER',
  name,
})

/** One beat for one held job, as a worker sends it. */
interface BeatInput {
  readonly jobId: string
  readonly fence: string
  readonly fraction?: number | null
  readonly message?: string | null
}

export interface Heartbeat {
  readonly jobId: string
  /** Undefined for a job that is not there. */
  readonly key: string | undefined
  readonly isHeld: boolean
  readonly expiresAt: Date | null
  readonly cancelRequested: boolean
}

/** Extends leases; those that are lost are told beside those still held. */
export async function heartbeatJobs(
  ctx: Context,
  { worker, beats }: { worker: string; beats: readonly BeatInput[] },
): Promise<Heartbeat[]> {
  const keys = await Promise.all(beats.map(({ jobId }) => jobKey(ctx, jobId)))
  const named = beats.flatMap((one, place) => {
    const jobId = keys[place]
    return jobId === undefined ? [] : [{ ...one, jobId }]
  })
  const organizations = workplacesOf(ctx.viewer)
  const held = await beat(ctx, organizations, workerActor(ctx, worker), named)
  for (const { organizationId } of held) noteRight(ctx.viewer, 'WORKER', organizationId)
  const [first] = held
  if (first !== undefined)
    await noteWorker(ctx, {
      organizationId: first.organizationId,
      name: worker,
      serviceIds: [...new Set(held.map(({ serviceId }) => serviceId))].toSorted(),
    })
  const byFence = new Map(held.map((one) => [`${one.id} ${one.fence}`, one]))
  return beats.map(({ jobId, fence }, place) => {
    const one = byFence.get(`${keys[place]} ${fence}`)
    return {
      jobId,
      key: keys[place],
      isHeld: one !== undefined,
      expiresAt: one?.leaseExpiresAt ?? null,
      cancelRequested: one?.cancelRequested ?? false,
    }
  })
}

/** A report on a job by whoever holds it, whose name the job knows; throws NotFound for a job that is not there for the viewer. */
async function reportOf(ctx: Context, jobId: string, fence: string): Promise<Report> {
  const key = found(await jobKey(ctx, jobId), 'job', jobId)
  const organizationIds = workplacesOf(ctx.viewer)
  return { jobId: key, fence, organizationIds, actor: workerActor(ctx, actor(ctx).name) }
}

/** Why nothing was found that a report could change: NotFound, or StaleLease. */
async function refused(ctx: Context, report: Report, named: string): Promise<JobRow> {
  const [row] = await findJobs(ctx.database, [report.jobId], report.organizationIds)
  const job = found(row, 'job', named)
  noteRight(ctx.viewer, 'WORKER', job.organizationId)
  return job
}

/** The job that this very attempt has ended before, when a report is sent again; throws StaleLease otherwise. */
async function reportedBefore(
  ctx: Context,
  report: Report,
  job: JobRow,
  outcomes: readonly string[],
): Promise<JobRow> {
  const attempt = await findAttempt(ctx.database, report.jobId, report.fence)
  if (attempt?.outcome != null && outcomes.includes(attempt.outcome)) return job
  throw new StaleLease(job.attempt)
}

/**
 * Delivers the result. One statement, but for a result that must fit a schema this server does not know it must. Answers
 * the job as it is then, with all its columns if `isWhole`.
 */
export async function completeJob(
  ctx: Context,
  { jobId, fence, result }: { jobId: string; fence: string; result?: JsonText | null },
  isWhole: boolean,
): Promise<Pick<JobRow, 'id'>> {
  const report = await reportOf(ctx, jobId, fence)
  const text = jsonText(result)
  const kept = await keepValue(ctx, resultKey(report.jobId), text)
  try {
    const contract = contractOf(report.jobId, fence)
    // one that does not fit may be of a lease that is lost, which is said first
    if ((await violations(ctx, contract, text)).length === 0) {
      const done = await succeed(ctx, { ...report, result: kept, checkedBy: contract, isWhole })
      if (done !== undefined) return done
    }
    const job = await refused(ctx, report, jobId)
    const isHeld = job.status === 'RUNNING' && job.fence === fence
    if (!isHeld) {
      const before = await reportedBefore(ctx, report, job, ['SUCCEEDED'])
      await dropValue(ctx, kept.key)
      return before
    }
    await fits(ctx, job, text)
    const checked = await succeed(ctx, {
      ...report,
      result: kept,
      checkedBy: job.resultSchemaId,
      isWhole,
    })
    if (checked !== undefined) return checked
    throw new StaleLease(job.attempt)
  } catch (cause) {
    // after any other failure it is not known whether the result was accepted
    if (cause instanceof DomainError) await dropValue(ctx, kept.key)
    throw cause
  }
}

/** Why one of many results is not accepted, and the others may be. */
export const refusals = [ValidationError, Forbidden, NotFound, StaleLease, Unavailable] as const
type Refusal = InstanceType<(typeof refusals)[number]>

/** Delivers many results, each on its own: answers the job of each that was accepted, and why another was not. */
export const completeJobs = (
  ctx: Context,
  { jobs }: { jobs: readonly Parameters<typeof completeJob>[1][] },
  isWhole: boolean,
): Promise<(Pick<JobRow, 'id'> | Refusal)[]> =>
  Promise.all(jobs.map((one) => completeJob(ctx, one, isWhole).catch(refusalOf)))

/** A refusal as data, which is thrown nowhere; throws whatever else it is given. */
function refusalOf(cause: unknown): Refusal {
  const type = refusals.find((one) => cause instanceof one)
  if (type === undefined) throw cause
  const refusal = cause as Refusal // it is an instance of one of them
  return Object.assign({ name: type.name, message: refusal.message }, refusal)
}

/**
 * Throws ValidationError with the violations of the schema that results of this job must fit, and Unavailable when too
 * many checks wait.
 */
export async function fits(
  ctx: Context,
  { resultSchemaId }: Pick<JobRow, 'resultSchemaId'>,
  text: string,
): Promise<void> {
  const issues = await violations(ctx, resultSchemaId, text)
  if (issues.length > 0)
    throw new ValidationError(
      issues.map((issue) => ({ ...issue, path: ['result', ...issue.path] })),
    )
}

const violations = async (ctx: Context, schemaId: string | null, text: string) =>
  schemaId === null ? [] : issuesBy(ctx, schemaId, text)

/** Reports failure: tried again while attempts are left and it is retryable. */
export async function failJob(
  ctx: Context,
  input: {
    jobId: string
    fence: string
    message: string
    detail?: JsonText | null
    isRetryable?: boolean | null
  },
): Promise<JobRow> {
  const report = await reportOf(ctx, input.jobId, input.fence)
  const detail = input.detail == null ? undefined : jsonText(input.detail)
  const error = { kind: 'RAISED' as const, message: input.message, detail }
  const failed = await fail(ctx, report, error, input.isRetryable ?? true)
  if (failed !== undefined) return failed
  const job = await refused(ctx, report, input.jobId)
  return reportedBefore(ctx, report, job, ['FAILED', 'CANCELED'])
}

/** Gives back those that are still held; answers those it gave back. */
export async function releaseJobs(
  ctx: Context,
  { jobs }: { jobs: readonly { jobId: string; fence: string }[] },
): Promise<JobRow[]> {
  const released: JobRow[] = []
  for (const { jobId, fence } of jobs) {
    if ((await jobKey(ctx, jobId)) === undefined) continue
    const job = await release(ctx, await reportOf(ctx, jobId, fence))
    if (job === undefined) continue
    noteRight(ctx.viewer, 'WORKER', job.organizationId)
    released.push(job)
  }
  return released
}

/** Adds lines to the log of a job. Those that the attempt has stored before are passed over. */
export async function appendJobLog(
  ctx: Context,
  input: {
    jobId: string
    fence: string
    firstLine: number
    lines: readonly string[]
    /** Places in `lines`. */
    unfinished?: readonly number[] | null
  },
): Promise<number> {
  const report = await reportOf(ctx, input.jobId, input.fence)
  const unfinished = new Set(input.unfinished)
  const lines = input.lines.map((text, place) => ({
    text: printable(text),
    isUnfinished: unfinished.has(place),
  }))
  if (lines.length > 0) {
    const next = await appendToJob(ctx, report, input.firstLine - 1, lines)
    if (next !== undefined) return next + 1
  }
  const job = await refused(ctx, report, input.jobId)
  const attempt = await findAttempt(ctx.database, report.jobId, input.fence)
  if (attempt === undefined) throw new StaleLease(job.attempt)
  const stored = Number(attempt.lines)
  // what is stored is stored, also when the lease was lost since
  if (input.firstLine - 1 + lines.length <= stored) return stored + 1
  if (job.status !== 'RUNNING' || job.fence !== input.fence) throw new StaleLease(job.attempt)
  if (input.firstLine - 1 > stored)
    throw new ValidationError([
      {
        path: ['firstLine'],
        message: `Lines ${stored + 1} to ${input.firstLine - 1} are missing: send them first.`,
        rule: 'dense',
      },
    ])
  const known = stored - (input.firstLine - 1)
  return appendJobLog(ctx, {
    ...input,
    firstLine: stored + 1,
    lines: input.lines.slice(known),
    unfinished: input.unfinished?.map((place) => place - known),
  })
}

/** A line without what cannot be stored. */
const printable = (line: string): string =>
  line.includes('\0') || !line.isWellFormed()
    ? line.replaceAll('\0', String.raw`\x00`).toWellFormed()
    : line
