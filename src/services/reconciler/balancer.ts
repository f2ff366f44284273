import { setTimeout as pause } from 'node:timers/promises'
import { Pool } from 'undici'

/** A healthy instance that requests can be sent to. */
export interface Target {
  readonly instanceId: string
  readonly url: string
  readonly pool: Pool
  inFlight: number
}

/** How long an idle connection to an instance is kept; short, because programs close theirs when they like. */
const KEEP_ALIVE_MS = 1_000
/** How often a leaving target is looked at. */
const LOOK_MS = 20

/** Knows which instances of this server answer, and sends each request to the one with the fewest. */
export class Balancer {
  readonly #targets = new Map<string, Map<string, Target>>()

  add(serviceId: string, instanceId: string, url: string, timeoutMs: number): void {
    const pool = new Pool(url, {
      connections: null,
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
    })
    const targets = this.#targets.get(serviceId) ?? new Map<string, Target>()
    targets.set(instanceId, { instanceId, url, pool, inFlight: 0 })
    this.#targets.set(serviceId, targets)
  }

  /** The least busy instance, with the request counted; whoever takes it calls `release` once. */
  take(serviceId: string): Target | undefined {
    let best: Target | undefined
    for (const target of this.#targets.get(serviceId)?.values() ?? [])
      if (best === undefined || target.inFlight < best.inFlight) best = target
    if (best !== undefined) best.inFlight += 1
    return best
  }

  /** How many instances of a service answer. */
  count(serviceId: string): number {
    return this.#targets.get(serviceId)?.size ?? 0
  }

  release(target: Target): void {
    target.inFlight -= 1
  }

  /** Requests in flight by instance. */
  *load(): Generator<{ instanceId: string; inFlight: number }> {
    for (const targets of this.#targets.values()) yield* targets.values()
  }

  /** Sends nothing more to an instance, and resolves when it has answered what it has, or after `graceMs`. */
  async remove(serviceId: string, instanceId: string, graceMs: number): Promise<void> {
    const targets = this.#targets.get(serviceId)
    const target = targets?.get(instanceId)
    if (targets === undefined || target === undefined) return
    targets.delete(instanceId)
    if (targets.size === 0) this.#targets.delete(serviceId)
    const until = performance.now() + graceMs
    while (target.inFlight > 0 && performance.now() < until) await pause(LOOK_MS)
    // what is still in flight ends with its process, which tells its caller
    void target.pool.close().catch(() => {})
  }
}
