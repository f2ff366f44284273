import { isNamed, keyOf } from '../addresses/index.ts'
import { organizationsOf } from '../auth/viewer.ts'
import type { Context } from '../context.ts'
import { deploymentKey } from '../deployments/index.ts'
import { Prisma, type Route, type Service } from '../generated/prisma/client.ts'
import { batched, batchedAlike } from '../kit/batched.ts'
import { calleeColumns, type Callee } from '../services/index.ts'
import { routeNaming } from './route.ts'

/** The routes a viewer may see. */
export const visible = (ctx: Context) =>
  ({ organizationId: { in: organizationsOf(ctx.viewer) }, deletedAt: null }) as const

/** The condition by which a route of `r` is meant; undefined where nothing can be. `form` tells its texts apart. */
async function isMeant(
  ctx: Context,
  text: string,
  deployment: string | null | undefined,
): Promise<{ form: string; where: Prisma.Sql } | undefined> {
  const key = await keyOf(ctx, routeNaming, text)
  if (key === null) return undefined
  const own = isNamed('r', key)
  if (deployment == null) return own
  const within = await deploymentKey(ctx, deployment)
  if (within === undefined) return undefined
  // a name comes before the handle of another
  const named =
    'heldHandle' in key
      ? Prisma.sql`r.id = (
          SELECT n.id FROM "Route" AS n
          WHERE n."deploymentId" = ${within}::uuid AND (n."heldName" = ${text} OR n."heldHandle" = ${text})
          ORDER BY n."heldName" = ${text} DESC LIMIT 1)`
      : own.where
  return {
    form: `${own.form}-within`,
    where: Prisma.sql`r."deploymentId" = ${within}::uuid AND ${named}`,
  }
}

/**
 * By id, handle or address, and by its name in `deployment` where that is named; null for the absent and the foreign
 * alike.
 */
export async function routeNamed(
  ctx: Context,
  text: string,
  deployment?: string | null,
): Promise<Route | null> {
  const meant = await isMeant(ctx, text, deployment)
  if (meant === undefined) return null
  const [row] = await ctx.database.read<Route>(
    Prisma.sql`
      SELECT r.* FROM "Route" AS r
      WHERE r."organizationId" = ANY(${organizationsOf(ctx.viewer)}::uuid[]) AND r."deletedAt" IS NULL AND ${meant.where}
      ORDER BY r.serial LIMIT 1`,
    `route-by-${meant.form}`,
  )
  return row ?? null
}

/** Whom a call of a route goes to. */
export interface Led {
  readonly organizationId: string
  /** The first active target that is there. */
  readonly callee: Callee | undefined
}

/** The same for a call: one named statement, because every call asks. */
export async function calleeOfRoute(
  ctx: Context,
  text: string,
  deployment: string | undefined,
): Promise<Led | null> {
  const meant = await isMeant(ctx, text, deployment)
  if (meant === undefined) return null
  type Row = { routeOrganization: string } & { [Key in keyof Callee]: Callee[Key] | null }
  const [row] = await ctx.database.read<Row>(
    Prisma.sql`
      SELECT r."organizationId" AS "routeOrganization", ${calleeColumns} FROM "Route" AS r
      LEFT JOIN LATERAL (
        SELECT s.* FROM "RouteTarget" AS t JOIN "Service" AS s ON s.id = t."serviceId" AND s."deletedAt" IS NULL
        WHERE t."routeId" = r.id AND t."isActive" ORDER BY t.place LIMIT 1) AS s ON true
      WHERE r."organizationId" = ANY(${organizationsOf(ctx.viewer)}::uuid[]) AND r."deletedAt" IS NULL AND ${meant.where}
      ORDER BY r.serial LIMIT 1`,
    `callee-of-route-by-${meant.form}`,
  )
  if (row === undefined) return null
  const { routeOrganization, ...callee } = row
  // its columns are all null, or none that may not be
  return {
    organizationId: routeOrganization,
    callee: callee.id === null ? undefined : (callee as Callee),
  }
}

export const routeById = batched<Context, Route>((ctx, ids) =>
  ctx.database.read(
    Prisma.sql`
      SELECT * FROM "Route" WHERE id = ANY(${ids}::uuid[]) AND "deletedAt" IS NULL
        AND "organizationId" = ANY(${organizationsOf(ctx.viewer)}::uuid[])`,
    'routes-by-id',
  ),
)

/** A service that a route leads to. */
export interface Target {
  readonly service: Service
  readonly isActive: boolean
}

/** What routes lead to, first things first; a deleted service is left out. */
export const targetsOf = batchedAlike(async (ctx: Context, routes) => {
  const rows = await ctx.database.read<Service & { routeId: string; isActive: boolean }>(
    Prisma.sql`
      SELECT t."routeId", t."isActive", s.* FROM "RouteTarget" AS t JOIN "Service" AS s ON s.id = t."serviceId"
      WHERE t."routeId" = ANY(${[...routes]}::uuid[]) AND s."deletedAt" IS NULL ORDER BY t."routeId", t.place`,
    'targets-of-routes',
  )
  const targets = new Map<string, Target[]>()
  for (const { routeId, isActive, ...service } of rows) {
    const of = targets.get(routeId) ?? []
    targets.set(routeId, [...of, { service, isActive }])
  }
  return targets
})
