import { found } from '../auth/viewer.ts'
import type { Context } from '../context.ts'
import type { Prisma } from '../generated/prisma/client.ts'
import { ValidationError, type Issue } from '../kit/errors.ts'
import { ServiceId, serviceNamed } from '../services/index.ts'

/** A service that a route is to lead to. */
export interface TargetInput {
  readonly serviceId: string
  readonly isActive?: boolean | null | undefined
}

/** One row of a route's targets. */
interface TargetRow {
  readonly place: number
  readonly serviceId: string
  readonly isActive: boolean
}

/** What targets must be of: the organization and, where there is one, the deployment. */
interface Home {
  readonly organizationId: string
  readonly deploymentId: string | null
}

/**
 * Finds the services that a route is to lead to. They must be of one organization, and of the deployment of a route that
 * has one. Throws NotFound, Ambiguous, or ValidationError with all that is wrong; `pathOf` says where each of them stands.
 */
export async function readTargets(
  ctx: Context,
  wanted: readonly TargetInput[],
  home: Home | undefined,
  pathOf: (place: number) => string[],
): Promise<{ organizationId: string; targets: TargetRow[] }> {
  const organizations = home && [home.organizationId]
  const services = await Promise.all(
    wanted.map(async ({ serviceId }) =>
      found(await serviceNamed(ctx, serviceId, undefined, organizations), 'service', serviceId),
    ),
  )
  const organizationId = home?.organizationId ?? services[0]?.organizationId
  if (organizationId === undefined)
    throw new ValidationError([{ path: ['serviceIds'], message: 'Name at least one service.' }])
  const deploymentId = home?.deploymentId
  const issues = services.flatMap((service, place): Issue[] => {
    const wrong = (message: string): Issue[] => [{ path: pathOf(place), message }]
    if (service.organizationId !== organizationId)
      return wrong('This service belongs to another organization.')
    if (deploymentId != null && service.deploymentId !== deploymentId)
      return wrong('This service belongs to another deployment.')
    const isTwice = services.findIndex(({ id }) => id === service.id) !== place
    return isTwice ? wrong('This service is named twice.') : []
  })
  if (issues.length > 0) throw new ValidationError(issues)
  return {
    organizationId,
    targets: services.map(({ id }, place) => ({
      place,
      serviceId: id,
      isActive: wanted[place]?.isActive ?? true,
    })),
  }
}

/** The targets of a route as they are stored, those of deleted services too. */
export const targetsHeld = (db: Prisma.TransactionClient, routeId: string): Promise<TargetRow[]> =>
  db.routeTarget.findMany({
    where: { routeId },
    select: { place: true, serviceId: true, isActive: true },
    orderBy: { place: 'asc' },
  })

/** Targets as the history tells them. */
export const shownTargets = (targets: readonly TargetRow[]) =>
  targets.map(({ serviceId, isActive }) => ({ serviceId: ServiceId.text(serviceId), isActive }))
