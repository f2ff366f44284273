/** A run of missing numbers. */
interface Hole {
  readonly from: number
  readonly to: number
}

/** Checks that the numbers of a log are 1, 2, 3 … without a hole and without a repetition. */
export class Density {
  readonly #holes: Hole[] = []
  readonly #wrong: string[] = []
  #first: number | undefined
  #last: number

  /** `before`: the number before the first one that is to come; undefined when any may be the first. */
  constructor(before: number | undefined) {
    this.#last = before ?? 0
    if (before !== undefined) this.#first = before + 1
  }

  add(number: number): void {
    this.#first ??= number
    const expected = this.#last === 0 ? this.#first : this.#last + 1
    if (number > expected) this.#holes.push({ from: expected, to: number - 1 })
    if (number < expected) this.#wrong.push(`line ${number} came after line ${this.#last}`)
    this.#last = Math.max(this.#last, number)
  }

  /** The stream says that it ends here. */
  end(lastNumber: number): void {
    if (this.#first === undefined && lastNumber > 0) this.#first = lastNumber + 1
    if (lastNumber > this.#last && this.#last > 0)
      this.#holes.push({ from: this.#last + 1, to: lastNumber })
    this.#last = Math.max(this.#last, lastNumber)
  }

  get isWhole(): boolean {
    return this.#holes.length === 0 && this.#wrong.length === 0
  }

  /** The result of the check, in one line. */
  get report(): string {
    if (!this.isWhole) {
      const holes = this.#holes.map(({ from, to }) =>
        from === to ? `line ${from} is missing` : `lines ${from} to ${to} are missing`,
      )
      return `not complete: ${[...holes, ...this.#wrong].join('; ')}`
    }
    return this.#first === undefined || this.#first > this.#last
      ? 'verified: the log has no lines'
      : `verified: lines ${this.#first} to ${this.#last} complete`
  }
}
