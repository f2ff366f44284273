import type { Context } from '../../context.ts'
import { StaleLease, ValidationError } from '../../kit/errors.ts'
import { appendToJob, findAttempt } from '../../job-engine/index.ts'
import { refused, reportOf } from './holder.ts'

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
  const passed = stored - (input.firstLine - 1)
  return appendJobLog(ctx, {
    ...input,
    firstLine: stored + 1,
    lines: input.lines.slice(passed),
    unfinished: input.unfinished?.map((place) => place - passed),
  })
}

/** A line without what cannot be stored. */
const printable = (line: string): string =>
  line.includes('\0') || !line.isWellFormed()
    ? line.replaceAll('\0', String.raw`\x00`).toWellFormed()
    : line
