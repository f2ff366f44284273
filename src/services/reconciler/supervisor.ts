import { setTimeout as pause } from 'node:timers/promises'
import type { Platform } from '../../context.ts'
import {
  Prisma,
  type Deployment,
  type DeploymentVersion,
  type Service,
} from '../../generated/prisma/client.ts'
import { system } from '../../kit/actor.ts'
import { WrongState } from '../../kit/errors.ts'
import type { Runtime } from '../../ports/runtime/runtime.ts'
import { closeLog, type NewEvent } from '../../streams/index.ts'
import {
  ATTENTION,
  InstanceId,
  processStatus,
  type ProcessStatus,
  type ServiceMove,
} from '../service.ts'
import { changeService, moveService } from '../store.ts'
import type { Balancer } from './balancer.ts'
import { Lifecycle } from './lifecycle.ts'
import { say } from './pump.ts'
import { newSlot, plan, type Slot } from './slot.ts'

type Loaded = Service & {
  deployment: Deployment | null
  version: DeploymentVersion | null
  targetVersion: DeploymentVersion | null
}

/** How long to wait when the database did not answer. */
const RETRY_MS = 500

/**
 * Drives the processes of one service that this server owns towards what its row says, step by step: it is woken
 * by every change, looks at all anew, and never remembers what it meant to do. Every write carries the run of this
 * server, so that one that has lost the service without knowing changes nothing.
 */
export class Supervisor {
  readonly #platform: Platform
  readonly #serviceId: string
  readonly #onDone: () => void
  readonly #slots = new Map<string, Slot>()
  readonly #lifecycle: Lifecycle
  readonly #abort = new AbortController()
  #failure: { slot: Slot; reason: string } | undefined
  #isAwake = false
  /** Of the service as it was last looked at. */
  #revision: bigint | undefined
  #status: ProcessStatus | undefined
  #working: Promise<void> | undefined
  #isDraining = false

