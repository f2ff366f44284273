import { randomUUID } from 'node:crypto'
import type { Site } from '../../context.ts'
import { Prisma, type Service } from '../../generated/prisma/client.ts'
import {
  claimOnce,
  DISPATCH,
  expireLeases,
  HeldJobs,
  MAX_LEASE_SECONDS,
  type Ending,
  type HeldJob,
} from '../../job-engine/index.ts'
import { Rounds } from '../../kit/rounds.ts'
import { runBulk } from './bulk.ts'
import { callProcess } from './call.ts'

/** Jobs that one server does at once, and those of one service among them. */
const AT_ONCE = 32
const OF_ONE = 8
/** How often queues are looked at for hints that were lost. */
const CHECK_MS = 1_000

type Queue = Pick<Service, 'id' | 'organizationId' | 'isBuiltIn' | 'concurrency' | 'hasLanes'>

/**
 * Does the jobs that no worker comes for: those of services that run as processes, by calling them, and those of the
 * built-in service. It claims like any worker, with the lease of a server, so that what a server leaves behind another
 * does again; one that comes again knows that its own earlier run is dead, and has its jobs done again at once.
 */
export class Dispatcher {
  readonly #site: Site
  readonly #held: HeldJobs
  readonly #name: string
  readonly #perService = new Map<string, number>()
  readonly #rounds: Rounds
  #listening: Promise<() => void> | undefined

  constructor(site: Site) {
    this.#site = site
    this.#name = `server ${site.server.id}`
    this.#held = new HeldJobs(site, { kind: 'WORKER', name: this.#name })
    this.#rounds = new Rounds(
      () => this.#takeAll(),
      (err) => site.log.warn({ err }, 'could not take jobs to do; trying again'),
    )
  }

  /** The data folder is locked: whatever this server held before has nobody now. */
  async start(): Promise<void> {
    const { bus, log } = this.#site
    await expireLeases(this.#site, this.#name)
    this.#rounds.every(CHECK_MS)
    // not awaited: a bus that is away keeps nobody waiting
    this.#listening = bus.subscribe(DISPATCH, () => void this.#rounds.ask())
    this.#listening.catch((err: unknown) => {
      if (this.#rounds.isClosed) return
      log.warn({ err }, 'could not listen for jobs; looking for them now and then')
    })
  }

  /** Takes no more, and gives back what is not done within the grace. */
  async close(graceMs: number): Promise<void> {
    const taken = this.#rounds.close()
    void this.#listening?.then((stop) => stop()).catch(() => {}) // said above
    await taken
    await this.#held.close(graceMs)
  }

  async #takeAll(): Promise<void> {
    for (const queue of await this.#queues()) await this.#take(queue)
  }

  /** Services whose jobs the server does itself, and in which some wait. */
  async #queues(): Promise<Queue[]> {
    if (this.#held.size >= AT_ONCE) return []
    return this.#site.database.query(
      Prisma.sql`
        SELECT s.id, s."organizationId", s."isBuiltIn", s.concurrency, s."hasLanes" FROM "Service" AS s
        WHERE s."deletedAt" IS NULL AND (s."isBuiltIn" OR (s.kind = 'PROCESS' AND s.status IN ('READY', 'SCALING')))
          AND EXISTS (
            SELECT FROM "Job" AS j WHERE j."serviceId" = s.id AND j.status = 'QUEUED' AND j."readyAt" <= now())
        ORDER BY random() LIMIT ${AT_ONCE}::int`,
      { name: 'queues-to-dispatch' },
    )
  }

  async #take(queue: Queue): Promise<void> {
    const running = this.#perService.get(queue.id) ?? 0
    const room = Math.min(AT_ONCE - this.#held.size, OF_ONE - running)
    if (room <= 0 || this.#rounds.isClosed) return
    const leases = await claimOnce(this.#site, {
      organizationId: queue.organizationId,
      queues: [queue],
      worker: this.#name,
      actor: { kind: 'WORKER', name: this.#name },
      claimId: randomUUID(),
      max: room,
      leaseSeconds: Math.min(MAX_LEASE_SECONDS, Math.ceil(this.#site.config.leaseMs / 1000)),
    })
    for (const lease of leases) {
      this.#perService.set(queue.id, (this.#perService.get(queue.id) ?? 0) + 1)
      const handler = (job: HeldJob): Promise<Ending> =>
        queue.isBuiltIn ? runBulk(this.#site, job) : callProcess(this.#site, job)
      this.#held.run(lease, handler, () => {
        const left = (this.#perService.get(queue.id) ?? 1) - 1
        if (left === 0) this.#perService.delete(queue.id)
        else this.#perService.set(queue.id, left)
        void this.#rounds.ask()
      })
    }
  }
}
