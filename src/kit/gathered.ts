/** Most of them that are done at once. */
const MOST = 64
/** How many doings are under way at a time: one that waits does not hold up all others. */
const LANES = 2

interface Waiting<Store, Item, Result> {
  readonly store: Store
  readonly item: Item
  readonly resolve: (result: Result) => void
  readonly reject: (cause: unknown) => void
}

/**
 * Does together what many ask for at one time (group commit): what comes in while the earlier is under way is done
 * next, all of it with one call of `run`, which answers one result for each item. A lone item waits for nothing. Stores
 * with one key are as good as each other.
 *
 * `run` does all or nothing. When it throws what `isOfOne` takes for the fault of one item, each is done alone, so that
 * one that cannot be done harms no other; whatever else it throws, everybody gets.
 */
export function gathered<Store, Item, Result>(
  keyOf: (store: Store) => object,
  run: Run<Store, Item, Result>,
  isOfOne: (cause: unknown) => boolean,
): (store: Store, item: Item) => Promise<Result> {
  const gatherings = new WeakMap<object, Gathering<Store, Item, Result>>()
  return (store, item) => {
    const key = keyOf(store)
    let gathering = gatherings.get(key)
    if (gathering === undefined) {
      gathering = new Gathering(run, isOfOne)
      gatherings.set(key, gathering)
    }
    return gathering.add(store, item)
  }
}

type Run<Store, Item, Result> = (store: Store, items: readonly Item[]) => Promise<readonly Result[]>

class Gathering<Store, Item, Result> {
  readonly #run: Run<Store, Item, Result>
  readonly #isOfOne: (cause: unknown) => boolean
  readonly #waiting: Waiting<Store, Item, Result>[] = []
  #running = 0
  #isDue = false

  constructor(run: Run<Store, Item, Result>, isOfOne: (cause: unknown) => boolean) {
    this.#run = run
    this.#isOfOne = isOfOne
  }

  add(store: Store, item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ store, item, resolve, reject })
      this.#plan()
    })
  }

  /** Goes on once all that has come in together was looked at. */
  #plan(): void {
    if (this.#isDue) return
    this.#isDue = true
    setImmediate(() => {
      this.#isDue = false
      while (this.#running < LANES && this.#waiting.length > 0)
        void this.#do(this.#waiting.splice(0, MOST))
    })
  }

  async #do(batch: readonly Waiting<Store, Item, Result>[]): Promise<void> {
    this.#running += 1
    try {
      await this.#together(batch)
    } finally {
      this.#running -= 1
      if (this.#waiting.length > 0) this.#plan()
    }
  }

  async #together(batch: readonly Waiting<Store, Item, Result>[]): Promise<void> {
    const [first] = batch
    if (first === undefined) return
    try {
      const items = batch.map(({ item }) => item)
      const results = await this.#run(first.store, items)
      for (const [place, { resolve }] of batch.entries()) resolve(results[place] as Result) // one for each
    } catch (cause) {
      if (batch.length === 1 || !this.#isOfOne(cause))
        return batch.forEach(({ reject }) => reject(cause))
      for (const one of batch) await this.#together([one])
    }
  }
}
