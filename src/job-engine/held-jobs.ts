import { setTimeout as pause } from 'node:timers/promises'
import type { Actor } from '../kit/actor.ts'
import type { Platform } from '../context.ts'
import { throughOutages } from '../kit/patience.ts'
import { beat } from './heartbeat.ts'
import type { Lease } from './claim.ts'
import { fail, release, type KeptValue, type Report } from './report.ts'
import { succeed } from './succeed.ts'
import type { JobError } from './job.ts'

/** How a job that the server does itself has ended. */
export type Ending =
  | { readonly result: KeptValue }
  | { readonly error: JobError; readonly isRetryable: boolean }

/** A job that this server holds a lease on. */
export interface HeldJob {
  readonly lease: Lease
  /** Fires when the job is to end: somebody asked for it, the lease is lost, or the server goes. */
  readonly signal: AbortSignal
  /** Reports how far it is, with the next heartbeat. */
  readonly progress: (fraction: number, message: string) => void
}

/** How often leases are extended: at a third of the server's lease, or as often as this. */
const BEAT_MS = 5_000

/** The jobs that this server does itself: kept alive with one heartbeat for all, and reported on when they end. */
export class HeldJobs {
  readonly #platform: Platform
  readonly #actor: Actor
  readonly #held = new Map<
    string,
    { lease: Lease; abort: AbortController; progress?: { fraction: number; message: string } }
  >()
  readonly #running = new Set<Promise<void>>()
  readonly #timer: NodeJS.Timeout

  constructor(platform: Platform, actor: Actor) {
    this.#platform = platform
    this.#actor = actor
    const everyMs = Math.min(BEAT_MS, platform.config.leaseMs / 3)
    this.#timer = setInterval(() => void this.#beat(), everyMs)
    this.#timer.unref()
  }

  get size(): number {
    return this.#held.size
  }

  /** Does a job, and reports on it. Whatever `handler` throws has failed the job by a fault of ours. */
  run(lease: Lease, handler: (job: HeldJob) => Promise<Ending>, done: () => void): void {
    const abort = new AbortController()
    const entry: {
      lease: Lease
      abort: AbortController
      progress?: { fraction: number; message: string }
    } = { lease, abort }
    this.#held.set(lease.id, entry)
    const running = this.#do(lease, abort.signal, async () => {
      const ending = await handler({
        lease,
        signal: abort.signal,
        progress: (fraction, message) => (entry.progress = { fraction, message }),
      })
      if (entry.progress !== undefined) await this.#beat() // its progress is reported before its end
      return ending
    })
      .catch((err: unknown) =>
        this.#platform.log.warn({ err }, 'could not report on a job; its lease will expire'),
      )
      .finally(() => {
        this.#held.delete(lease.id)
        this.#running.delete(running)
        done()
      })
    this.#running.add(running)
  }

  /** Gives back what is not done within the grace. */
  async close(graceMs: number): Promise<void> {
    const over = new AbortController()
    await Promise.race([
      Promise.all(this.#running),
      pause(graceMs / 2, undefined, { signal: over.signal }).catch(() => {}),
    ])
    over.abort()
    clearInterval(this.#timer)
    for (const { abort, lease } of this.#held.values()) {
      await release(this.#platform, this.#report(lease)).catch(() => {}) // else its lease expires
      abort.abort()
    }
    await Promise.all(this.#running)
  }

  #report({ id, fence, organizationId }: Lease): Report {
    return { jobId: id, fence, organizationIds: [organizationId], actor: this.#actor }
  }

  async #do(lease: Lease, signal: AbortSignal, handle: () => Promise<Ending>): Promise<void> {
    const { log } = this.#platform
    const ending = await handle().catch((err: unknown): Ending => {
      if (!signal.aborted) log.error({ err, job: lease.id }, 'a job of our own failed')
      const error = {
        kind: 'INTERNAL',
        message: 'A fault of the server; its log says more.',
      } as const
      return { error, isRetryable: true }
    })
    const report = this.#report(lease)
    const send = async (): Promise<unknown> =>
      'result' in ending
        ? succeed(this.#platform, {
            ...report,
            result: ending.result,
            checkedBy: lease.resultSchemaId,
          })
        : fail(this.#platform, report, ending.error, ending.isRetryable)
    // canceled is canceled: that is reported once, or the lease runs out
    await (signal.aborted ? send() : throughOutages(send, signal))
  }

  async #beat(): Promise<void> {
    const entries = [...this.#held.values()]
    if (entries.length === 0) return
    const sent = entries.map((entry) => {
      const { progress } = entry
      delete entry.progress
      return { entry, progress }
    })
    const beats = sent.map(({ entry: { lease }, progress }) => ({
      jobId: lease.id,
      fence: lease.fence,
      ...progress,
    }))
    const organizations = [...new Set(entries.map(({ lease }) => lease.organizationId))]
    try {
      const held = await beat(this.#platform, organizations, this.#actor, beats)
      const ids = new Map(held.map((one) => [one.fence, one]))
      for (const { lease, abort } of entries) {
        const one = ids.get(lease.fence)
        if (one === undefined || one.cancelRequested) abort.abort()
      }
    } catch (err) {
      for (const { entry, progress } of sent)
        if (progress !== undefined) entry.progress ??= progress
      this.#platform.log.warn({ err }, 'could not extend the leases of jobs; trying again')
    }
  }
}
