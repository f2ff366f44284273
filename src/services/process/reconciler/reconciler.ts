import { once } from 'node:events'
import type { Platform } from '../../../context.ts'
import { Prisma } from '../../../generated/prisma/client.ts'
import { Rounds } from '../../../kit/rounds.ts'
import type { Runtime } from '../../../ports/runtime/runtime.ts'
import { ATTENTION, type ProcessStatus } from '../../service.ts'
import { Balancer } from './balancer.ts'
import { endLeftovers, type Unread } from './leftovers.ts'
import { Outputs } from './outputs.ts'
import { Supervisor } from './supervisor.ts'
import { unready } from './unready.ts'

/** How often leases are renewed and services without an owner looked for. */
const TICK_MS = 2_000
/** Services taken at a time, so that servers that start together share them. */
const CLAIM = 50

/** At a stop, how long before its end no more output is stored, so that there is time to hand the services over. */
const HAND_OVER_MS = 2_000
/** Why services are not READY that nobody runs. */
const UNOWNED = 'The server that ran it has ended or was cut off; its instances are being started.'

/** Services, of a table `t`, that belong to no server. */
const UNCLAIMED = Prisma.sql`(t."ownerRun" IS NULL OR t."ownedUntil" < now())`

/** The part of a lease after which a server that could not renew it gives its services up. */
const GIVE_UP = 0.75

/**
 * Owns services by a lease in the database and has a Supervisor for each. A server that cannot renew its leases in
 * time must assume that others have them, and ends its processes before they may. On the embedded database there
 * are no others.
 */
export class Reconciler {
  readonly balancer = new Balancer()
  readonly #platform: Platform
  readonly #runtime: Runtime
  readonly #outputs: Outputs
  #unread: readonly Unread[] = []
  readonly #supervisors = new Map<string, Supervisor>()
  #renewedAt = performance.now()
  readonly #closing = new AbortController()
  readonly #rounds: Rounds
  #timer: NodeJS.Timeout | undefined
  #unsubscribe: () => void = () => {}
  #told = new Map<string, number>()

  constructor(platform: Platform, runtime: Runtime) {
    this.#platform = platform
    this.#runtime = runtime
    this.#outputs = new Outputs(platform)
    this.#rounds = new Rounds(
      () => this.#round(),
      async (err) => {
        platform.log.warn({ err }, 'could not renew the ownership of services; trying again')
        await this.#loseWhatIsOld()
      },
    )
    platform.metrics.gauge('millrace_services_owned', () => this.#owned())
    platform.metrics.gauge('millrace_invocations_waiting', () => this.balancer.waiting())
  }

