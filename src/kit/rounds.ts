/**
 * Something that is done in rounds, one at a time: whoever asks for it during a round gets another one after it. A round
 * that fails is told of and ends nothing.
 */
export class Rounds {
  readonly #round: () => Promise<unknown>
  readonly #failed: (cause: unknown) => unknown
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined
  #isAsked = false
  #isClosed = false

  /** What `failed` returns is waited for before the next round. */
  constructor(round: () => Promise<unknown>, failed: (cause: unknown) => unknown) {
    this.#round = round
    this.#failed = failed
  }

  get isRunning(): boolean {
    return this.#running !== undefined
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Asks for a round that begins from now on. Resolves once none runs any more, and never rejects. */
  ask(): Promise<void> {
    if (this.#isClosed) return this.#running ?? Promise.resolve()
    this.#isAsked = true
    if (this.#running !== undefined) return this.#running
    // it runs before it begins: what a round does at once may ask for another
    let over: (() => void) | undefined
    const running = new Promise<void>((resolve) => (over = resolve))
    this.#running = running
    void this.#run().finally(over)
    return running
  }

  /** Asks again and again, but not during a round: one that takes long is not followed at once. Keeps no process alive. */
  every(ms: number): this {
    this.#timer = setInterval(() => {
      if (!this.isRunning) void this.ask()
    }, ms)
    this.#timer.unref()
    return this
  }

  /** Begins no other round, and waits for the one that runs. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#timer)
    await this.#running
  }

  async #run(): Promise<void> {
    while (this.#isAsked && !this.#isClosed) {
      this.#isAsked = false
      try {
        await this.#round()
      } catch (cause) {
        await this.#failed(cause)
      }
    }
    this.#running = undefined // in the turn of the last look at what is asked, so that nothing asked is lost
  }
}
