import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { WorkerClaimDocument, type WorkerClaimMutation } from '../generated/operations/graphql.ts'
import { version } from '../kit/version.ts'
import { ask, Away, done } from './api.ts'
import type { Heart } from './heart.ts'
import type { Settings } from './options.ts'

type Success = Extract<WorkerClaimMutation['claimJobs'], { leases: unknown }>

/** A job that is this worker's to do, until it falls silent. The heart keeps it since before anybody saw it. */
export type ClaimedJob = Success['leases'][number]

/** How long the server waits for jobs before it answers that there are none. */
const WAIT_SECONDS = 20
/** How much longer than that an answer may take. */
const PATIENCE_MS = 10_000
const FIRST_PAUSE_MS = 100
const MAX_PAUSE_MS = 2_000
/** What workers are called by in lists. */
const VERSION = `millrace ${version()}, Node.js ${process.versions.node}`
/** Most jobs of one claim. */
const MAX = 100

/**
 * Claims jobs, one claim at a time. A claim that may have been answered without the answer having come is sent again
 * under its `claimId`, so that no job is left with a worker that does not know of it.
 */
export class Claims {
  readonly #settings: Settings
  readonly #heart: Heart
  readonly #heard: (failure: Away | undefined) => void
  /** Of the claim whose answer is owed. */
  #claimId: string | undefined
  #failures = 0

  /** `heard` is told how each claim went: that the server is away, or (undefined) that it answered. */
  constructor(settings: Settings, heart: Heart, heard: (failure: Away | undefined) => void) {
    this.#settings = settings
    this.#heart = heart
    this.#heard = heard
  }

  /**
   * Waits for jobs, at most so many; answers none when there were none for a while, or when the signal fires. Throws
   * Refused; an outage is waited out.
   */
  async next(max: number, signal: AbortSignal): Promise<readonly ClaimedJob[]> {
    if (this.#failures > 0) await this.#pause(signal)
    if (signal.aborted) return []
    try {
      const leases = await this.#claim(max, WAIT_SECONDS, signal)
      this.#failures = 0
      this.#heard(undefined)
      return leases
    } catch (cause) {
      if (signal.aborted) return []
      if (!(cause instanceof Away)) throw cause
      this.#failures += 1
      this.#heard(cause)
      return []
    }
  }

  /** What a claim that was broken off has got all the same. Throws what `ask` throws. */
  async settle(signal: AbortSignal): Promise<readonly ClaimedJob[]> {
    return this.#claimId === undefined ? [] : this.#claim(1, 0, signal)
  }

  async #claim(
    max: number,
    waitSeconds: number,
    signal: AbortSignal,
  ): Promise<readonly ClaimedJob[]> {
    const { serviceIds, name, leaseSeconds, concurrency } = this.#settings
    const post = this.#heart.claims(this.#claimId !== undefined)
    this.#claimId ??= randomUUID()
    const input = {
      serviceIds: [...serviceIds],
      worker: name,
      version: VERSION,
      concurrency,
      claimId: this.#claimId,
      max: Math.min(max, MAX),
      leaseSeconds,
      waitSeconds,
    }
    const timeoutMs = waitSeconds * 1_000 + PATIENCE_MS
    const { claimJobs } = await ask(post, WorkerClaimDocument, { input }, { timeoutMs, signal })
    const { leases } = done(claimJobs)
    this.#claimId = undefined
    return leases
  }

  #pause(signal: AbortSignal): Promise<void> {
    const ms = Math.min(FIRST_PAUSE_MS * 2 ** (this.#failures - 1), MAX_PAUSE_MS)
    return pause(ms * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => {})
  }
}
