import type { Context } from '../../context.ts'
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
  dropValue,
  fail,
  keepValue,
  resultKey,
  succeed,
  type JobRow,
} from '../../job-engine/index.ts'
import type { PartialJob } from '../columns.ts'
import { refused, reportedBefore, reportOf } from './holder.ts'
import { resultSchemaOf } from './result-schemas.ts'

/**
 * Delivers the result. One statement, but for a result that must fit a schema this server does not know it must. Answers
 * the job as it is then, with all its columns if `isWhole`.
 */
export async function completeJob(
  ctx: Context,
  { jobId, fence, result }: { jobId: string; fence: string; result?: JsonText | null },
  isWhole: boolean,
): Promise<PartialJob> {
  const report = await reportOf(ctx, jobId, fence)
  const text = jsonText(result)
  const kept = await keepValue(ctx, resultKey(report.jobId), text)
  try {
    const schema = resultSchemaOf(report.jobId, fence)
    // one that does not fit may be of a lease that is lost, which is said first
    if ((await violations(ctx, schema, text)).length === 0) {
      const done = await succeed(ctx, { ...report, result: kept, checkedBy: schema, isWhole })
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
): Promise<(PartialJob | Refusal)[]> =>
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
