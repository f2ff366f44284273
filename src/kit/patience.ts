import { setTimeout as pause } from 'node:timers/promises'
import { outageIn } from './errors.ts'

const FIRST_MS = 100
const MAX_MS = 2_000

/**
 * Does something again until it succeeds, for what outlives an outage: a follower, a log being written. `complain`
 * hears of every failure; what it throws ends the patience. Undefined when the signal fires first.
 */
export async function patiently<T>(
  work: () => Promise<T> | T,
  signal: AbortSignal,
  complain: (cause: unknown) => void,
): Promise<T | undefined> {
  for (let delayMs = FIRST_MS; !signal.aborted; delayMs = Math.min(delayMs * 2, MAX_MS)) {
    try {
      return await work()
    } catch (cause) {
      complain(cause)
      await pause(delayMs, undefined, { signal }).catch(() => {})
    }
  }
  return undefined
}

/**
 * Does something that an outage may keep from being done, once that is over. Throws whatever else it fails with, and the
 * signal's reason when that fires first.
 */
export async function throughOutages<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const done = await patiently(async () => ({ value: await work() }), signal, unlessOutage)
  if (done === undefined) throw signal.reason
  return done.value
}

function unlessOutage(cause: unknown): void {
  if (outageIn(cause) === undefined) throw cause
}
