import { until } from '../../../testkit/until.ts'
import type { Stage } from './stage.ts'

/** By when everything must have come back. */
const LIMIT_MS = 90_000

/** What must come true, and what was promised and not kept, in words. */
export class Promises {
  readonly broken: string[] = []
  readonly #stage: Stage

  constructor(stage: Stage) {
    this.#stage = stage
  }

  /** Waits until it is so; a server that has died by itself ends it all. */
  async must(what: string, fact: () => boolean | Promise<boolean>): Promise<void> {
    const isSo = async (): Promise<boolean> => {
      if (this.#isDead()) return true
      return Promise.resolve(fact()).catch(() => false) // a server that does not answer yet
    }
    await until(isSo, { timeoutMs: LIMIT_MS }).catch(() =>
      this.add(`not after ${LIMIT_MS / 1000} s: ${what}`),
    )
    if (this.#isDead()) throw new Error('A server has died by itself.')
  }

  add(...words: readonly string[]): void {
    this.broken.push(...words)
  }

  #isDead(): boolean {
    return this.#stage.posts.some(({ server }) => server.death !== undefined)
  }
}
