import { setTimeout as pause } from 'node:timers/promises'
import type { Platform } from '../context.ts'
import { Rounds } from '../kit/rounds.ts'
import { BUCKETS, bucketOf } from './histogram.ts'
import type { Minute } from './minute.ts'
import { keepMinutes } from './store.ts'

/** How often what was counted is stored: what `kill -9` may cost. */
const FLUSH_MS = 2_000
const MINUTE_MS = 60_000
/** Minutes of services that wait for the database to come back; the oldest go first. */
const MAX_WAITING = 20_000

/**
 * Counts the calls that come through this server, in memory, and stores the counts every two seconds, all services
 * with one statement. A minute is stored whole each time, over what this run of the server stored of it before, so
 * storing it again after a failure counts nothing twice. A call is counted in the minute in which it ends.
 */
export class TrafficRecorder {
  readonly #platform: Pick<Platform, 'database' | 'log' | 'now' | 'server'>
  readonly #current = new Map<string, Minute>()
  readonly #inFlight = new Map<string, number>()
  /** Minutes that are over and may not be stored yet. */
  #past: Minute[] = []
  #at = 0
  readonly #flushes: Rounds

  constructor(platform: Pick<Platform, 'database' | 'log' | 'now' | 'server'>) {
    this.#platform = platform
    this.#flushes = new Rounds(
      () => this.#store(),
      (err) => platform.log.warn({ err }, 'could not store counts of calls; trying again'),
    ).every(FLUSH_MS)
  }

  /** A call goes to an instance, one of so many. Answers what is to be called once, when it has ended. */
  begin(serviceId: string, instances: number): (isError: boolean) => void {
    const began = performance.now()
    const inFlight = (this.#inFlight.get(serviceId) ?? 0) + 1
    this.#inFlight.set(serviceId, inFlight)
    const minute = this.#minute(serviceId)
    minute.maxInFlight = Math.max(minute.maxInFlight, inFlight)
    minute.instances = Math.max(minute.instances, instances)
    minute.isStored = false
    return (isError) => {
      // the minute of its end, while it still counts among those in flight
      const last = this.#minute(serviceId)
      last.requests += 1
      if (isError) last.errors += 1
      const bucket = bucketOf(performance.now() - began)
      last.counts[bucket] = (last.counts[bucket] ?? 0) + 1
      last.isStored = false
      const left = (this.#inFlight.get(serviceId) ?? 1) - 1
      if (left > 0) this.#inFlight.set(serviceId, left)
      else this.#inFlight.delete(serviceId)
    }
  }

  /** A call that no instance was there for. */
  refused(serviceId: string): void {
    const minute = this.#minute(serviceId)
    minute.requests += 1
    minute.errors += 1
    minute.isStored = false
  }

  /** Stores what was counted so far; what cannot be stored now waits. */
  flush(): Promise<void> {
    return this.#flushes.ask()
  }

  /** Stores what was counted; what cannot be stored within `graceMs` is lost. */
  async close(graceMs: number): Promise<void> {
    await Promise.race([this.flush(), pause(Math.max(graceMs, 1_000), undefined, { ref: false })])
    void this.#flushes.close()
  }

  #minute(serviceId: string): Minute {
    // never back, so that no minute is begun twice and stored over itself
    this.#at = Math.max(
      this.#at,
      Math.floor(this.#platform.now().getTime() / MINUTE_MS) * MINUTE_MS,
    )
    const known = this.#current.get(serviceId)
    if (known?.at === this.#at) return known
    if (known !== undefined) this.#past.push(known)
    const inFlight = this.#inFlight.get(serviceId) ?? 0
    const minute: Minute = {
      serviceId,
      at: this.#at,
      requests: 0,
      errors: 0,
      maxInFlight: inFlight,
      instances: inFlight > 0 ? (known?.instances ?? 0) : 0,
      counts: new Uint32Array(BUCKETS),
      isStored: inFlight === 0,
    }
    this.#current.set(serviceId, minute)
    return minute
  }

  async #store(): Promise<void> {
    const { database, log, server } = this.#platform
    // a call that lasts for minutes is in flight in each
    for (const serviceId of this.#inFlight.keys()) this.#minute(serviceId)
    const waiting = this.#past.filter(({ isStored }) => !isStored)
    if (waiting.length > MAX_WAITING)
      log.warn({ minutes: waiting.length - MAX_WAITING }, 'counts of calls are lost: too many wait')
    this.#past = waiting.slice(-MAX_WAITING)
    const minutes = [...this.#past, ...this.#current.values()].filter(({ isStored }) => !isStored)
    if (minutes.length > 0) {
      for (const minute of minutes) minute.isStored = true
      try {
        await keepMinutes(database, server.run, minutes)
      } catch (cause) {
        for (const minute of minutes) minute.isStored = false
        throw cause
      }
    }
    for (const [serviceId, { at, isStored }] of this.#current)
      if (isStored && at < this.#at) this.#current.delete(serviceId)
  }
}
