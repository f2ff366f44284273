import { found } from '../../auth/viewer.ts'
import type { Context } from '../../context.ts'
import { deployments } from '../../deployments/index.ts'
import { Prisma, type DeploymentVersion, type Service } from '../../generated/prisma/client.ts'
import { ValidationError } from '../../kit/errors.ts'
import { effectsOf, type NewEvent } from '../../streams/index.ts'
import { apply, nextGeneration, pointAt, runnable } from '../change.ts'
import { permit } from '../permit.ts'
import { serviceActions, services } from '../service.ts'
import { serviceNamed } from '../store.ts'

/**
 * Points services at an earlier version: those named, or all of the deployment. They are READY again only when
 * that version serves.
 */
export async function rollBackDeployment(
  ctx: Context,
  input: {
    deploymentId: string
    versionId: string
    serviceIds?: readonly string[] | null
    reason?: string | null
  },
): Promise<Service[]> {
  const { role } = serviceActions.ROLL_BACK
  const deployment = await deployments.toChange(ctx, input.deploymentId, role)
  const { organizationId } = deployment
  const version = await runnable(ctx, input.versionId, ['versionId'], organizationId)
  if (version.deploymentId !== deployment.id)
    throw new ValidationError([
      { path: ['versionId'], message: "This is another deployment's version." },
    ])
  const chosen = input.serviceIds
    ? await Promise.all(
        input.serviceIds.map(async (id) =>
          found(await serviceNamed(ctx, id, undefined, [organizationId]), 'service', id),
        ),
      )
    : await ctx.database.prisma.service.findMany({
        where: { deploymentId: deployment.id, deletedAt: null },
        orderBy: { serial: 'asc' },
      })
  const strangers = chosen.filter(({ deploymentId }) => deploymentId !== deployment.id)
  if (strangers.length > 0)
    throw new ValidationError(
      strangers.map(({ name }) => ({
        path: ['serviceIds'],
        message: `"${name}" belongs to another deployment.`,
      })),
    )
  // by an earlier attempt at the same call, which was cut off: rolled forward since, they are not rolled back again
  const { call } = ctx
  const effects = call && call.attempt > 1 ? await effectsOf(ctx.database, call.id) : []
  const done = new Set(effects.map(({ part }) => part))
  const rest = chosen.filter(({ id }) => !done.has(id))
  for (const service of rest) permit(ctx.viewer, 'ROLL_BACK', service)
  const rolled: Service[] = []
  for (const service of chosen) {
    const row = done.has(service.id) ? service : await rollBack(ctx, service, version, input.reason)
    if (row !== null) rolled.push(row)
  }
  return rolled
}

/** Null when the service was deleted meanwhile: there is nothing left to roll back. */
async function rollBack(
  ctx: Context,
  service: Service,
  version: DeploymentVersion,
  reason: string | null | undefined,
): Promise<Service | null> {
  if ((service.targetVersionId ?? service.versionId) === version.id) return service
  const set = Prisma.sql`${pointAt(version.id)} ${nextGeneration}`
  const changes = [{ field: 'version', to: version.label }]
  const events: NewEvent[] = [{ kind: 'ROLLED_BACK', changes, message: reason ?? undefined }]
  const part = service.id
  const done = await apply(ctx, service, true, set, events, 'rollBackDeployment', { part })
  if (done !== undefined) return done
  const now = await services.byId(ctx, service.id)
  return now && rollBack(ctx, now, version, reason)
}
