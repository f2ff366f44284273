import { setTimeout as pause } from 'node:timers/promises'
import { Pool } from 'undici'
import type { RunningInstance } from '../../../ports/runtime/runtime.ts'
import { TimedOut, Unavailable, type DomainError } from '../../../kit/errors.ts'

/** A healthy instance that requests can be sent to. */
export interface ReadyInstance {
  readonly serviceId: string
  readonly instanceId: string
  readonly url: string
  /** What a request must carry. */
  readonly headers: Readonly<Record<string, string>>
  readonly pool: Pool
  inFlight: number
  /** As many of them as have become connections of their own, which have no end that could be waited for. */
  connections: number
}

/** A request that waits for an instance. */
interface Waiter {
  send(target: ReadyInstance): void
  refuse(why: unknown): void
}

/** What is known of one service. */
interface Group {
  readonly targets: Map<string, ReadyInstance>
  readonly waiters: Set<Waiter>
  /** Requests under way, those that wait included. */
  inFlight: number
  saw: ((inFlight: number) => void) | undefined
}

/** How long an idle connection to an instance is kept; short, because programs close theirs when they like. */
const KEEP_ALIVE_MS = 1_000
/** How often a leaving target is looked at. */
const LOOK_MS = 20
/** Most requests of one service that wait at a time. */
const MAX_WAITING = 2_000

/**
 * Knows which instances of this server answer, and sends each request to the one with the fewest. Where there is none, a
 * request may wait for the next.
 */
export class Balancer {
  readonly #groups = new Map<string, Group>()
  #isClosed = false

  add(
    serviceId: string,
    instanceId: string,
    { url, headers }: Pick<RunningInstance, 'url' | 'headers'>,
    timeoutMs: number,
  ): void {
    const pool = new Pool(url, {
      connections: null,
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: timeoutMs,
    })
    const group = this.#group(serviceId)
    group.targets.set(instanceId, {
      serviceId,
      instanceId,
      url,
      headers,
      pool,
      inFlight: 0,
      connections: 0,
    })
    for (const waiter of group.waiters) {
      const target = leastBusy(group)
      if (target !== undefined) waiter.send(target)
    }
  }

  /** Tells now, and whenever it changes, how many requests of a service are under way; answers how to stop. */
  watch(serviceId: string, saw: (inFlight: number) => void): () => void {
    const group = this.#group(serviceId)
    group.saw = saw
    saw(group.inFlight)
    return () => {
      if (group.saw === saw) group.saw = undefined
      this.#tidy(serviceId)
    }
  }

  /** The least busy instance, with the request counted; whoever takes it calls `release` once. */
  take(serviceId: string): ReadyInstance | undefined {
    const group = this.#groups.get(serviceId)
    const target = group && leastBusy(group)
    if (target === undefined) return undefined
    target.inFlight += 1
    this.#count(serviceId, 1)
    return target
  }

  /**
   * The same as soon as there is one. Throws TimedOut when none has come in time, Unavailable when none will or too
   * many wait already, and what the signal says.
   */
  async wait(serviceId: string, signal: AbortSignal, timeoutMs: number): Promise<ReadyInstance> {
    const target = this.take(serviceId)
    if (target !== undefined) return target
    if (this.#isClosed) throw new Unavailable('NO_INSTANCE', 'This server is being stopped.', 1)
    const { waiters } = this.#group(serviceId)
    if (waiters.size >= MAX_WAITING)
      throw new Unavailable('NO_INSTANCE', 'Too many requests wait for an instance already.', 1)
    return new Promise<ReadyInstance>((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', abort)
        waiters.delete(waiter)
      }
      const waiter: Waiter = {
        send: (one) => {
          end()
          one.inFlight += 1 // of the service it is counted already
          resolve(one)
        },
        refuse: (why) => {
          end()
          this.#count(serviceId, -1)
          reject(why)
        },
      }
      const abort = (): void => waiter.refuse(signal.reason)
      const late = new TimedOut('No instance has come up in time.')
      const timer = setTimeout(() => waiter.refuse(late), timeoutMs)
      signal.addEventListener('abort', abort)
      waiters.add(waiter)
      this.#count(serviceId, 1)
      if (signal.aborted) abort()
    })
  }

  /** How many instances of a service answer. */
  count(serviceId: string): number {
    return this.#groups.get(serviceId)?.targets.size ?? 0
  }

  /** How many requests wait for an instance. */
  waiting(): number {
    return [...this.#groups.values()].reduce((sum, { waiters }) => sum + waiters.size, 0)
  }

  /** The end of a request that was taken, which was a connection at last or was none. */
  release(target: ReadyInstance, isConnection: boolean): void {
    target.inFlight -= 1
    if (isConnection) target.connections -= 1
    this.#count(target.serviceId, -1)
  }

  /** A request that was taken has become a connection: its instance need not answer it before it leaves. */
  connected(target: ReadyInstance): void {
    target.connections += 1
  }

  /** No instance will come for those who wait. */
  refuse(serviceId: string, why: DomainError): void {
    for (const waiter of this.#groups.get(serviceId)?.waiters ?? []) waiter.refuse(why)
  }

  /** Nobody may wait any more. */
  close(): void {
    this.#isClosed = true
    const why = new Unavailable('NO_INSTANCE', 'This server is being stopped.', 1)
    for (const serviceId of this.#groups.keys()) this.refuse(serviceId, why)
  }

  /** Requests in flight by instance. */
  *load(): Generator<{ instanceId: string; inFlight: number }> {
    for (const { targets } of this.#groups.values()) yield* targets.values()
  }

  /**
   * Sends nothing more to an instance, and resolves when it has answered what it has, or when `until` is past. Its
   * connections are its own to close: it is told to end, and knows how to say so in their protocol.
   */
  async remove(serviceId: string, instanceId: string, until: () => number): Promise<void> {
    const target = this.#groups.get(serviceId)?.targets.get(instanceId)
    if (target === undefined) return
    this.#groups.get(serviceId)?.targets.delete(instanceId)
    this.#tidy(serviceId)
    while (target.inFlight > target.connections && performance.now() < until()) await pause(LOOK_MS)
    // what is still in flight ends with its process, which tells its caller
    void target.pool.close().catch(() => {})
  }

  #group(serviceId: string): Group {
    const group = this.#groups.get(serviceId) ?? {
      targets: new Map<string, ReadyInstance>(),
      waiters: new Set<Waiter>(),
      inFlight: 0,
      saw: undefined,
    }
    this.#groups.set(serviceId, group)
    return group
  }

  #count(serviceId: string, change: 1 | -1): void {
    const group = this.#group(serviceId)
    group.inFlight += change
    group.saw?.(group.inFlight)
    this.#tidy(serviceId)
  }

  #tidy(serviceId: string): void {
    const group = this.#groups.get(serviceId)
    if (group === undefined || group.saw !== undefined) return
    if (group.targets.size === 0 && group.inFlight === 0) this.#groups.delete(serviceId)
  }
}

function leastBusy({ targets }: Group): ReadyInstance | undefined {
  let best: ReadyInstance | undefined
  for (const target of targets.values())
    if (best === undefined || target.inFlight < best.inFlight) best = target
  return best
}
