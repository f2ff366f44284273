/**
 * Durations on a logarithmic scale: each bucket ends a fifth above where it begins, and is read as its geometric
 * middle. So what is read of it is within 10 % of what was counted, from 0.1 ms to an hour; shorter and longer ones
 * are counted with the first and the last bucket.
 */
const STEP = 1.2
const FIRST_MS = 0.1
const LAST_MS = 3_600_000

const bucketAt = (ms: number): number => Math.floor(Math.log(ms / FIRST_MS) / Math.log(STEP))
export const BUCKETS = bucketAt(LAST_MS) + 1

/** The bucket of a duration. */
export const bucketOf = (ms: number): number =>
  Math.min(BUCKETS - 1, Math.max(0, ms > FIRST_MS ? bucketAt(ms) : 0))

const middleMs = (bucket: number): number => FIRST_MS * STEP ** (bucket + 0.5)

/** How many durations there were in which bucket, by rising bucket. */
export interface Histogram {
  readonly buckets: readonly number[]
  readonly counts: readonly number[]
}

/** The duration that a share of all stay within, in milliseconds; null when there are none. */
export function quantileMs({ buckets, counts }: Histogram, share: number): number | null {
  const total = counts.reduce((sum, count) => sum + count, 0)
  let left = Math.max(1, Math.ceil(total * share))
  for (const [place, bucket] of buckets.entries()) {
    left -= counts[place] ?? 0
    if (left <= 0) return Math.round(middleMs(bucket) * 1000) / 1000
  }
  return null
}
