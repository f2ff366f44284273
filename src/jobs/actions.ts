import { setTimeout as pause } from 'node:timers/promises'
import type { AnnotationInput } from '../addresses/index.ts'
import { allow, found, workplacesOf } from '../auth/viewer.ts'
import { actor, waitedFor, type Context } from '../context.ts'
import { Prisma } from '../generated/prisma/client.ts'
import { Conflict, DomainError } from '../kit/errors.ts'
import { jsonText, type JsonText } from '../kit/json/json.ts'
import {
  amend,
  cancel,
  dropValue,
  isFinal,
  JobId,
  jobEvents,
  jobIdFor,
  keepValue,
  resultKey,
  type JobRow,
  type JobStatus,
  type KeptValue,
} from '../job-engine/index.ts'
import { asNew } from './as-new.ts'
import { fits } from './leases/reports.ts'
import { jobToChange, permitAmending, permitJob } from './permit.ts'
import { jobById, jobNamed, parametersOf } from './store.ts'
import { isWait, putJobs } from './submit.ts'

/** How often a change is decided anew when the job has moved between reading and writing. */
const TRIES = 10
/** The same for an amendment: of many at once on one job each has its turn. */
const AMEND_TRIES = 100

/** Ends a queued job, and asks for the end of a running one. Throws WrongState for one that has ended. */
export async function cancelJob(
  ctx: Context,
  { id, reason }: { id: string; reason?: string | null },
): Promise<JobRow> {
  for (let n = 1; ; n += 1) {
    const job = await jobToChange(ctx, id)
    allow(ctx.viewer, 'DEVELOPER', job.organizationId)
    const isAsked = job.cancelRequestedAt !== null
    // asked for before: by somebody else, or by this very call, whose server died
    if (isAsked && (job.status === 'RUNNING' || (ctx.call?.attempt ?? 1) > 1)) return job
    permitJob(ctx.viewer, 'CANCEL', job)
    const [canceled] = await cancel(ctx, 'one', Prisma.sql`t.id = ${job.id}::uuid`, {
      actor: actor(ctx),
      reason,
    })
    if (canceled !== undefined) return canceled
    if (n >= TRIES) throw new Error(`The job ${job.id} moves faster than it can be canceled.`)
  }
}

/** Runs a job that has ended again, as a new one that remembers it. */
export async function retryJob(
  ctx: Context,
  { id, waitSeconds }: { id: string; waitSeconds?: number | null },
): Promise<JobRow> {
  const job = await jobToChange(ctx, id)
  permitJob(ctx.viewer, 'RETRY', job)
  const parameters = (await parametersOf(ctx, job)) ?? 'null'
  const [again] = await putJobs(ctx, [
    {
      ...asNew(job),
      id: jobIdFor(ctx.call),
      isAwaited: isWait(waitSeconds),
      parameters,
      parametersKey: null,
    },
  ])
  return found(again, 'job', id)
}

/**
 * Sets status, result and annotations outside the usual course. Throws Forbidden (see `permitAmending`), ValidationError
 * for a result that does not fit, and Conflict where another job of its lane runs; then nothing is changed.
 */
export async function amendJob(
  ctx: Context,
  input: {
    id: string
    status?: JobStatus | null
    annotations?: readonly AnnotationInput[] | null
    result?: JsonText | null
    reason?: string | null
  },
): Promise<JobRow> {
  const text = input.result === undefined ? undefined : jsonText(input.result)
  let result: KeptValue | undefined
  try {
    for (let n = 1; n <= AMEND_TRIES; n += 1) {
      const job = found(await jobNamed(ctx, input.id, workplacesOf(ctx.viewer)), 'job', input.id)
      await permitAmending(ctx, job)
      if (text !== undefined && result === undefined) {
        await fits(ctx, job, text)
        result = await keepValue(ctx, resultKey(job.id), text)
      }
      const amended = await amend(ctx, job, {
        status: input.status ?? undefined,
        result,
        annotations: input.annotations,
        reason: input.reason,
        actor: actor(ctx),
      }).catch((cause: unknown) => {
        if (!isLaneTaken(cause)) throw cause
        throw new Conflict('status', `Another job of the lane ${JSON.stringify(job.lane)} runs.`)
      })
      if (amended !== undefined) {
        if (result !== undefined) await dropValue(ctx, job.resultKey)
        return amended
      }
      await pause(Math.random() * Math.min(n, 20)) // many at once must not run into each other again
    }
  } catch (cause) {
    // after any other failure it is not known whether the result was taken
    if (cause instanceof DomainError) await dropValue(ctx, result?.key ?? null)
    throw cause
  }
  await dropValue(ctx, result?.key ?? null)
  throw new Error(`The job ${input.id} moves faster than it can be amended.`)
}

const isLaneTaken = (cause: unknown): boolean =>
  cause instanceof Error && 'constraint' in cause && cause.constraint === 'Job_running_idx'

/** The job that a call has amended before, for whoever may. */
export async function amendedBefore(ctx: Context, id: string): Promise<JobRow> {
  const text = JobId.text(id)
  const job = found(await jobNamed(ctx, text, workplacesOf(ctx.viewer)), 'job', text)
  await permitAmending(ctx, job)
  return job
}

/** Waits for the end of a job, and answers it as it is then, or when the time is over or the caller has gone. */
export async function waitForEnd(
  ctx: Context,
  job: JobRow,
  waitSeconds: number | null | undefined,
): Promise<JobRow> {
  if (!waitSeconds || isFinal(job.status)) return job
  const over = new AbortController()
  const timer = setTimeout(() => over.abort(), waitSeconds * 1000)
  const stop = ctx.onGone?.(() => over.abort())
  try {
    await waitedFor(ctx, ended(ctx, job, over.signal))
  } finally {
    clearTimeout(timer)
    stop?.()
  }
  return (await jobById(ctx, job.id)) ?? job
}

/** Resolves when a job has ended, or when the signal fires. */
async function ended({ database, hub }: Context, job: JobRow, signal: AbortSignal): Promise<void> {
  for await (const { end } of hub.follow(jobEvents(database), job.id, Number(job.revision), signal))
    if (end !== undefined) return
}
