import { found } from '../auth/viewer.ts'
import { actor, type Context } from '../context.ts'
import { versions } from '../deployments/index.ts'
import { Prisma, type DeploymentVersion, type Service } from '../generated/prisma/client.ts'
import { ValidationError } from '../kit/errors.ts'
import type { FieldChange, NewEvent } from '../streams/index.ts'
import { permit } from './permit.ts'
import { processStatus, serviceMoves, type ServiceAction } from './service.ts'
import { changeService, serviceNamed, type Telling } from './store.ts'

/** Finds the service and sees to it that the viewer may do this to it, as it is now. */
export async function mine(ctx: Context, id: string, action: ServiceAction): Promise<Service> {
  const service = found(await serviceNamed(ctx, id), 'service', id)
  permit(ctx.viewer, action, service)
  return service
}

/** A version that can be run, of `organizationId` where that is said. */
export async function runnable(
  ctx: Context,
  id: string,
  path: readonly string[],
  organizationId?: string,
): Promise<DeploymentVersion> {
  const organizations = organizationId === undefined ? undefined : [organizationId]
  const version = found(await versions.named(ctx, id, organizations), 'deployment version', id)
  if (version.status !== 'READY')
    throw new ValidationError([
      {
        path,
        message:
          version.status === 'REJECTED'
            ? `The archive of version "${version.label}" was refused: ${version.rejection}`
            : `Version "${version.label}" has no archive yet: send it to its upload first.`,
      },
    ])
  return version
}

export const changed = <Value extends string | number | boolean | null>(
  field: string,
  from: Value,
  to: Value,
): FieldChange[] => (from === to ? [] : [{ field, from, to }])

/** A running service goes on serving what it has until the target does; a resting one has nothing to wait for. */
export const pointAt = (versionId: string): Prisma.Sql => Prisma.sql`,
  "targetVersionId" = CASE WHEN t.status IN ('READY', 'SCALING') AND t."versionId" <> ${versionId}::uuid
    THEN ${versionId}::uuid END,
  "versionId" = CASE WHEN t.status IN ('READY', 'SCALING') THEN t."versionId" ELSE ${versionId}::uuid END`

export const nextGeneration = Prisma.sql`, generation = t.generation + 1`

/**
 * Writes a change over the state that was read, or nothing when that has changed: then the caller decides anew. A
 * change that disturbs the instances of a READY service makes it SCALING until they are right again. `part` tells
 * this change from the others of the same request.
 */
export function apply(
  ctx: Context,
  service: Service,
  isDisturbing: boolean,
  set: Prisma.Sql,
  events: readonly NewEvent[],
  action: string,
  { part, where, annotations }: Pick<Telling, 'where' | 'annotations'> & { part?: string } = {},
): Promise<Service | undefined> {
  const from = processStatus(service.status)
  const to = isDisturbing ? serviceMoves.after(from, 'scale') : undefined
  const move =
    to === undefined
      ? Prisma.empty
      : Prisma.sql`, status = ${to}::"ServiceStatus", "statusReason" = NULL`
  const moved: NewEvent[] =
    to === undefined ? [] : [{ kind: 'STATUS_CHANGED', changes: [{ field: 'status', from, to }] }]
  return changeService(ctx, service.id, Prisma.sql`${set} ${move}`, {
    actor: actor(ctx, part),
    events: [...events, ...moved],
    action,
    annotations,
    where: Prisma.sql`AND t."deletedAt" IS NULL AND t.status = ${service.status}::"ServiceStatus" ${where ?? Prisma.empty}`,
  })
}