  /**
   * Ends what an earlier run of this server left running, and tells of its services that nobody runs them. To be done
   * before anybody is told anything.
   */
  async reclaim(): Promise<void> {
    const { database, server } = this.#platform
    this.#unread = await endLeftovers(this.#platform, this.#runtime)
    // the data folder is locked, so whatever this server owned in an earlier run has nobody now
    const wasOurs = Prisma.sql`t."ownerServer" = ${server.id}::uuid`
    await unready(this.#platform, wasOurs, UNOWNED)
    await database.query(
      Prisma.sql`UPDATE "Service" AS t SET "ownerRun" = NULL, "ownedUntil" = NULL WHERE ${wasOurs}`,
    )
  }

  /**
   * Owns services until `stop`. What an earlier run left to be read is stored meanwhile, each log for itself: nobody
   * waits for it.
   */
  async start(): Promise<void> {
    const { bus, database, server, log } = this.#platform
    for (const { printer, leftover, position } of this.#unread)
      this.#outputs.readOn(printer, leftover, position)
    this.#unread = []
    await database.query(Prisma.sql`
      INSERT INTO "Server" (id, run, url) VALUES (${server.id}::uuid, ${server.run}::uuid, ${server.url})
      ON CONFLICT (id) DO UPDATE SET run = excluded.run, url = excluded.url, "startedAt" = now(), "seenAt" = now()`)
    bus
      .subscribe(ATTENTION, (id) => this.#attend(id))
      .then((unsubscribe) => (this.#unsubscribe = unsubscribe))
      .catch((cause: unknown) => log.warn({ err: cause }, 'no hints about services will be heard'))
    this.#timer = setInterval(
      () => {
        if (this.#rounds.isRunning) void this.#loseWhatIsOld() // the database is silent
        void this.#rounds.ask()
      },
      Math.min(TICK_MS, this.#platform.config.leaseMs / 4),
    )
    await this.#rounds.ask()
  }

  /**
   * Ends all processes in good order; the services stay wanted, and their next owner starts them again. Output that is
   * not stored within `graceMs`, and all else when the database does not answer, is left to the next start.
   */
  async stop(graceMs: number): Promise<void> {
    this.balancer.close()
    clearInterval(this.#timer)
    this.#unsubscribe()
    const leaving = setTimeout(
      () => this.#outputs.leave(),
      Math.max(graceMs / 2, graceMs - HAND_OVER_MS),
    )
    const late = setTimeout(() => this.#closing.abort(), graceMs)
    try {
      await Promise.race([this.#drain(), once(this.#closing.signal, 'abort')])
    } finally {
      clearTimeout(leaving)
      clearTimeout(late)
      this.#outputs.leave()
      this.#closing.abort()
    }
  }

  async #drain(): Promise<void> {
    await this.#rounds.close()
    await Promise.all([...this.#supervisors.values()].map((supervisor) => supervisor.drain()))
    const { database, server } = this.#platform
    // what the last round claimed and nobody began with
    await database.query(Prisma.sql`
      UPDATE "Service" SET "ownerServer" = NULL, "ownerRun" = NULL, "ownedUntil" = NULL
      WHERE "ownerRun" = ${server.run}::uuid AND "deletedAt" IS NULL`)
    await this.#outputs.allStored()
  }

  /** How many services of each status. */
  #owned(): Partial<Record<ProcessStatus, number>> {
    const owned: Partial<Record<ProcessStatus, number>> = {}
    for (const { status } of this.#supervisors.values())
      if (status !== undefined) owned[status] = (owned[status] ?? 0) + 1
    return owned
  }

  #attend(id: string): void {
    const supervisor = this.#supervisors.get(id)
    if (supervisor === undefined) void this.#rounds.ask()
    else supervisor.wake()
  }

  async #round(): Promise<void> {
    await this.#renew()
    await unready(this.#platform, UNCLAIMED, UNOWNED)
    await this.#claim()
    await this.#tellLoad()
  }

  async #renew(): Promise<void> {
    const { database, config, server } = this.#platform
    const began = performance.now()
    const rows = await database.query<{ id: string; revision: bigint }>(
      Prisma.sql`
        WITH seen AS (UPDATE "Server" SET "seenAt" = now() WHERE id = ${server.id}::uuid)
        UPDATE "Service" SET "ownedUntil" = now() + make_interval(secs => ${config.leaseMs / 1000}::float8)
        WHERE "ownerRun" = ${server.run}::uuid RETURNING id, revision`,
      { name: 'renew-services' },
    )
    this.#renewedAt = began
    const held = new Set(rows.map(({ id }) => id))
    for (const [id, supervisor] of this.#supervisors) if (!held.has(id)) supervisor.wake()
    for (const { id, revision } of rows) this.#supervisors.get(id)?.saw(revision)
    // lost in an outage, and taken by nobody else
    const lost = [...held].filter((id) => !this.#supervisors.has(id))
    if (lost.length === 0) return
    await unready(this.#platform, Prisma.sql`t.id = ANY(${lost}::uuid[])`, UNOWNED)
    for (const id of lost) await this.#take(id)
  }

  async #claim(): Promise<void> {
    const { database, config, server, metrics } = this.#platform
    const rows = await database.query<{ id: string; isTakeover: boolean }>(
      Prisma.sql`
        UPDATE "Service" AS s SET "ownerServer" = ${server.id}::uuid, "ownerRun" = ${server.run}::uuid,
          "ownedUntil" = now() + make_interval(secs => ${config.leaseMs / 1000}::float8)
        FROM (
          SELECT id, "ownerRun" AS before FROM "Service" AS t
          WHERE kind = 'PROCESS' AND "closedAt" IS NULL AND ${UNCLAIMED}
            AND (status IN ('STARTING', 'READY', 'SCALING', 'STOPPING') OR "deletedAt" IS NOT NULL)
          ORDER BY serial LIMIT ${CLAIM} FOR UPDATE SKIP LOCKED) AS due
        WHERE s.id = due.id RETURNING s.id, due.before IS NOT NULL AS "isTakeover"`,
      { name: 'claim-services' },
    )
    const takeovers = rows.filter(({ isTakeover }) => isTakeover).length
    metrics.count('millrace_service_takeovers_total', takeovers)
    for (const { id } of rows) await this.#take(id)
    if (rows.length === CLAIM) void this.#rounds.ask()
  }

  /**
   * Begins to look after a service. The instances it had under another server, or under this one before it lost the
   * service, are no longer the service's; what they printed is theirs who have them to deliver.
   */
  async #take(id: string): Promise<void> {
    const { database, server } = this.#platform
    const kept = this.#supervisors.has(id) ? server.id : null
    await database.query(Prisma.sql`
      UPDATE "Instance" SET status = 'EXITED', "inFlight" = 0, "closedAt" = clock_timestamp()
      WHERE "serviceId" = ${id}::uuid AND "serverId" IS DISTINCT FROM ${kept}::uuid AND "closedAt" IS NULL`)
    if (this.#supervisors.has(id) || this.#rounds.isClosed) return
    const supervisor = new Supervisor(
      this.#platform,
      this.#runtime,
      this.balancer,
      this.#outputs,
      id,
      this.#closing.signal,
      () => {
        if (this.#supervisors.get(id) === supervisor) this.#supervisors.delete(id)
      },
    )
    this.#supervisors.set(id, supervisor)
    supervisor.wake()
  }

  /** Leases that could not be renewed in time are another's to take. */
  async #loseWhatIsOld(): Promise<void> {
    const { config, database } = this.#platform
    if (database.kind === 'embedded') return
    if (performance.now() - this.#renewedAt < config.leaseMs * GIVE_UP) return
    await Promise.all([...this.#supervisors.values()].map((supervisor) => supervisor.lose()))
  }

  /** Writes down how many requests each instance is answering, where that has changed. */
  async #tellLoad(): Promise<void> {
    const load = new Map([...this.balancer.load()].map((one) => [one.instanceId, one.inFlight]))
    const news = [...load].filter(([id, inFlight]) => (this.#told.get(id) ?? 0) !== inFlight)
    this.#told = load
    if (news.length === 0) return
    await this.#platform.database.query(Prisma.sql`
      UPDATE "Instance" AS i SET "inFlight" = n.load
      FROM unnest(${news.map(([id]) => id)}::uuid[], ${news.map(([, load]) => load)}::int[]) AS n(id, load)
      WHERE i.id = n.id`)
  }
}
