import { patiently } from '../kit/patience.ts'
import { note } from './output.ts'
import { ServerAway } from './refusal.ts'

/** Nothing but its own end ends a command that follows. */
const NEVER = new AbortController().signal

/** Whether a server that somebody follows is there; says on stderr once that it is away and why, and once that it is back. */
export class Presence {
  readonly #url: string
  #isAway = false
  #hasAnswered = false

  constructor(url: string) {
    this.#url = url
  }

  away(reason: string): void {
    if (!this.#isAway)
      note(
        `Millrace at ${this.#url} is not available (${reason}). Retrying until it is available again …`,
      )
    this.#isAway = true
  }

  back(): void {
    if (this.#isAway) note('Millrace is available again.')
    this.#isAway = false
    this.#hasAnswered = true
  }

  /** Reads until there is an answer. Throws what is no outage, and that nobody answers who never has. */
  async insist<T>(read: () => Promise<T>): Promise<T> {
    const done = await patiently(
      async () => ({ value: await read() }),
      NEVER,
      (cause) => {
        if (!(cause instanceof ServerAway) || !(cause.isThere || this.#hasAnswered)) throw cause
        this.away(cause.reason)
      },
    )
    if (done === undefined) throw new Error('It was to be read without end.')
    this.back()
    return done.value
  }
}