  constructor(
    platform: Platform,
    runtime: Runtime,
    balancer: Balancer,
    serviceId: string,
    closing: AbortSignal,
    onDone: () => void,
  ) {
    this.#platform = platform
    this.#serviceId = serviceId
    this.#onDone = onDone
    const signals = { lost: this.#abort.signal, closing }
    this.#lifecycle = new Lifecycle(platform, runtime, balancer, serviceId, signals, {
      changed: () => this.wake(),
      failed: (slot, reason) => {
        this.#failure ??= { slot, reason }
        this.wake()
      },
      gone: (slot) => {
        this.#slots.delete(slot.id)
        this.wake()
      },
    })
  }

  /** Of the service as it was last looked at. */
  get status(): ProcessStatus | undefined {
    return this.#status
  }

  /** Looks at the service again, now or as soon as the present look is over. */
  wake(): void {
    this.#isAwake = true
    if (this.#isDraining || this.#abort.signal.aborted) return
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined
      if (this.#isAwake) this.wake()
    })
  }

  /** Resolves when the look under way is over. */
  async looked(): Promise<void> {
    await this.#working
  }

  /** Takes note of the service's revision: one that was not looked at is a hint that was lost. */
  saw(revision: bigint): void {
    if (revision !== this.#revision) this.wake()
  }

  /** The service belongs to another server now: ends the processes at once and writes no more than what they printed. */
  async lose(): Promise<void> {
    if (this.#abort.signal.aborted) return
    this.#abort.abort()
    this.#platform.metrics.count('millrace_service_lease_losses_total', 1)
    await Promise.all([...this.#slots.values()].map((slot) => this.#lifecycle.kill(slot)))
    this.#onDone()
  }

  /** This server stops: ends the processes in good order and leaves the service to whoever comes next. */
  async drain(): Promise<void> {
    this.#isDraining = true
    await this.#working
    await Promise.all([...this.#slots.values()].map((slot) => this.#lifecycle.leave(slot)))
    await this.#release(Prisma.sql`true`)
    this.#abort.abort()
    this.#platform.bus.publish(ATTENTION, this.#serviceId)
  }

  async #work(): Promise<void> {
    while (this.#isAwake && !this.#abort.signal.aborted && !this.#isDraining) {
      this.#isAwake = false
      try {
        await this.#look()
      } catch (cause) {
        // a state that moved on between reading and writing is looked at anew; so is a database that is back
        if (!(cause instanceof WrongState))
          this.#platform.log.warn(
            { err: cause, serviceId: this.#serviceId },
            'could not reconcile a service; trying again',
          )
        this.#isAwake = true
        await pause(cause instanceof WrongState ? 0 : RETRY_MS)
      }
    }
  }

  async #look(): Promise<void> {
    const service = await this.#platform.database.prisma.service.findUnique({
      where: { id: this.#serviceId },
      include: { deployment: true, version: true, targetVersion: true },
    })
    this.#revision = service?.revision
    if (service === null || service.ownerRun !== this.#platform.server.run) return this.lose()
    this.#status = processStatus(service.status)
    if (service.deletedAt !== null) return this.#windDown(() => this.#close(service))
    switch (this.#status) {
      case 'STOPPING':
        return this.#windDown(() => this.#move(service, 'stopped', null))
      case 'STOPPED':
      case 'FAILED':
        return this.#windDown(() => this.#release(Prisma.sql`t.status IN ('STOPPED', 'FAILED')`))
      case 'STARTING':
      case 'READY':
      case 'SCALING':
        return this.#run(service)
    }
  }

  async #windDown(then: () => Promise<unknown>): Promise<void> {
    this.#failure = undefined
    for (const slot of this.#slots.values()) void this.#lifecycle.leave(slot)
    if (this.#slots.size === 0) {
      await then()
      this.#isAwake = true
    }
  }

  async #run(service: Loaded): Promise<void> {
    if (this.#failure !== undefined) return this.#fail(service, this.#failure)
    const version = service.targetVersion ?? service.version
    const { deployment, desiredInstances, generation } = service
    if (version === null || deployment === null) return
    const next = plan(this.#slots.values(), desiredInstances, generation)
    for (const slot of next.leave) void this.#lifecycle.leave(slot)
    for (const ordinal of next.start) {
      const slot = newSlot(InstanceId.make(), ordinal, generation, version.id)
      this.#slots.set(slot.id, slot)
      this.#lifecycle.launch(slot, { service, deployment, version })
    }
    if (next.isReady && service.status !== 'READY') await this.#becomeReady(service)
    if (!next.isReady && service.status === 'READY')
      await this.#move(service, 'scale', this.#waitingFor())
  }

  async #becomeReady(service: Loaded): Promise<void> {
    const { targetVersion, generation } = service
    const events: NewEvent[] =
      targetVersion === null
        ? []
        : [
            {
              kind: 'DEPLOYED',
              changes: [
                { field: 'version', from: service.version?.label, to: targetVersion.label },
              ],
            },
          ]
    await this.#move(service, 'ready', null, {
      events,
      set: Prisma.sql`, "versionId" = COALESCE(t."targetVersionId", t."versionId"), "targetVersionId" = NULL`,
      where: Prisma.sql`AND t.generation = ${generation}::int AND t."desiredInstances" = ${service.desiredInstances}::int
        AND t."targetVersionId" IS NOT DISTINCT FROM ${targetVersion?.id ?? null}::uuid`,
    })
  }

  /**
   * A failed rollout leaves what served before serving; anything else that fails is the service's end. The
   * failure is forgotten only when that is written.
   */
  async #fail(service: Loaded, { slot, reason }: { slot: Slot; reason: string }): Promise<void> {
    if (slot.generation !== service.generation) {
      this.#failure = undefined
      return
    }
    const old = [...this.#slots.values()].filter(
      ({ generation, state }) => generation !== service.generation && state === 'READY',
    )
    const before = old.at(-1)
    if (before === undefined) {
      await say(this.#platform, this.#serviceId, `failed: ${reason}`)
      await this.#move(service, 'fail', reason)
      this.#failure = undefined
      this.#isAwake = true
      return
    }
    const label = service.targetVersion?.label
    const what = label === undefined ? 'The change' : `Version "${label}"`
    const message = `${what} could not be rolled out, what ran before goes on: ${reason}`
    await say(this.#platform, this.#serviceId, message)
    for (const one of this.#slots.values())
      if (one.generation === service.generation) void this.#lifecycle.leave(one)
    await this.#move(service, 'ready', message, {
      events: [{ kind: 'UPDATED', message }],
      set: Prisma.sql`, generation = ${before.generation}::int, "targetVersionId" = NULL`,
      where: Prisma.sql`AND t.generation = ${service.generation}::int`,
    })
    this.#failure = undefined
    this.#isAwake = true
  }

  /** Everything is gone after deletion: nothing follows in its streams. */
  async #close(service: Service): Promise<void> {
    const { database, hub, server } = this.#platform
    const status: NewEvent[] =
      service.status === 'STOPPING'
        ? [
            {
              kind: 'STATUS_CHANGED',
              changes: [{ field: 'status', from: 'STOPPING', to: 'STOPPED' }],
            },
          ]
        : []
    await database.query(closeLog(service.id))
    await changeService(
      this.#platform,
      service.id,
      Prisma.sql`, status = CASE t.status WHEN 'STOPPING' THEN 'STOPPED' ELSE t.status END,
        "closedAt" = clock_timestamp(), "ownerServer" = NULL, "ownerRun" = NULL, "ownedUntil" = NULL`,
      { actor: system, events: status, where: Prisma.sql`AND t."ownerRun" = ${server.run}::uuid` },
    )
    hub.hint('log', service.id)
    this.#abort.abort()
    this.#onDone()
  }

  /** Gives the service back, if `condition` still holds; its next start is anybody's. */
  async #release(condition: Prisma.Sql): Promise<void> {
    const { database, server } = this.#platform
    const rows = await database.query<{ id: string }>(Prisma.sql`
      UPDATE "Service" AS t SET "ownerServer" = NULL, "ownerRun" = NULL, "ownedUntil" = NULL
      WHERE id = ${this.#serviceId}::uuid AND "ownerRun" = ${server.run}::uuid AND ${condition} RETURNING id`)
    if (rows.length === 0) return
    this.#abort.abort()
    this.#onDone()
  }

  #move(
    service: Service,
    move: ServiceMove,
    reason: string | null,
    more: { events?: NewEvent[]; set?: Prisma.Sql; where?: Prisma.Sql } = {},
  ): Promise<Service | undefined> {
    return moveService(this.#platform, service, move, {
      actor: system,
      events: more.events ?? [],
      action: 'serviceStatusChanged',
      reason,
      ...(more.set ? { set: more.set } : {}),
      where: Prisma.sql`AND t."ownerRun" = ${this.#platform.server.run}::uuid ${more.where ?? Prisma.empty}`,
    })
  }

  /** Why a service that was READY is not. */
  #waitingFor(): string {
    const waiting = [...this.#slots.values()].find(({ state }) => state === 'WAITING')
    if (waiting === undefined) return 'Instances are being started.'
    return `Instance ${waiting.ordinal} has ended and is being started again.`
  }
}
