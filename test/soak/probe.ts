import { setTimeout as pause } from 'node:timers/promises'
import type { Stage } from './stage.ts'

const EVERY_MS = 500
const PATIENCE_MS = 4_000

/** Asks each server again and again whether it is ready. */
export class Probe {
  readonly #stage: Stage
  readonly #seen = new Set<string>()
  readonly #stopping = new AbortController()
  readonly #asking: Promise<void>
  #last: readonly string[] = []

  constructor(stage: Stage) {
    this.#stage = stage
    this.#asking = this.#ask()
  }

  /** All that was answered, and what each server answered last. */
  async end(): Promise<{ readonly seen: readonly string[]; readonly last: readonly string[] }> {
    this.#stopping.abort()
    await this.#asking
    return { seen: [...this.#seen].toSorted(), last: this.#last }
  }

  async isReady(): Promise<boolean> {
    return (await this.#answers()).every((status) => status === '200')
  }

  async #ask(): Promise<void> {
    for (;;) {
      this.#last = await this.#answers()
      for (const status of this.#last) this.#seen.add(status)
      if (this.#stopping.signal.aborted) return
      await pause(EVERY_MS)
    }
  }

  #answers(): Promise<string[]> {
    return Promise.all(
      this.#stage.posts.map(({ server: { url } }) =>
        fetch(`${url}/readyz`, { signal: AbortSignal.timeout(PATIENCE_MS) }).then(
          ({ status }) => String(status),
          () => 'no answer',
        ),
      ),
    )
  }
}
