import type { Platform } from '../../../context.ts'
import {
  Prisma,
  type Deployment,
  type DeploymentVersion,
  type Service,
} from '../../../generated/prisma/client.ts'
import { system } from '../../../kit/actor.ts'
import { closeLog, LOG, type NewEvent } from '../../../streams/index.ts'
import { neededForReady, scaleChanges, scaleOf } from '../scale.ts'
import type { ServiceMove } from '../../service.ts'
import { changeService, moveService } from '../../store.ts'
import type { Decision } from './autoscaler.ts'
import { unready } from './unready.ts'

/** A service with what it runs. */
export type Loaded = Service & {
  readonly deployment: Deployment | null
  readonly version: DeploymentVersion | null
  readonly targetVersion: DeploymentVersion | null
}

const targetAsVersion = Prisma.sql`, "versionId" = COALESCE(t."targetVersionId", t."versionId"), "targetVersionId" = NULL`

/**
 * What the owner of a service writes about it. Every write carries the run of this server, so that one that has lost
 * the service without knowing changes nothing.
 */
export class OwnedService {
  readonly #platform: Platform
  readonly #serviceId: string
  readonly #isOurs: Prisma.Sql

  constructor(platform: Platform, serviceId: string) {
    this.#platform = platform
    this.#serviceId = serviceId
    this.#isOurs = Prisma.sql`AND t."ownerRun" = ${platform.server.run}::uuid`
  }

  move(
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
      where: Prisma.sql`${this.#isOurs} ${more.where ?? Prisma.empty}`,
    })
  }

  /** Nothing runs any more. A version that was on its way is what the next start begins with. */
  async stopped(service: Service): Promise<void> {
    await this.move(service, 'stopped', null, { set: targetAsVersion })
  }

  /** What was needed is there, and is needed still. */
  async becomeReady(service: Loaded): Promise<void> {
    const { targetVersion, generation } = service
    const needed = neededForReady(scaleOf(service))
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
    await this.move(service, 'ready', null, {
      events,
      set: targetAsVersion,
      where: Prisma.sql`AND t.generation = ${generation}::int
        AND CASE WHEN t.autoscale THEN t."minInstances" ELSE t."desiredInstances" END = ${needed}::int
        AND t."targetVersionId" IS NOT DISTINCT FROM ${targetVersion?.id ?? null}::uuid`,
    })
  }

  /** Writes what autoscale has decided over what it was decided by; false when that has changed. */
  async rescale(service: Service, { desired, reason }: Decision): Promise<boolean> {
    const from = scaleOf(service)
    const changes = scaleChanges(from, { ...from, desired })
    const set = Prisma.sql`, "desiredInstances" = ${desired}::int`
    const row = await changeService(this.#platform, this.#serviceId, set, {
      actor: system,
      events: [{ kind: 'SCALED', changes, message: reason }],
      action: 'serviceScaled',
      where: Prisma.sql`AND t."deletedAt" IS NULL ${this.#isOurs} AND t.status = ${service.status}::"ServiceStatus"
        AND t.autoscale AND t."desiredInstances" = ${from.desired}::int
        AND t."minInstances" = ${from.min}::int AND t."maxInstances" = ${from.max}::int`,
    })
    if (row === undefined) return false
    const direction = desired > from.desired ? 'up' : 'down'
    this.#platform.metrics.count('millrace_autoscale_decisions_total', 1, { direction })
    return true
  }

  /** Everything is gone after deletion: nothing follows in its streams. */
  async close(service: Service): Promise<void> {
    const { database, hub } = this.#platform
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
        "closedAt" = clock_timestamp(), "instanceUser" = NULL, "ownerServer" = NULL, "ownerRun" = NULL, "ownedUntil" = NULL`,
      { actor: system, events: status, where: this.#isOurs },
    )
    hub.hint(LOG, service.id)
  }

  /** Its processes end because this server does: it is not READY until the next owner has started others. */
  drain(): Promise<void> {
    return unready(
      this.#platform,
      Prisma.sql`t.id = ${this.#serviceId}::uuid ${this.#isOurs}`,
      'Its server is being stopped.',
    )
  }

  /** Gives the service back, if `condition` still holds; its next start is anybody's. */
  async release(condition: Prisma.Sql): Promise<boolean> {
    const rows = await this.#platform.database.query<{ id: string }>(Prisma.sql`
      UPDATE "Service" AS t SET "ownerServer" = NULL, "ownerRun" = NULL, "ownedUntil" = NULL
      WHERE id = ${this.#serviceId}::uuid ${this.#isOurs} AND ${condition} RETURNING id`)
    return rows.length > 0
  }
}
