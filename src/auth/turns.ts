/** How much of some costly work is done at once, and how much may wait. */
interface Limits {
  readonly atOnce: number
  readonly waiting: number
  /** Of those that wait, at most so many are from one place. */
  readonly waitingFromOne: number
}

/** Gives turns to costly work. Places take turns too, so that whoever asks much makes nobody else wait for all of it. */
export class Turns {
  readonly #limits: Limits
  readonly #refusal: () => Error
  /** Those who wait, by place; the place whose turn is next comes first. */
  readonly #queues = new Map<string, (() => void)[]>()
  #waiting = 0
  #running = 0

  constructor(limits: Limits, refusal: () => Error) {
    this.#limits = limits
    this.#refusal = refusal
  }

  /** Does the work when its turn comes. Throws the refusal when too much waits already, or too much from this place. */
  async take<T>(place: string, work: () => Promise<T>): Promise<T> {
    if (this.#running < this.#limits.atOnce) this.#running += 1
    else await this.#wait(place)
    try {
      return await work()
    } finally {
      this.#next()
    }
  }

  #wait(place: string): Promise<void> {
    const queue = this.#queues.get(place) ?? []
    if (this.#waiting >= this.#limits.waiting || queue.length >= this.#limits.waitingFromOne)
      throw this.#refusal()
    this.#queues.set(place, queue)
    this.#waiting += 1
    return new Promise((resolve) => queue.push(resolve))
  }

  /** Passes the turn on, to whoever has waited longest at the place that is next. */
  #next(): void {
    const [first] = this.#queues
    if (first === undefined) {
      this.#running -= 1
      return
    }
    const [place, queue] = first
    const begin = queue.shift()
    this.#queues.delete(place)
    if (queue.length > 0) this.#queues.set(place, queue) // behind the others
    this.#waiting -= 1
    begin?.()
  }
}
