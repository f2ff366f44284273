import { createHash } from 'node:crypto'
import { naming } from '../addresses/index.ts'
import type { Role } from '../generated/prisma/enums.ts'
import type { KeyedCall } from '../kit/actor.ts'
import { idKind, partKind } from '../kit/ids.ts'
import { streamName } from '../streams/index.ts'
import { machine, type StateOf } from '../kit/machine.ts'

export const JobId = idKind('job')
/** Of an attempt: the key of its job, and its number. */
export const AttemptId = partKind('att')
export const WorkerId = idKind('wrk')

export const jobNaming = naming({
  kind: JobId,
  noun: 'job',
  table: 'Job',
  within: ['organization', 'project', 'service'],
})

/**
 * The id of a job that a call submits: when a call with an idempotency key is done again, because its server died,
 * it is the same one. `place` tells the jobs of one call apart.
 */
export function jobIdFor(call: KeyedCall | undefined, place = 0): string {
  if (call === undefined) return JobId.make()
  const digest = createHash('sha256').update(`${call.id} ${place}`).digest('hex')
  // the time of the call, and the version and variant of a UUID that has one (RFC 9562, 5.7)
  return `${call.id.slice(0, 13)}-7${digest.slice(0, 3)}-8${digest.slice(3, 6)}-${digest.slice(6, 18)}`
}

/**
 * The life of a job. It waits (QUEUED), somebody works on it (RUNNING), and it ends. Every move is one statement that
 * finds the job in the state the move begins in, and writes the row, its events, the attempt and the counters
 * together; so of two that race one moves it, and no worker leaves a state that is final.
 *
 * `requeue` is an attempt that came to nothing: lost with its worker, failed with attempts left, or given back.
 * `amend` is no move of this table: it leads from every state to every state, on record with whoever did it.
 */
export const jobMoves = machine({
  QUEUED: { claim: 'RUNNING', cancel: 'CANCELED' },
  RUNNING: { succeed: 'SUCCEEDED', fail: 'FAILED', cancel: 'CANCELED', requeue: 'QUEUED' },
  SUCCEEDED: {},
  FAILED: {},
  CANCELED: {},
})
export type JobStatus = StateOf<typeof jobMoves>

/** States that only `amend` leaves. */
export const isFinal = (status: JobStatus): boolean => jobMoves.final.includes(status)

export type JobEventKind =
  | 'QUEUED'
  | 'CLAIMED'
  | 'PROGRESS'
  | 'CANCEL_REQUESTED'
  | 'SUCCEEDED'
  | 'FAILED'
  | 'CANCELED'
  | 'LOST'
  | 'REQUEUED'
  | 'AMENDED'

export type JobErrorKind =
  | 'BAD_INPUT'
  | 'RAISED'
  | 'INVALID_RESULT'
  | 'LOST'
  | 'TIMED_OUT'
  | 'UNAVAILABLE'
  | 'INTERNAL'

/** Why an attempt failed, as it is kept. */
export interface JobError {
  readonly kind: JobErrorKind
  readonly message: string
  /** JSON as it was received. */
  readonly detail?: string | undefined
}

export type JobAction = 'CANCEL' | 'RETRY' | 'AMEND'

/** What can be done to a job, by whom and in which states: it guards the mutations and answers `viewerActions`. */
export const jobActions: Readonly<
  Record<JobAction, { readonly role: Role; readonly from: readonly JobStatus[] }>
> = {
  CANCEL: { role: 'DEVELOPER', from: jobMoves.from('cancel') },
  RETRY: { role: 'DEVELOPER', from: jobMoves.final },
  AMEND: { role: 'WORKER', from: jobMoves.states },
}

/** Names of the streams: see `publish.ts`. */
export const JOB_STREAM = streamName('job')
export const JOB_LOG_STREAM = streamName('job-log')
export const SERVICE_JOBS_STREAM = streamName('jobs')
export const ORGANIZATION_JOBS_STREAM = streamName('all-jobs')

/** Longest lease, longest wait of a claim, and most jobs of one. */
export const MAX_LEASE_SECONDS = 3_600
export const MAX_WAIT_SECONDS = 20
export const MAX_CLAIM = 100
