import { Prisma } from '../generated/prisma/client.ts'
import type { Actor } from '../kit/actor.ts'
import type { JobError } from './job.ts'
import {
  afterBackoff,
  hasAttemptsLeft,
  isNotToEnd,
  isToEnd,
  move,
  withError,
  type Move,
  type Store,
} from './move.ts'
import { statusChange } from './record.ts'
import { isOfOneOf, type JobRow } from './row.ts'

/** Who reports on which job: the fence says that it holds it. */
export interface Report {
  readonly jobId: string
  readonly fence: string
  /** Where the reporter may work. */
  readonly organizationIds: readonly string[]
  readonly actor: Actor
}

const held = ({ jobId, fence, organizationIds }: Report): Prisma.Sql => Prisma.sql`
  t.id = ${jobId}::uuid AND t.fence = ${fence} AND ${isOfOneOf('t', organizationIds)}`

/** A result as it is kept: as text, or in Storage. */
export interface KeptValue {
  readonly text: string | null
  readonly key: string | null
}

const one = async (store: Store, wanted: Move): Promise<JobRow | undefined> =>
  (await move(store, wanted))[0]

/**
 * Ends an attempt that has failed: the job is queued again, at its old place, while attempts are left and it is
 * retryable, else it has failed; one that was to be canceled is canceled. Each is a statement of its own, of which
 * at most one finds the job. Undefined for a stale fence.
 */
export async function fail(
  store: Store,
  report: Report,
  error: JobError,
  isRetryable: boolean,
): Promise<JobRow | undefined> {
  const { actor } = report
  const failed = Prisma.sql`error = ${JSON.stringify(error)}::jsonb`
  const again = isRetryable
    ? await one(store, {
        name: 'try-job-again',
        from: 'RUNNING',
        to: 'QUEUED',
        where: Prisma.sql`${held(report)} AND ${hasAttemptsLeft} AND ${isNotToEnd}`,
        set: Prisma.sql`${failed}, "readyAt" = ${afterBackoff}`,
        actor,
        isByWorker: true,
        outcome: 'FAILED',
        events: [{ kind: 'REQUEUED', changesSql: withError(statusChange('RUNNING', 'QUEUED')) }],
      })
    : undefined
  const isLast = isRetryable ? Prisma.sql`AND NOT ${hasAttemptsLeft}` : Prisma.empty
  return (
    again ??
    (await one(store, {
      name: isRetryable ? 'fail-job-at-last' : 'fail-job',
      from: 'RUNNING',
      to: 'FAILED',
      where: Prisma.sql`${held(report)} ${isLast} AND ${isNotToEnd}`,
      set: failed,
      actor,
      isByWorker: true,
      outcome: 'FAILED',
      events: [{ kind: 'FAILED', changesSql: withError(statusChange('RUNNING', 'FAILED')) }],
    })) ??
    (await endCanceled(store, report))
  )
}

/**
 * Gives a job back unharmed: it is queued again at its old place, at once, and the attempt does not count against
 * `maxAttempts`. One that was to be canceled is canceled. Undefined for a stale fence.
 */
export const release = async (store: Store, report: Report): Promise<JobRow | undefined> =>
  (await one(store, {
    name: 'give-job-back',
    from: 'RUNNING',
    to: 'QUEUED',
    where: Prisma.sql`${held(report)} AND ${isNotToEnd}`,
    set: Prisma.sql`"readyAt" = now(), spared = t.spared + 1`,
    actor: report.actor,
    isByWorker: true,
    outcome: 'PREEMPTED',
    events: [
      { kind: 'REQUEUED', changes: [statusChange('RUNNING', 'QUEUED')], message: 'given back' },
    ],
  })) ?? endCanceled(store, report)

/** Ends a job whose worker lets go of it because that was asked for. */
const endCanceled = (store: Store, report: Report): Promise<JobRow | undefined> =>
  one(store, {
    name: 'let-go-of-job',
    from: 'RUNNING',
    to: 'CANCELED',
    where: Prisma.sql`${held(report)} AND ${isToEnd}`,
    actor: report.actor,
    isByWorker: true,
    outcome: 'CANCELED',
    events: [{ kind: 'CANCELED', changes: [statusChange('RUNNING', 'CANCELED')] }],
  })
