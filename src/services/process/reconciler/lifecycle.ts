import { setTimeout as pause } from 'node:timers/promises'
import type { Platform } from '../../../context.ts'
import { isOutage } from '../../../db/outage.ts'
import { Prisma } from '../../../generated/prisma/client.ts'
import type { InstanceStatus } from '../../../generated/prisma/enums.ts'
import { system } from '../../../kit/actor.ts'
import {
  AddressTaken,
  StartFailed,
  type InstanceExit,
  type RunningInstance,
  type Runtime,
} from '../../../ports/runtime/runtime.ts'
import { patiently } from '../../../kit/patience.ts'
import type { NewEvent } from '../../../streams/index.ts'
import { InstanceId } from '../../service.ts'
import { changeService } from '../../store.ts'
import type { Balancer } from './balancer.ts'
import { shortly, type Outputs } from './outputs.ts'
import type { Slot } from './slot.ts'
import { specOf, type InstanceLaunch } from './spec.ts'
import { asUserOf } from './user.ts'

interface Listener {
  /** A slot is ready, or no longer. */
  changed(): void
  /** A slot will not come up any more. */
  failed(slot: Slot, reason: string): void
  /** A slot that was asked to leave has left. What it printed may still be on its way into the log. */
  gone(slot: Slot): void
}

const FIRST_CHECK_MS = 20
const CHECK_MS = 250
/** A ready instance is looked at this often, and replaced when it fails so many looks in a row. */
const LIVENESS_MS = 5_000
const MISSES = 3
/** Starting again waits this long, twice as long each time, and at most so long. */
const BACKOFF_MS = 500
const MAX_BACKOFF_MS = 30_000
/** After serving this long, an end is a first one again. */
const STEADY_MS = 60_000
/** Restarts that a slot gets which never served, such as one whose import fails. */
const FIRST_RESTARTS = 2

/**
 * The life of the processes of one service: start, check, read, notice the end, start again, stop. It outlives an
 * outage of the database: what is to be written is written when that is back. Nothing waits longer than a moment for
 * output to be stored. Two signals end it: `lost`, the service is another server's, so its processes end and only what
 * they printed is still stored; and `closing`, this server waits for the database no longer.
 */
export class Lifecycle {
  readonly #platform: Platform
  readonly #runtime: Runtime
  readonly #balancer: Balancer
  readonly #outputs: Outputs
  readonly #serviceId: string
  readonly #lost: AbortSignal
  readonly #closing: AbortSignal
  readonly #listener: Listener

  constructor(
    platform: Platform,
    runtime: Runtime,
    balancer: Balancer,
    outputs: Outputs,
    serviceId: string,
    { lost, closing }: { lost: AbortSignal; closing: AbortSignal },
    listener: Listener,
  ) {
    this.#platform = platform
    this.#runtime = runtime
    this.#balancer = balancer
    this.#outputs = outputs
    this.#serviceId = serviceId
    this.#lost = lost
    this.#closing = closing
    this.#listener = listener
  }

  /** Starts a slot and keeps it running until it is asked to leave or will not come up any more. */
  launch(slot: Slot, launch: InstanceLaunch): void {
    slot.state = 'STARTING'
    slot.busy = this.#live(slot, launch)
      .catch(async (cause: unknown) => {
        if (this.#lost.aborted || this.#closing.aborted) return
        this.#platform.log.error(
          { err: cause, serviceId: this.#serviceId },
          'an instance could not be run',
        )
        await this.kill(slot)
        this.#listener.failed(slot, 'The server could not run it; its own log says why.')
        this.#listener.gone(slot)
      })
      .finally(() => (slot.busy = undefined))
  }

  /**
   * Asks a slot to leave; resolves when it has. It first answers what it was asked, for `drainMs` at most: asked again,
   * it may get less.
   */
  async leave(slot: Slot, drainMs = this.#platform.config.stopGraceMs): Promise<void> {
    slot.leaveBy = Math.min(slot.leaveBy, performance.now() + drainMs)
    if (slot.state !== 'LEAVING') {
      const { stopGraceMs } = this.#platform.config
      slot.state = 'LEAVING'
      clearTimeout(slot.timer)
      await this.#balancer.remove(this.#serviceId, slot.id, () => slot.leaveBy)
      const marked = this.#mark(slot, Prisma.sql`status = 'STOPPING'`)
      const left = Math.min(stopGraceMs, slot.leaveBy - performance.now())
      await slot.running?.stop(Math.max(1_000, left))
      await marked
      await slot.busy
      await this.#mark(
        slot,
        Prisma.sql`status = 'EXITED', "closedAt" = clock_timestamp(), "inFlight" = 0`,
      )
      this.#listener.gone(slot)
    }
    await slot.busy
  }

