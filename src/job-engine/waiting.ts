import type { Database } from '../db/database.ts'
import { Prisma } from '../generated/prisma/client.ts'
import type { Logger } from '../kit/logger.ts'
import { Rounds } from '../kit/rounds.ts'
import type { Bus } from '../ports/bus/bus.ts'
import { queuedTopic } from './publish.ts'

/** How often the queues are looked at for hints that were lost, and for jobs whose time has come. */
const CHECK_MS = 1_000

interface Waiter {
  readonly serviceIds: readonly string[]
  /** It takes no jobs itself, so every hint is for it too. */
  readonly isWatcher: boolean
  wake(): void
}

/**
 * Those who wait for jobs on this server: claims, and subscribers of jobQueued. Hints wake as many claims as jobs
 * came, the longest waiting first; a claim that was woken for nothing waits on. Once a second one statement looks at
 * the queues of all services that somebody waits for: a lost hint costs latency only.
 */
export class Waiting {
  readonly #database: Database
  readonly #bus: Bus
  readonly #log: Logger
  readonly #queues = new Map<string, { waiters: Set<Waiter>; stop: Promise<() => void> }>()
  readonly #looks: Rounds

  constructor(database: Database, bus: Bus, log: Logger) {
    this.#database = database
    this.#bus = bus
    this.#log = log
    this.#looks = new Rounds(
      () => this.#look(),
      (err) => log.warn({ err }, 'could not look for jobs; trying again'),
    ).every(CHECK_MS)
  }

  /** True once the server hands out no jobs any more. */
  get isClosed(): boolean {
    return this.#looks.isClosed
  }

  /**
   * Begins to listen for jobs of these services; look for them after that, and before each `woken`. Whoever listens
   * leaves. `woken` resolves when there may be some, when the time is over, or when the signal fires.
   */
  listen(
    serviceIds: readonly string[],
    { isWatcher = false }: { isWatcher?: boolean } = {},
  ): {
    woken(withinMs: number, signal: AbortSignal): Promise<void>
    /** Wakes the next in place of this one, which has been woken and goes. */
    passOn(): void
    leave(): void
  } {
    let isWoken = false
    let resolve: (() => void) | undefined
    const waiter: Waiter = {
      serviceIds,
      isWatcher,
      wake: () => {
        isWoken = true
        resolve?.()
      },
    }
    for (const id of serviceIds) this.#join(id, waiter)
    return {
      woken: (withinMs, signal) =>
        new Promise<void>((done) => {
          const over = (): void => {
            clearTimeout(timer)
            signal.removeEventListener('abort', over)
            resolve = undefined
            isWoken = false
            done()
          }
          const timer = setTimeout(over, Math.max(0, withinMs))
          if (isWoken || signal.aborted || this.isClosed) return over()
          resolve = over
          signal.addEventListener('abort', over, { once: true })
        }),
      passOn: () => {
        for (const id of serviceIds) this.#wake(id, 1)
      },
      leave: () => {
        for (const id of serviceIds) this.#part(id, waiter)
      },
    }
  }

  /** Lets everybody go: what waits answers what it has. */
  close(): void {
    void this.#looks.close()
    for (const { waiters } of this.#queues.values()) for (const waiter of waiters) waiter.wake()
  }

  #join(id: string, waiter: Waiter): void {
    const queue = this.#queues.get(id) ?? {
      waiters: new Set(),
      stop: this.#bus.subscribe(queuedTopic(id), (hint) => this.#wake(id, Number(hint) || 1)),
    }
    queue.stop.catch((err: unknown) => this.#log.warn({ err }, 'could not listen for jobs'))
    this.#queues.set(id, queue)
    queue.waiters.add(waiter)
  }

  #part(id: string, waiter: Waiter): void {
    const queue = this.#queues.get(id)
    if (queue === undefined || !queue.waiters.delete(waiter) || queue.waiters.size > 0) return
    this.#queues.delete(id)
    void queue.stop.then((stop) => stop()).catch(() => {}) // said above
  }

  /** Wakes up to so many, and puts them behind the others. */
  #wake(id: string, count: number): void {
    const waiters = this.#queues.get(id)?.waiters
    if (waiters === undefined) return
    let left = count
    const asked = Array.from(waiters) // the set changes on the way
    for (const waiter of asked) {
      if (!waiter.isWatcher) {
        if (left === 0) continue
        left -= 1
        waiters.delete(waiter)
        waiters.add(waiter)
      }
      waiter.wake()
    }
  }

  async #look(): Promise<void> {
    if (this.#queues.size === 0) return
    const rows = await this.#database.query<{ id: string; waiting: bigint }>(
      Prisma.sql`
        SELECT s.id, w.waiting FROM unnest(${[...this.#queues.keys()]}::uuid[]) AS s(id) CROSS JOIN LATERAL (
          SELECT count(*) AS waiting FROM (
            SELECT FROM "Job" AS j WHERE j."serviceId" = s.id AND j.status = 'QUEUED' AND j.lane IS NULL
              AND j."readyAt" <= now() LIMIT 100) AS free) AS w
        WHERE w.waiting > 0 OR EXISTS (
          SELECT FROM "Job" AS j WHERE j."serviceId" = s.id AND j.status = 'QUEUED' AND j.lane IS NOT NULL)`,
      { name: 'look-for-jobs' },
    )
    for (const { id, waiting } of rows) this.#wake(id, Math.max(1, Number(waiting)))
  }
}
