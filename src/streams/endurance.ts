import { setTimeout as pause } from 'node:timers/promises'
import { isOutage } from '../db/outage.ts'
import { DomainError } from '../kit/errors.ts'
import type { Logger } from '../kit/logger.ts'
import { outlookOf, type Outlook } from '../kit/outlook.ts'

const FIRST_MS = 100
const MAX_MS = 2_000
/** How often what may be a fault of ours is tried, before it counts as one. */
const TRIES = 5

const outlookOfCause = (cause: unknown): Outlook => {
  if (cause instanceof DomainError) return outlookOf(cause.code)
  return isOutage(cause) ? 'passes' : 'may pass'
}

/**
 * How everything that streams deliver gets over what fails: it is done again with growing pauses, for as long as an
 * outage lasts, and a few times where it may be a fault. An outage is noted when the first one waits and when the last
 * one goes on, however many wait.
 */
export class Endurance {
  readonly #log: Logger
  #waiting = 0
  #most = 0
  #since = 0

  constructor(log: Logger) {
    this.#log = log
  }

  /**
   * What `work` comes to in the end; undefined when the signal fires first. Throws what it failed with when that stays,
   * or has not passed.
   */
  async outlast<T>(
    work: () => Promise<T> | T,
    signal: AbortSignal,
    outlook: (cause: unknown) => Outlook = outlookOfCause,
  ): Promise<T | undefined> {
    let faults = 0
    let isWaiting = false
    try {
      for (let delayMs = FIRST_MS; !signal.aborted; delayMs = Math.min(delayMs * 2, MAX_MS)) {
        try {
          return await work()
        } catch (cause) {
          if (signal.aborted) return undefined
          const expected = outlook(cause)
          if (expected === 'may pass') faults += 1
          if (expected === 'stays' || faults >= TRIES) throw cause
          if (!isWaiting) this.#wait(cause)
          isWaiting = true
          // not all at the same moment
          const ms = delayMs * (0.5 + Math.random() / 2)
          await pause(ms, undefined, { signal }).catch(() => {})
        }
      }
      return undefined
    } finally {
      if (isWaiting) this.#goOn()
    }
  }

  #wait(err: unknown): void {
    this.#waiting += 1
    this.#most = Math.max(this.#most, this.#waiting)
    if (this.#waiting > 1) return
    this.#since = performance.now()
    this.#log.warn({ err }, 'streams wait for what has failed, and try again')
  }

  #goOn(): void {
    this.#waiting -= 1
    if (this.#waiting > 0) return
    const seconds = Math.round((performance.now() - this.#since) / 100) / 10
    this.#log.info({ followers: this.#most, seconds }, 'no stream waits any more')
    this.#most = 0
  }
}
