import { setTimeout as pause } from 'node:timers/promises'
import type { Platform } from '../../../context.ts'
import { Prisma, type Service } from '../../../generated/prisma/client.ts'
import { Unavailable, WrongState } from '../../../kit/errors.ts'
import { Rounds } from '../../../kit/rounds.ts'
import type { Runtime } from '../../../ports/runtime/runtime.ts'
import { neededForReady, scaleOf } from '../scale.ts'
import { ATTENTION, InstanceId, processStatus, type ProcessStatus } from '../../service.ts'
import { Autoscaler, type Decision } from './autoscaler.ts'
import type { Balancer } from './balancer.ts'
import { Lifecycle } from './lifecycle.ts'
import { OwnedService, type Loaded } from './owned.ts'
import { shortly, type Outputs } from './outputs.ts'
import { newSlot, plan, type Slot } from './slot.ts'

interface Failure {
  readonly slot: Slot
  readonly reason: string
  /** In the log of the service; what comes of it may be tried several times. */
  isSaid: boolean
}

/** How long to wait when the database did not answer. */
const RETRY_MS = 500

/**
 * Drives the processes of one service that this server owns towards what its row says, step by step: it is woken
 * by every change, looks at all anew, and never remembers what it meant to do.
 */
export class Supervisor {
  readonly #platform: Platform
  readonly #serviceId: string
  readonly #onDone: () => void
  readonly #slots = new Set<Slot>()
  readonly #lifecycle: Lifecycle
  readonly #owned: OwnedService
  readonly #balancer: Balancer
  readonly #outputs: Outputs
  readonly #autoscaler: Autoscaler
  readonly #abort = new AbortController()
  readonly #looks = new Rounds(
    () => this.#look(),
    (cause) => this.#failedToLook(cause),
  )
  #failure: Failure | undefined
  /** Of the service as it was last looked at. */
  #revision: bigint | undefined
  #status: ProcessStatus | undefined

  constructor(
    platform: Platform,
    runtime: Runtime,
    balancer: Balancer,
    outputs: Outputs,
    serviceId: string,
    closing: AbortSignal,
    onDone: () => void,
  ) {
    this.#platform = platform
    this.#serviceId = serviceId
    this.#onDone = onDone
    this.#owned = new OwnedService(platform, serviceId)
    this.#balancer = balancer
    this.#outputs = outputs
    this.#autoscaler = new Autoscaler(platform.config.scaleDownMs, () => this.wake())
    const leave = balancer.watch(serviceId, (inFlight) => this.#autoscaler.saw(inFlight))
    this.#abort.signal.addEventListener('abort', () => {
      leave()
      this.#autoscaler.close()
      balancer.refuse(serviceId, new Unavailable('NO_INSTANCE', 'The service is moving.', 1))
    })
    const signals = { lost: this.#abort.signal, closing }
    this.#lifecycle = new Lifecycle(platform, runtime, balancer, outputs, serviceId, signals, {
      changed: () => this.wake(),
      failed: (slot, reason) => {
        this.#failure ??= { slot, reason, isSaid: false }
        this.wake()
      },
      gone: (slot) => {
        this.#slots.delete(slot)
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
    void this.#looks.ask()
  }

  /** Takes note of the service's revision: one that was not looked at is a hint that was lost. */
  saw(revision: bigint): void {
    if (revision !== this.#revision) this.wake()
  }

  /** The service belongs to another server now: ends the processes at once and writes no more than what they printed. */
  async lose(): Promise<void> {
    if (this.#abort.signal.aborted) return
    this.#abort.abort()
    void this.#looks.close() // not awaited: it may be a look that has found it out
    this.#platform.metrics.count('millrace_service_lease_losses_total', 1)
    await Promise.all([...this.#slots].map((slot) => this.#lifecycle.kill(slot)))
    this.#onDone()
  }

  /** This server stops: ends the processes in good order and leaves the service to whoever comes next. */
  async drain(): Promise<void> {
    await this.#looks.close()
    const told = this.#owned
      .drain()
      .catch((cause: unknown) =>
        this.#platform.log.warn(
          { err: cause, serviceId: this.#serviceId },
          'could not tell of a service that its processes end',
        ),
      )
    await Promise.all([told, ...[...this.#slots].map((slot) => this.#lifecycle.leave(slot))])
    await shortly(this.#outputs.stored(this.#serviceId))
    // a deleted one stays this server's, which may have output of it that belongs before the end of its log
    await this.#release(Prisma.sql`t."deletedAt" IS NULL`)
    this.#abort.abort()
    this.#platform.bus.publish(ATTENTION, this.#serviceId)
  }

  /** A state that moved on between reading and writing is looked at anew; so is a database that is back. */
  async #failedToLook(cause: unknown): Promise<void> {
    if (!(cause instanceof WrongState))
      this.#platform.log.warn(
        { err: cause, serviceId: this.#serviceId },
        'could not reconcile a service; trying again',
      )
    this.wake()
    await pause(cause instanceof WrongState ? 0 : RETRY_MS)
  }

  async #look(): Promise<void> {
    const service = await this.#platform.database.prisma.service.findUnique({
      where: { id: this.#serviceId },
      include: { deployment: true, version: true, targetVersion: true },
    })
    this.#revision = service?.revision
    if (service === null || service.ownerRun !== this.#platform.server.run) return this.lose()
    this.#status = processStatus(service.status)
    if (service.deletedAt !== null)
      return this.#windDown(service, () => this.#whenStored(() => this.#close(service)))
    switch (this.#status) {
      case 'STOPPING':
        return this.#windDown(service, async () => {
          await this.#owned.stopped(service)
          this.wake()
        })
      case 'STOPPED':
      case 'FAILED':
        return this.#windDown(service, () =>
          this.#whenStored(() => this.#release(Prisma.sql`t.status IN ('STOPPED', 'FAILED')`)),
        )
      case 'STARTING':
      case 'READY':
      case 'SCALING':
        return this.#run(service)
    }
  }

  async #windDown(service: Service, then: () => Promise<unknown>): Promise<void> {
    this.#failure = undefined
    this.#autoscaler.follow(undefined)
    const { status, statusReason } = service
    const why = `The service is ${status}${statusReason === null ? '.' : `: ${statusReason}`}`
    this.#balancer.refuse(this.#serviceId, new Unavailable('NO_INSTANCE', why))
    for (const slot of this.#slots) void this.#lifecycle.leave(slot)
    if (this.#slots.size === 0) await then()
  }

  /**
   * The last step, or another look when it can be taken: the service stays this server's until its log has all that its
   * processes printed, so that what the next ones print comes behind it, and the end of the log behind all.
   */
  async #whenStored(step: () => Promise<void>): Promise<void> {
    if (this.#outputs.areStored(this.#serviceId)) {
      await step()
      this.wake()
    } else void this.#outputs.stored(this.#serviceId).then(() => this.wake())
  }

  async #run(service: Loaded): Promise<void> {
    if (this.#failure !== undefined) return this.#fail(service, this.#failure)
    const version = service.targetVersion ?? service.version
    const { deployment, generation } = service
    if (version === null || deployment === null) return
    const scale = scaleOf(service)
    this.#autoscaler.follow(scale)
    const decision = this.#autoscaler.decision()
    if (decision !== undefined) return this.#rescale(service, decision)
    const needed = neededForReady(scale)
    const next = plan(this.#slots, scale.desired, needed, generation)
    // others serve meanwhile, so each has the time that a request may take
    const drainMs = Math.max(
      this.#platform.config.stopGraceMs,
      this.#platform.config.invokeTimeoutMs,
    )
    for (const slot of next.leave) void this.#lifecycle.leave(slot, drainMs)
    for (const ordinal of next.start) {
      const slot = newSlot(InstanceId.make(), ordinal, generation, version.id)
      this.#slots.add(slot)
      this.#lifecycle.launch(slot, { service, deployment, version })
    }
    if (next.isReady && service.status !== 'READY') await this.#owned.becomeReady(service)
    if (!next.isReady && service.status === 'READY')
      await this.#owned.move(service, 'scale', this.#waitingFor())
  }

  /**
   * A failed rollout leaves what served before serving, and an instance that autoscale added is done without; anything
   * else that fails is the service's end. The failure is forgotten only when that is written.
   */
  async #fail(service: Loaded, failure: Failure): Promise<void> {
    const { slot, reason } = failure
    const ready = [...this.#slots].filter(({ state }) => state === 'READY')
    const before = ready.findLast(({ generation }) => generation !== service.generation)
    const { autoscale, desired, min } = scaleOf(service)
    const isWanted = slot.generation === service.generation && slot.ordinal < desired
    if (!isWanted) void this.#lifecycle.leave(slot)
    else if (before !== undefined) await this.#revert(service, before, failure)
    else if (autoscale && ready.length >= Math.max(min, 1)) {
      this.#autoscaler.hold(ready.length)
      await this.#say(failure, `goes on without it: ${reason}`, slot.ordinal)
      await this.#rescale(service, { desired: ready.length, reason })
      void this.#lifecycle.leave(slot)
    } else {
      await this.#say(failure, `failed: ${reason}`)
      await this.#owned.move(service, 'fail', reason)
    }
    this.#failure = undefined
    this.wake()
  }

  async #revert(service: Loaded, before: Slot, failure: Failure): Promise<void> {
    const label = service.targetVersion?.label
    const what = label === undefined ? 'The change' : `Version "${label}"`
    const message = `${what} could not be rolled out, what ran before goes on: ${failure.reason}`
    await this.#say(failure, message)
    for (const one of this.#slots)
      if (one.generation === service.generation) void this.#lifecycle.leave(one)
    await this.#owned.move(service, 'ready', message, {
      events: [{ kind: 'UPDATED', message }],
      set: Prisma.sql`, generation = ${before.generation}::int, "targetVersionId" = NULL`,
      where: Prisma.sql`AND t.generation = ${service.generation}::int`,
    })
  }

  /** Says once what comes of a failure, however often that is tried. */
  async #say(failure: Failure, text: string, ordinal?: number): Promise<void> {
    if (failure.isSaid) return
    failure.isSaid = true
    await shortly(this.#outputs.say(this.#serviceId, text, ordinal))
  }

  /** Writes what autoscale has decided; the next look sees to it. */
  async #rescale(service: Service, decision: Decision): Promise<void> {
    if (await this.#owned.rescale(service, decision)) this.#autoscaler.decided(decision.desired)
    this.wake()
  }

  async #close(service: Service): Promise<void> {
    await this.#owned.close(service)
    this.#end()
  }

  async #release(condition: Prisma.Sql): Promise<void> {
    if (await this.#owned.release(condition)) this.#end()
  }

  #end(): void {
    this.#abort.abort()
    this.#onDone()
  }

  /** Why a service that was READY is not. */
  #waitingFor(): string {
    const waiting = [...this.#slots].find(({ state }) => state === 'WAITING')
    if (waiting === undefined) return 'Instances are being started.'
    return `Instance ${waiting.ordinal} has ended and is being started again.`
  }
}
