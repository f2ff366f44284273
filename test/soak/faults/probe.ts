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

  async #ask(): Promise<void> {
    for (;;) {
      this.#last = await answers(this.#stage)
      for (const status of this.#last) this.#seen.add(status)
      if (this.#stopping.signal.aborted) return
      await pause(EVERY_MS)
    }
  }
}

/** What each server answers. */
const answers = ({ posts }: Stage): Promise<string[]> =>
  Promise.all(
    posts.map(({ server: { url } }) =>
      fetch(`${url}/readyz`, { signal: AbortSignal.timeout(PATIENCE_MS) }).then(
        ({ status }) => String(status),
        () => 'no answer',
      ),
    ),
  )

/** Whether each server says that it is ready. */
export const areReady = async (stage: Stage): Promise<boolean> =>
  (await answers(stage)).every((status) => status === '200')
