import type { AnnotationInput } from '../addresses/index.ts'
import { allow, found } from '../auth/viewer.ts'
import type { Context } from '../context.ts'
import { deployments } from '../deployments/index.ts'
import { Prisma, type Deployment, type Route } from '../generated/prisma/client.ts'
import { Conflict } from '../kit/errors.ts'
import { create, hint, remove, updating, writeIn } from '../kinds/index.ts'
import { RouteId, routes } from './route.ts'
import { routeNamed } from './store.ts'
import { readTargets, shownTargets, targetsHeld, type TargetInput } from './targets.ts'

/** Makes a route, all of whose targets are active. */
export async function createRoute(
  ctx: Context,
  input: {
    name: string
    handle?: string | null
    deploymentId?: string | null
    serviceIds: readonly string[]
    addresses?: readonly string[] | null
    annotations?: readonly AnnotationInput[] | null
  },
): Promise<Route> {
  const { name } = input
  const deployment =
    input.deploymentId == null ? null : await deployments.toChange(ctx, input.deploymentId)
  const deploymentId = deployment?.id ?? null
  const home = deployment
    ? { organizationId: deployment.organizationId, deploymentId: deployment.id }
    : undefined
  const wanted = input.serviceIds.map((serviceId) => ({ serviceId, isActive: true }))
  const { organizationId, targets } = await readTargets(ctx, wanted, home, (place) => [
    'serviceIds',
    String(place),
  ])
  allow(ctx.viewer, 'DEVELOPER', organizationId)
  return create(ctx, routes, {
    ...input,
    action: 'createRoute',
    organizationId,
    suggestion: deployment === null ? name : `${deployment.handle} ${name}`,
    values: { deploymentId, heldName: name },
    changes: [
      { field: 'name', to: name },
      { field: 'targets', to: shownTargets(targets) },
    ],
    async before(db) {
      if (deployment !== null) await stands(db, deployment)
      await isFree(db, deploymentId, name)
    },
    whyNot: (db) => isFree(db, deploymentId, name), // another may have taken it meanwhile
    along: (db, { id: routeId }) =>
      db.routeTarget.createMany({ data: targets.map((target) => ({ routeId, ...target })) }),
  })
}

/** Changes what is given; the handle stays. Targets that are given replace those that were there. */
export async function updateRoute(
  ctx: Context,
  input: {
    id: string
    deploymentId?: string | null
    name?: string | null
    targets?: readonly TargetInput[] | null
    annotations?: readonly AnnotationInput[] | null
  },
): Promise<Route> {
  const old = await toChange(ctx, input)
  const { id } = old
  const targets =
    input.targets === undefined
      ? undefined
      : (
          await readTargets(ctx, input.targets ?? [], old, (place) => [
            'targets',
            String(place),
            'serviceId',
          ])
        ).targets
  const action = 'updateRoute'
  const [unchanged, updated] = await ctx.database.prisma.$transaction(async (db) => {
    // of two changes at once one is decided after the other
    const [row] = await db.$queryRaw<Route[]>`
      SELECT * FROM "Route" WHERE id = ${id}::uuid AND "deletedAt" IS NULL FOR UPDATE`
    const now = found(row, 'route', input.id)
    const name = input.name ?? now.name
    const before = await targetsHeld(db, id)
    if (name !== now.name) await isFree(db, now.deploymentId, name)
    const change = updating(ctx, routes, now, {
      action,
      values: { name },
      set: [Prisma.sql`"heldName" = ${name}`, Prisma.sql`"updatedAt" = clock_timestamp()`],
      changes:
        targets === undefined || alike(before, targets)
          ? []
          : [{ field: 'targets', from: shownTargets(before), to: shownTargets(targets) }],
      annotations: input.annotations,
      async along() {
        if (targets === undefined) return
        await db.routeTarget.deleteMany({ where: { routeId: id } })
        const data = targets.map((target) => ({ routeId: id, ...target }))
        await db.routeTarget.createMany({ data })
      },
    })
    return [now, change && (await writeIn(db, routes, ...change))] as const
  })
  if (updated === undefined) return unchanged
  hint(ctx, routes, updated, { action })
  return updated
}

/** Deletes a route; what it led to stays. */
export async function deleteRoute(
  ctx: Context,
  input: { id: string; deploymentId?: string | null },
): Promise<Route> {
  const route = await toChange(ctx, input)
  return found(await remove(ctx, routes, route, { action: 'deleteRoute' }), 'route', input.id)
}

async function toChange(
  ctx: Context,
  { id, deploymentId }: { id: string; deploymentId?: string | null },
): Promise<Route> {
  const route = found(await routeNamed(ctx, id, deploymentId), 'route', id)
  allow(ctx.viewer, 'DEVELOPER', route.organizationId)
  return route
}

/** Keeps a deployment from being deleted until the route is there, or finds that it was. */
async function stands(db: Prisma.TransactionClient, { id, handle }: Deployment): Promise<void> {
  const rows = await db.$queryRaw<unknown[]>`
    SELECT 1 FROM "Deployment" WHERE id = ${id}::uuid AND "deletedAt" IS NULL FOR SHARE`
  if (rows.length === 0) found(null, 'deployment', handle)
}

/** Throws Conflict when another route of the deployment, if there is one, has this name. */
async function isFree(
  db: Prisma.TransactionClient,
  deploymentId: string | null,
  heldName: string,
): Promise<void> {
  if (deploymentId === null) return
  const other = await db.route.findFirst({ where: { deploymentId, heldName } })
  if (other !== null)
    throw new Conflict(
      'name',
      `The deployment has a route ${JSON.stringify(heldName)} already.`,
      RouteId.text(other.id),
    )
}

const alike = (one: object, other: object): boolean => JSON.stringify(one) === JSON.stringify(other)
