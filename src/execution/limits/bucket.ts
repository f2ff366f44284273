import { LRUCache } from 'lru-cache'

/** Callers whose rate is remembered; past that, whoever has been quiet longest is forgotten. */
const CALLERS = 10_000
/** Seconds that a caller may be ahead of the rate. */
const BURST_SECONDS = 2

interface Bucket {
  /** Operations that may begin at once. */
  tokens: number
  at: number
}

/** A token bucket for each caller: `rate` operations a second, and twice as many at once after a pause. */
export class Buckets {
  readonly #rate: number
  readonly #now: () => number
  readonly #buckets = new LRUCache<string, Bucket>({ max: CALLERS })

  /** `now` is in milliseconds. */
  constructor(rate: number, now: () => number) {
    this.#rate = rate
    this.#now = now
  }

  get size(): number {
    return this.#buckets.size
  }

  /** Takes one; answers how many seconds to wait where there is none, 0 where there was one. */
  take(key: string): number {
    const now = this.#now()
    const full = this.#rate * BURST_SECONDS
    const bucket = this.#buckets.get(key) ?? { tokens: full, at: now }
    bucket.tokens = Math.min(full, bucket.tokens + ((now - bucket.at) / 1000) * this.#rate)
    bucket.at = now
    this.#buckets.set(key, bucket)
    this.#forget(now)
    if (bucket.tokens < 1) return (1 - bucket.tokens) / this.#rate
    bucket.tokens -= 1
    return 0
  }

  /** A bucket that is full again says nothing; the first is the one that has been quiet longest. */
  #forget(now: number): void {
    for (const key of this.#buckets.rkeys()) {
      const { at = now } = this.#buckets.peek(key) ?? {}
      if (now - at < BURST_SECONDS * 1000) return
      this.#buckets.delete(key)
    }
  }
}
