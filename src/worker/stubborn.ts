import { patiently } from '../kit/patience.ts'
import { Away } from './api.ts'

/** There was no time left to wait for the server. */
export class GivenUp extends Error {}

export interface Stubbornness {
  readonly signal: AbortSignal
  readonly faultMs: number
  /** Told of each try: that the server is away, or (undefined) that it answered. */
  readonly heard: (failure: Away | undefined) => void
}

/**
 * Does something again until the server has answered it: through every outage, however long, since only the server
 * knows whether a lease is still good. A server that answers with faults is given `faultMs`, then the last one is
 * thrown. What is no outage is thrown at once, and GivenUp when the signal fires.
 */
export async function stubbornly<T>(
  work: () => Promise<T>,
  { signal, faultMs, heard }: Stubbornness,
): Promise<T> {
  let faultyFrom: number | undefined
  const complain = (cause: unknown): void => {
    if (signal.aborted) return
    heard(cause instanceof Away && !cause.isFault ? cause : undefined)
    if (!(cause instanceof Away)) throw cause
    if (!cause.isFault) return void (faultyFrom = undefined)
    faultyFrom ??= performance.now()
    if (performance.now() - faultyFrom > faultMs) throw cause
  }
  const done = await patiently(async () => ({ value: await work() }), signal, complain)
  if (done === undefined) throw new GivenUp('The worker stopped before the server answered.')
  heard(undefined)
  return done.value
}