  /** Ends a slot's process at once, without a word to the database. */
  async kill(slot: Slot): Promise<void> {
    slot.state = 'LEAVING'
    clearTimeout(slot.timer)
    await this.#balancer.remove(this.#serviceId, slot.id, () => 0)
    await slot.running?.stop(0)
  }

  async #live(slot: Slot, launch: InstanceLaunch): Promise<void> {
    if (slot.reading?.isOver === false) await this.#renew(slot)
    const key = `${slot.id}.${slot.restarts}`
    await this.#record(slot)
    let running: RunningInstance
    try {
      const spec = await specOf(this.#platform, key, launch)
      running = await asUserOf(this.#platform, launch.service, (user) =>
        this.#runtime.start({ ...spec, user }),
      )
    } catch (cause) {
      if (!(cause instanceof StartFailed)) throw cause
      await this.#say(slot, cause.message)
      this.#listener.failed(slot, cause.message)
      return
    }
    slot.running = running
    const { id: instanceId, restarts, ordinal } = slot
    const serviceId = this.#serviceId
    slot.reading = this.#outputs.read({ serviceId, instanceId, restarts, ordinal }, running)
    await this.#mark(slot, Prisma.sql`url = ${running.url}, pid = ${running.pid ?? null}`)
    await this.#tell({
      kind: 'INSTANCE_STARTED',
      instance: slot.ordinal,
      message: `version ${launch.version.label}`,
    })
    const isLeaving = (): boolean => slot.state === 'LEAVING'
    if (isLeaving()) void running.stop(0)
    const watching = this.#watch(slot, running)
    const exit = await running.exited
    slot.running = undefined
    await watching
    void this.#balancer.remove(this.#serviceId, slot.id, () => 0)
    if (!isLeaving()) {
      slot.state = 'WAITING'
      this.#listener.changed()
    }
    await shortly(slot.reading.over)
    if (this.#closing.aborted) return // the next start sees to it
    await this.#exited(slot, launch, exit)
  }

  /** Looks after a process until it has ended; one that others would be reached in place of is ended. */
  async #watch(slot: Slot, running: RunningInstance): Promise<void> {
    try {
      await this.#check(slot, running)
    } catch (cause) {
      if (!(cause instanceof AddressTaken)) throw cause
      await this.#condemn(slot, running, `was ended: ${cause.message}`)
    }
  }

  /** Waits until the process accepts requests, then looks whether it still does. Throws AddressTaken. */
  async #check(slot: Slot, running: RunningInstance): Promise<void> {
    const { startTimeoutMs, invokeTimeoutMs } = this.#platform.config
    const ended = new AbortController()
    void running.exited.then(() => ended.abort())
    const signal = AbortSignal.any([ended.signal, this.#lost])
    const wait = (ms: number): Promise<unknown> => pause(ms, undefined, { signal }).catch(() => {})
    const isAlive = (): boolean => !signal.aborted && slot.state !== 'LEAVING'
    const until = performance.now() + startTimeoutMs
    for (let ms = FIRST_CHECK_MS; isAlive(); ms = Math.min(ms * 2, CHECK_MS)) {
      if (await running.check(signal)) break
      if (performance.now() > until) {
        const text = `did not accept connections on $PORT within ${startTimeoutMs / 1000} s`
        return this.#condemn(slot, running, text, true)
      }
      await wait(ms)
    }
    if (!isAlive()) return
    slot.readyAt = performance.now()
    slot.state = 'READY'
    this.#balancer.add(this.#serviceId, slot.id, running, invokeTimeoutMs)
    await this.#turn(slot, 'STARTING', 'READY')
    this.#listener.changed()
    for (let misses = 0; isAlive(); await wait(LIVENESS_MS)) {
      misses = (await running.check(signal)) ? 0 : misses + 1
      if (misses === MISSES && isAlive())
        return this.#condemn(slot, running, 'no longer accepts connections')
    }
  }

  /** Ends a process that nobody has asked to leave, and sends it nothing more. */
  async #condemn(
    slot: Slot,
    running: RunningInstance,
    text: string,
    isFinal = false,
  ): Promise<void> {
    if (slot.state === 'LEAVING') return
    slot.verdict = { text, isFinal }
    void this.#balancer.remove(this.#serviceId, slot.id, () => 0)
    void running.stop(0)
    if (slot.state !== 'READY') return
    slot.state = 'UNHEALTHY'
    await this.#turn(slot, 'READY', 'UNHEALTHY')
    this.#listener.changed()
  }

  /** The process has ended. */
  async #exited(slot: Slot, launch: InstanceLaunch, exit: InstanceExit): Promise<void> {
    const how =
      slot.verdict?.text ??
      (exit.signal ? `was ended by ${exit.signal}` : `exited with code ${exit.code}`)
    const served = slot.readyAt === undefined ? 0 : performance.now() - slot.readyAt
    const isLeaving = (): boolean => slot.state === 'LEAVING'
    const wasLeaving = isLeaving()
    // one that leaves is gone from the list before its end is told, so that whoever hears of it finds it gone
    const closed = wasLeaving ? Prisma.sql`, "closedAt" = clock_timestamp()` : Prisma.empty
    await this.#mark(
      slot,
      Prisma.sql`status = 'EXITED', url = NULL, pid = NULL, "exitCode" = ${exit.code}, "exitSignal" = ${exit.signal},
        "inFlight" = 0 ${closed}`,
    )
    await this.#tell({ kind: 'INSTANCE_EXITED', instance: slot.ordinal, message: how })
    if (wasLeaving || isLeaving()) return
    slot.failures = served > STEADY_MS ? 1 : slot.failures + 1
    const { maxRestarts } = this.#platform.config
    const limit = slot.readyAt === undefined ? Math.min(FIRST_RESTARTS, maxRestarts) : maxRestarts
    const what = `instance ${slot.ordinal} ${how}`
    const neverCameUp = slot.readyAt === undefined && slot.verdict?.isFinal === true
    if (slot.failures > limit || neverCameUp) {
      await this.#say(slot, what)
      const often = slot.failures > 1 ? ` (${slot.failures} times in a row)` : ''
      this.#listener.failed(slot, `Instance ${slot.ordinal} ${how}${often}.`)
      return
    }
    const delayMs = Math.min(BACKOFF_MS * 2 ** (slot.failures - 1), MAX_BACKOFF_MS)
    await this.#say(slot, `${what}; starting it again in ${delayMs / 1000} s`)
    if (isLeaving()) return
    slot.verdict = undefined
    this.#listener.changed()
    slot.timer = setTimeout(() => {
      if (slot.state !== 'WAITING' || this.#lost.aborted) return
      slot.restarts += 1
      this.#platform.metrics.count('millrace_instance_restarts_total', 1)
      this.launch(slot, launch)
    }, delayMs)
  }

  /** Writes down that a process is about to be started, before it is. */
  async #record(slot: Slot): Promise<void> {
    const { database, server } = this.#platform
    await this.#persist(() =>
      database.query(Prisma.sql`
      INSERT INTO "Instance"
        (id, "serviceId", ordinal, "versionId", generation, status, "serverId", restarts, "startedAt")
      VALUES (${slot.id}::uuid, ${this.#serviceId}::uuid, ${slot.ordinal}, ${slot.versionId}::uuid, ${slot.generation},
              'STARTING', ${server.id}::uuid, ${slot.restarts}, clock_timestamp())
      ON CONFLICT (id) DO UPDATE SET status = 'STARTING', "startedAt" = excluded."startedAt",
        restarts = ${slot.restarts}, "outputPosition" = ''`),
    )
  }

  /**
   * Goes on as another instance: the row of the present one says how far its output is stored, until it is to the end.
   */
  async #renew(slot: Slot): Promise<void> {
    await this.#mark(slot, Prisma.sql`"closedAt" = clock_timestamp()`)
    slot.id = InstanceId.make()
  }

  /** Writes about an instance; its row is this server's, until somebody has closed it. */
  async #mark(slot: Slot, set: Prisma.Sql): Promise<void> {
    await this.#persist(() =>
      this.#platform.database.query(
        Prisma.sql`UPDATE "Instance" SET ${set} WHERE id = ${slot.id}::uuid AND "closedAt" IS NULL`,
      ),
    )
  }

  /** Writes another status of an instance, and tells of it. */
  async #turn(slot: Slot, from: InstanceStatus, to: InstanceStatus): Promise<void> {
    await this.#mark(slot, Prisma.sql`status = ${to}::"InstanceStatus"`)
    const changes = [{ field: 'instance.status', from, to }]
    await this.#tell({ kind: 'UPDATED', instance: slot.ordinal, changes })
  }

  async #tell(event: NewEvent): Promise<void> {
    await this.#persist(async () => {
      if (this.#lost.aborted) return
      await changeService(this.#platform, this.#serviceId, Prisma.empty, {
        actor: system,
        events: [event],
        where: Prisma.sql`AND t."ownerRun" = ${this.#platform.server.run}::uuid`,
      })
    })
  }

  async #say(slot: Slot, text: string): Promise<void> {
    if (!this.#lost.aborted) await shortly(this.#outputs.say(this.#serviceId, text, slot.ordinal))
  }

  /** Writes now, or when the database is back. */
  async #persist(write: () => Promise<unknown>): Promise<void> {
    await patiently(write, this.#closing, (cause) => {
      if (!isOutage(cause)) throw cause
      this.#platform.log.warn(
        { err: cause, serviceId: this.#serviceId },
        'could not write about an instance; trying again',
      )
    })
  }
}
