import { noteRight } from '../../auth/noted-rights.ts'
import { found, workplacesOf } from '../../auth/viewer.ts'
import { actor, type Context } from '../../context.ts'
import type { Actor } from '../../kit/actor.ts'
import { StaleLease } from '../../kit/errors.ts'
import { findAttempt, findJobs, type JobRow, type Report } from '../../job-engine/index.ts'
import { jobKey } from '../store.ts'

/*
 * Who holds a job. What workers do is not in the history of the organization and needs no idempotency key: a claim is
 * identified by its `claimId`, a report by its fence, so that each may be sent again and costs no further statement.
 */

/** A worker, as events remember it: the name it gave itself, and the token it came with. */
export const workerActor = (ctx: Context, name: string): Actor => ({
  ...actor(ctx),
  kind: 'WORKER',
  name,
})

/** A report on a job by whoever holds it, whose name the job knows; throws NotFound for a job that is not there for the viewer. */
export async function reportOf(ctx: Context, jobId: string, fence: string): Promise<Report> {
  const key = found(await jobKey(ctx, jobId), 'job', jobId)
  const organizationIds = workplacesOf(ctx.viewer)
  return { jobId: key, fence, organizationIds, actor: workerActor(ctx, actor(ctx).name) }
}

/** Why nothing was found that a report could change: NotFound, or StaleLease. */
export async function refused(ctx: Context, report: Report, named: string): Promise<JobRow> {
  const [row] = await findJobs(ctx.database, [report.jobId], report.organizationIds)
  const job = found(row, 'job', named)
  noteRight(ctx.viewer, 'WORKER', job.organizationId)
  return job
}

/** The job that this very attempt has ended before, when a report is sent again; throws StaleLease otherwise. */
export async function reportedBefore(
  ctx: Context,
  report: Report,
  job: JobRow,
  outcomes: readonly string[],
): Promise<JobRow> {
  const attempt = await findAttempt(ctx.database, report.jobId, report.fence)
  if (attempt?.outcome != null && outcomes.includes(attempt.outcome)) return job
  throw new StaleLease(job.attempt)
}
