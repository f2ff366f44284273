import {
  annotationChanges,
  keepAddresses,
  keepAnnotations,
  readAddresses,
  type AnnotationInput,
} from '../addresses/index.ts'
import { allow, found, organizationsOf } from '../auth/viewer.ts'
import { actor, type Context } from '../context.ts'
import { deploymentNamed } from '../deployments/index.ts'
import type { Deployment, Prisma, Route } from '../generated/prisma/client.ts'
import { Conflict } from '../kit/errors.ts'
import { firstFree, slug } from '../kit/names.ts'
import { act } from '../streams/index.ts'
import { RouteId, routeNaming } from './route.ts'
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
  const { name, deploymentId } = input
  const deployment =
    deploymentId == null
      ? null
      : found(await deploymentNamed(ctx, deploymentId), 'deployment', deploymentId)
  if (deployment !== null) allow(ctx.viewer, 'DEVELOPER', deployment.organizationId)
  const home = deployment
    ? { organizationId: deployment.organizationId, deploymentId: deployment.id }
    : undefined
  const wanted = input.serviceIds.map((serviceId) => ({ serviceId, isActive: true }))
  const { organizationId, targets } = await readTargets(ctx, wanted, home, (place) => [
    'serviceIds',
    String(place),
  ])
  allow(ctx.viewer, 'DEVELOPER', organizationId)
  const addresses = readAddresses(input.addresses)
  const id = RouteId.make()
  const made = await ctx.database.prisma.$transaction(async (db) => {
    if (deployment !== null) {
      await stands(db, deployment)
      await isFree(db, deployment.id, name)
    }
    const suggestion = slug(deployment === null ? name : `${deployment.handle} ${name}`)
    const held = { organizationId, deploymentId: deployment?.id ?? null, name, heldName: name }
    const route = await firstFree(suggestion, input.handle, async (handle) => {
      const [row] = await db.route.createManyAndReturn({
        data: [{ id, ...held, handle, heldHandle: handle }],
        skipDuplicates: true,
      })
      return row
    })
    if (route === undefined) {
      if (deployment !== null) await isFree(db, deployment.id, name) // or another has taken it meanwhile
      const heldHandle = input.handle ?? suggestion
      const other = await db.route.findFirst({ where: { organizationId, heldHandle } })
      const existing = other === null ? undefined : RouteId.text(other.id)
      throw new Conflict('handle', `There is a route "${heldHandle}" already.`, existing)
    }
    await db.routeTarget.createMany({ data: targets.map((target) => ({ routeId: id, ...target })) })
    await keepAddresses(db, routeNaming, organizationId, id, addresses)
    await keepAnnotations(db, id, input.annotations)
    const changes = [
      { field: 'name', to: name },
      { field: 'targets', to: shownTargets(targets) },
    ]
    await db.$executeRaw(act(organizationId, actor(ctx), 'createRoute', `rte:${id}`, changes))
    return route
  })
  ctx.hub.hint('audit', organizationId)
  return made
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
  const old = found(await routeNamed(ctx, input.id, input.deploymentId), 'route', input.id)
  const { id, organizationId, deploymentId } = old
  allow(ctx.viewer, 'DEVELOPER', organizationId)
  const name = input.name ?? old.name
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
  const updated = await ctx.database.prisma.$transaction(async (db) => {
    // of two changes at once one is decided after the other
    const [row] = await db.$queryRaw<unknown[]>`
      SELECT 1 FROM "Route" WHERE id = ${id}::uuid AND "deletedAt" IS NULL FOR UPDATE`
    found(row ?? null, 'route', input.id)
    const before = await targetsHeld(db, id)
    const changes = [
      ...(name === old.name ? [] : [{ field: 'name', from: old.name, to: name }]),
      ...(targets === undefined || alike(before, targets)
        ? []
        : [{ field: 'targets', from: shownTargets(before), to: shownTargets(targets) }]),
      ...annotationChanges(input.annotations),
    ]
    if (changes.length === 0) return old
    if (name !== old.name && deploymentId !== null) await isFree(db, deploymentId, name)
    if (targets !== undefined) {
      await db.routeTarget.deleteMany({ where: { routeId: id } })
      await db.routeTarget.createMany({
        data: targets.map((target) => ({ routeId: id, ...target })),
      })
    }
    await keepAnnotations(db, id, input.annotations)
    await db.$executeRaw(act(organizationId, actor(ctx), 'updateRoute', `rte:${id}`, changes))
    const updatedAt = ctx.now()
    return db.route.update({ where: { id }, data: { name, heldName: name, updatedAt } })
  })
  ctx.hub.hint('audit', organizationId)
  return updated
}

/** Deletes a route; what it led to stays. */
export async function deleteRoute(
  ctx: Context,
  input: { id: string; deploymentId?: string | null },
): Promise<Route> {
  const route = found(await routeNamed(ctx, input.id, input.deploymentId), 'route', input.id)
  const { id, organizationId } = route
  allow(ctx.viewer, 'DEVELOPER', organizationId)
  const gone = { deletedAt: ctx.now(), heldHandle: null, heldName: null }
  await ctx.database.prisma.$transaction(async (db) => {
    const { count } = await db.route.updateMany({ where: { id, deletedAt: null }, data: gone })
    if (count === 0) found(null, 'route', input.id)
    await db.address.deleteMany({ where: { objectId: id } })
    await db.$executeRaw(act(organizationId, actor(ctx), 'deleteRoute', `rte:${id}`))
  })
  ctx.hub.hint('audit', organizationId)
  return { ...route, ...gone }
}

/** The route that a call has changed before, as it is now or last was, for whoever may change it. */
export async function changedRoute(ctx: Context, id: string): Promise<Route> {
  const where = { id, organizationId: { in: organizationsOf(ctx.viewer) } }
  const route = found(
    await ctx.database.prisma.route.findFirst({ where }),
    'route',
    RouteId.text(id),
  )
  allow(ctx.viewer, 'DEVELOPER', route.organizationId)
  return route
}

/** Keeps a deployment from being deleted until the route is there, or finds that it was. */
async function stands(db: Prisma.TransactionClient, { id, handle }: Deployment): Promise<void> {
  const rows = await db.$queryRaw<unknown[]>`
    SELECT 1 FROM "Deployment" WHERE id = ${id}::uuid AND "deletedAt" IS NULL FOR SHARE`
  if (rows.length === 0) found(null, 'deployment', handle)
}

/** Throws Conflict when another route of the deployment has this name. */
async function isFree(
  db: Prisma.TransactionClient,
  deploymentId: string,
  heldName: string,
): Promise<void> {
  const other = await db.route.findFirst({ where: { deploymentId, heldName } })
  if (other !== null)
    throw new Conflict(
      'name',
      `The deployment has a route ${JSON.stringify(heldName)} already.`,
      RouteId.text(other.id),
    )
}

const alike = (one: object, other: object): boolean => JSON.stringify(one) === JSON.stringify(other)
