import { Away, Refused, type Post } from './api.ts'
import type { ClaimedJob } from './claims.ts'
import { messageOf, type WorkerEvent } from './events.ts'
import type { Heart, KeptLease } from './heart.ts'
import { JobLog } from './job-log.ts'
import {
  JobCanceled,
  LeaseLost,
  NonRetryable,
  WorkerStopped,
  type Handler,
  type Job,
} from './job.ts'
import { Reporter } from './report.ts'
import { GivenUp } from './stubborn.ts'

/** How long one request of a run may take. */
const TIMEOUT_MS = 15_000
/** A server that answers reports with faults is given so many leases. */
const FAULTY_LEASES = 2

/** What runs need of their worker. */
export interface RunPlan {
  readonly post: Post
  readonly heart: Heart
  readonly leaseMs: number
  readonly handler: Handler<never>
  readonly tell: (event: WorkerEvent) => void
  /** Told that the server is away, or (undefined) that it answered. */
  readonly heard: (failure: Away | undefined) => void
  /** Ends all waiting for the server. */
  readonly cutoff: AbortSignal
  /** A handler has ended, and there is room for another. */
  readonly handled: () => void
}

/** How the handler ended; `left` when the worker does not wait for it any longer. */
type Outcome =
  | { readonly kind: 'returned'; readonly result: unknown }
  | { readonly kind: 'threw'; readonly error: unknown }
  | { readonly kind: 'left' }

/**
 * One attempt at one job, from its lease to the report.
 *
 * It *waits* for its turn, where it was claimed ahead. It *runs*: the handler is at work, and the heart keeps the lease. Cancellation, a lost lease and the end of the
 * worker's patience fire the signal of the handler; whichever comes first is its reason. Then it *reports*: first the
 * progress and the lines that are left, then what came of it, and from here on only the server's answer to the report
 * says whether the lease was good. A handler that has thrown because the worker stops is given back; one that ends
 * after the lease was lost reports nothing.
 */
export class Run {
  readonly job: Job
  readonly #plan: RunPlan
  readonly #lease: ClaimedJob
  readonly #held: KeptLease
  readonly #log: JobLog
  readonly #reporter: Reporter
  readonly #ending = new AbortController()
  #isReporting = false
  #leave: (outcome: Outcome) => void = () => {}

  constructor(lease: ClaimedJob, plan: RunPlan) {
    const { tell } = plan
    this.job = jobOf(lease)
    this.#plan = plan
    this.#lease = lease
    const held = heldBy(lease)
    this.#reporter = new Reporter(held, reporting(plan))
    this.#log = new JobLog({
      ...held,
      ...reporting(plan),
      refused: (reason) => tell({ kind: 'log-refused', job: this.job, reason }),
    })
    this.#held = plan.heart.hold(held, {
      lost: () => this.#lose(),
      cancelRequested: () => {
        tell({ kind: 'cancel-requested', job: this.job })
        this.#ending.abort(new JobCanceled())
      },
    })
    tell({ kind: 'claimed', job: this.job })
  }

  /** Does the job and tells what came of it. Throws Refused when the server does not let the worker in any more. */
  async perform(): Promise<void> {
    const outcome = await Promise.race([
      this.#handled(),
      new Promise<Outcome>((resolve) => (this.#leave = resolve)),
    ])
    const isLost = this.#reason instanceof LeaseLost
    this.#isReporting = true
    this.#plan.handled()
    try {
      if (isLost) throw new LeaseLost()
      await this.#held.settled()
      await this.#log.flush()
      await this.#report(outcome)
    } catch (cause) {
      if (cause instanceof Refused && cause.isOfWorker) throw cause
      this.#plan.tell({ kind: 'dropped', job: this.job, reason: messageOf(cause) })
      if (!isDue(cause)) throw cause
    } finally {
      this.#held.drop()
    }
  }

  /** Whether the handler has ended. */
  get isHandled(): boolean {
    return this.#isReporting
  }

  /** Asks the handler to end, as the worker stops. */
  interrupt(): void {
    this.#ending.abort(new WorkerStopped())
  }

  /** Waits for the handler no longer: the job is given back. */
  leave(): void {
    this.#leave({ kind: 'left' })
  }

  get #reason(): unknown {
    return this.#ending.signal.reason
  }

  #lose(): void {
    if (this.#isReporting) return // the answer to the report says more
    this.#plan.tell({ kind: 'lost', job: this.job })
    this.#ending.abort(new LeaseLost())
  }

  async #handled(): Promise<Outcome> {
    const { handler } = this.#plan
    // one that was claimed ahead may have been called off before its turn
    if (this.#ending.signal.aborted) return { kind: 'threw', error: this.#reason }
    try {
      const result = await handler({
        parameters: this.#lease.job.parameters as never, // its own business
        job: this.job,
        signal: this.#ending.signal,
        log: (text, options) => this.#log.add(text, options),
        progress: (fraction, message) => this.#progress(fraction, message),
      })
      return { kind: 'returned', result }
    } catch (error) {
      return { kind: 'threw', error }
    }
  }

  #progress(fraction: number | undefined, message: string | undefined): void {
    const isFraction = fraction === undefined || (fraction >= 0 && fraction <= 1)
    if (!isFraction) throw new RangeError(`progress: ${fraction} is not from 0 to 1.`)
    this.#held.progress(fraction, message?.slice(0, 1_000).toWellFormed())
  }

  async #report(outcome: Outcome): Promise<void> {
    const { job } = this
    const { tell } = this.#plan
    switch (outcome.kind) {
      case 'returned':
        try {
          await this.#reporter.complete(outcome.result)
        } catch (cause) {
          const isNoResult = cause instanceof Refused || cause instanceof NonRetryable
          if (!isNoResult || (cause instanceof Refused && cause.isOfWorker)) throw cause
          return this.#fail(new NonRetryable(`The result was refused: ${cause.message}`))
        }
        return tell({ kind: 'succeeded', job })
      case 'threw':
        return this.#reason instanceof WorkerStopped ? this.#release() : this.#fail(outcome.error)
      case 'left':
        return this.#release()
    }
  }

  async #fail(error: unknown): Promise<void> {
    const status = await this.#reporter.fail(error)
    if (status === 'QUEUED' || status === 'FAILED' || status === 'CANCELED')
      this.#plan.tell({ kind: 'failed', job: this.job, error, status })
  }

  async #release(): Promise<void> {
    await this.#reporter.release()
    this.#plan.tell({ kind: 'released', job: this.job })
  }
}

/** Gives back a job that was never begun. */
export async function giveBack(lease: ClaimedJob, plan: RunPlan): Promise<void> {
  try {
    await new Reporter(heldBy(lease), reporting(plan)).release()
    plan.tell({ kind: 'released', job: jobOf(lease) })
  } catch (cause) {
    if (!isDue(cause)) throw cause
  }
}

/** The job of a lease, as handlers and events show it. */
function jobOf({ job, attempt }: ClaimedJob): Job {
  const { parameters: _, ...shown } = job
  return { ...shown, attempt }
}

const heldBy = ({ job, fence }: ClaimedJob) => ({ jobId: job.id, fence })

const reporting = ({ post, heard, leaseMs, cutoff }: RunPlan) => ({
  post,
  heard,
  timeoutMs: TIMEOUT_MS,
  faultMs: FAULTY_LEASES * leaseMs,
  signal: cutoff,
})

/** Whether it is in the nature of things that a job ends in this way; anything else is a fault of ours. */
const isDue = (cause: unknown): boolean =>
  cause instanceof LeaseLost ||
  cause instanceof GivenUp ||
  cause instanceof Away ||
  cause instanceof Refused
