/** A job as its handler sees it. */
export interface Job {
  readonly id: string
  /** Which function of the service is called. */
  readonly function: string
  /** Number of this attempt: 1, 2, 3 … */
  readonly attempt: number
  readonly maxAttempts: number
  readonly priority: number
  /** Jobs of one lane run one at a time, in order. */
  readonly lane: string | null
  /** How long one attempt may take; the server sees to it. */
  readonly timeoutSeconds: number | null
  readonly labels: readonly { readonly name: string; readonly value: string }[]
  readonly service: { readonly id: string; readonly handle: string }
  /** When it was submitted, as RFC 3339. */
  readonly createdAt: string
}

export interface LogOptions {
  readonly isUnfinished?: boolean
}

/** What a handler is given. */
export interface JobContext<Parameters = unknown> {
  readonly parameters: Parameters
  readonly job: Job
  /**
   * Fires when the handler is to end. Its `reason` says why: `JobCanceled` (somebody asked for it), `LeaseLost` (the
   * job is another worker's by now, whatever this one returns is dropped) or `WorkerStopped` (the worker must go, and
   * a handler that throws has its job given back unharmed). A handler that does not heed it goes on for nothing.
   */
  readonly signal: AbortSignal
  /**
   * Adds to the log of the job; several lines where the text has line ends. Lines are sent in batches, in order, each
   * once, and all of them before the end of the job is reported. The promise resolves when there is room for more:
   * await it, and a handler that prints faster than the network takes its lines is slowed down. It never rejects.
   * Throws when 16 MiB wait because nobody awaited. Of a text that `isUnfinished` the last line is a state, such as a
   * progress bar's, and the next line takes its place.
   */
  readonly log: (text: string, options?: LogOptions) => Promise<void>
  /** Tells how far the job is: a fraction from 0 to 1, words, or both. Only the newest is sent, with the next heartbeat. */
  readonly progress: (fraction: number | undefined, message?: string) => void
}

/**
 * Does one job and answers its result, any JSON value. What it throws fails the attempt, and the job is tried again
 * while it has attempts left, unless what was thrown is `NonRetryable`. It may be called more than once for one job,
 * and twice at a time when a lease was lost; exactly one result is accepted.
 */
export type Handler<Parameters = unknown> = (context: JobContext<Parameters>) => unknown

/** Throw it where another attempt would fail just as well: the job fails, whatever attempts it has left. */
export class NonRetryable extends Error {
  override readonly name = 'NonRetryable'
}

/** Why a signal fires: somebody asked for the end of the job. */
export class JobCanceled extends Error {
  override readonly name = 'JobCanceled'
  constructor() {
    super('The job is canceled.')
  }
}

/** Why a signal fires: the job was taken from this worker, which had been silent for too long. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost'
  constructor() {
    super('The lease of the job is lost.')
  }
}

/** Why a signal fires: the worker stops, and its grace is over. */
export class WorkerStopped extends Error {
  override readonly name = 'WorkerStopped'
  constructor() {
    super('The worker stops.')
  }
}
