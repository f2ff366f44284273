import type { Job } from './job.ts'

/** Something that a worker has seen or done, for its owner to log or count. */
export type WorkerEvent =
  /** A job is its to do; the handler starts. */
  | { readonly kind: 'claimed'; readonly job: Job }
  /** The server has accepted the result. */
  | { readonly kind: 'succeeded'; readonly job: Job }
  /** The server knows that the attempt has failed; `status` is what became of the job. */
  | {
      readonly kind: 'failed'
      readonly job: Job
      readonly error: unknown
      readonly status: 'QUEUED' | 'FAILED' | 'CANCELED'
    }
  /** The handler was asked to end by somebody's wish. */
  | { readonly kind: 'cancel-requested'; readonly job: Job }
  /** The job is no longer its own; the handler was asked to end. */
  | { readonly kind: 'lost'; readonly job: Job }
  /** What came of the handler is of no use to anybody. */
  | { readonly kind: 'dropped'; readonly job: Job; readonly reason: string }
  /** Lines of the log were refused, and are not stored. */
  | { readonly kind: 'log-refused'; readonly job: Job; readonly reason: string }
  /** The job was given back unharmed. */
  | { readonly kind: 'released'; readonly job: Job }
  /** The server does not answer, or says that something it needs is away; the worker waits for it. */
  | { readonly kind: 'away'; readonly reason: string }
  /** It does its work again. */
  | { readonly kind: 'back' }
  /** The server does not let the worker in, or knows no such service: it stops. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** No more jobs are claimed. */
  | { readonly kind: 'stopping'; readonly running: number }
  | { readonly kind: 'stopped' }

/** An event as one line for people. */
export function inWords(event: WorkerEvent): string {
  switch (event.kind) {
    case 'claimed':
      return `${event.job.id}: attempt ${event.job.attempt} starts`
    case 'succeeded':
      return `${event.job.id}: succeeded`
    case 'failed':
      return `${event.job.id}: ${became[event.status]}: ${messageOf(event.error)}`
    case 'cancel-requested':
      return `${event.job.id}: cancellation requested`
    case 'lost':
      return `${event.job.id}: lost its lease`
    case 'dropped':
      return `${event.job.id}: the outcome was dropped: ${event.reason}`
    case 'log-refused':
      return `${event.job.id}: log lines were not stored: ${event.reason}`
    case 'released':
      return `${event.job.id}: given back`
    case 'away':
      return `The server is not available; retrying until it is available again: ${event.reason}`
    case 'back':
      return 'The server is available again.'
    case 'refused':
      return event.reason
    case 'stopping':
      return event.running === 0
        ? 'Stopping.'
        : `Stopping; waiting for ${event.running} ${event.running === 1 ? 'job' : 'jobs'} to end.`
    case 'stopped':
      return 'Stopped.'
  }
}

const became = {
  QUEUED: 'failed, will be retried',
  FAILED: 'failed',
  CANCELED: 'canceled',
} as const

/** What can be said of anything that was thrown. */
export const messageOf = (thrown: unknown): string =>
  thrown instanceof Error ? thrown.message || thrown.name : String(thrown)
