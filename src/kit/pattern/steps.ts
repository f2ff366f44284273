/** What a check may still do. Everything whose cost a caller decides takes from it before it is done. */
export class Steps {
  #left: number
  readonly #limit: number
  /** Whether this thread may be held up: a pattern that no automaton can follow is tried only where it may. */
  readonly isPatient: boolean

  constructor(limit: number, isPatient = false) {
    this.#left = limit
    this.#limit = limit
    this.isPatient = isPatient
  }

  get taken(): number {
    return this.#limit - this.#left
  }

  /** Throws TooManySteps when there are not so many left. */
  take(count = 1): void {
    this.#left -= count
    if (this.#left < 0) throw new TooManySteps()
  }
}

/** There are no steps left. */
export class TooManySteps extends Error {}

/** What is to be done cannot be counted in steps, and is done only where Steps are patient. */
export class Uncountable extends TooManySteps {}
