import { LIMIT_CHOICES, meantBy, theOne } from '../addresses/index.ts'
import { organizationsOf } from '../auth/viewer.ts'
import type { Context } from '../context.ts'
import { deployments } from '../deployments/index.ts'
import { Prisma, type Route, type Service } from '../generated/prisma/client.ts'
import { batchedAlike } from '../kit/batched.ts'
import type { CorsPolicy } from '../kit/http/cors.ts'
import { calleeColumns, type Callee } from '../services/index.ts'
import { RouteId, routes } from './route.ts'

/** Rows of routes `r` that a text means, all columns of whose deployment are `d`'s where one is named. */
interface MeantRoutes {
  /** Tells its texts apart. */
  readonly form: string
  readonly join: Prisma.Sql
  readonly where: Prisma.Sql
}

/** Which routes are meant; undefined where none can be. */
async function routesMeant(
  ctx: Context,
  text: string,
  deployment: string | null | undefined,
): Promise<MeantRoutes | undefined> {
  const [own, parent] = await Promise.all([
    meantBy(ctx, routes, 'r', text),
    deployment == null ? undefined : meantBy(ctx, deployments, 'd', deployment),
  ])
  if (own === null || parent === null) return undefined
  if (parent === undefined) return { ...own, join: Prisma.empty }
  // in its deployment a name comes before the handle of another
  const named =
    own.form === 'handle'
      ? Prisma.sql`r.id = (
          SELECT n.id FROM "Route" AS n
          WHERE n."deploymentId" = d.id AND (n."heldName" = ${text} OR n."heldHandle" = ${text})
          ORDER BY n."heldName" = ${text} DESC LIMIT 1)`
      : own.where
  return {
    form: `${own.form}-within-${parent.form}`,
    join: Prisma.sql`JOIN "Deployment" AS d ON d.id = r."deploymentId" AND d."deletedAt" IS NULL AND ${parent.where}`,
    where: named,
  }
}

/**
 * By id, handle or address, and by its name in `deployment` where that is named; null for the absent and the foreign
 * alike. Throws Ambiguous when several routes are called so, in deployments that are.
 */
export async function routeNamed(
  ctx: Context,
  text: string,
  deployment?: string | null,
): Promise<Route | null> {
  const meant = await routesMeant(ctx, text, deployment)
  if (meant === undefined) return null
  const rows = await ctx.database.read<Route>(
    Prisma.sql`
      SELECT r.* FROM "Route" AS r ${meant.join}
      WHERE r."organizationId" = ANY(${organizationsOf(ctx.viewer)}::uuid[]) AND r."deletedAt" IS NULL AND ${meant.where}
      ORDER BY r.serial ${LIMIT_CHOICES}`,
    `route-by-${meant.form}`,
  )
  return theOne(ctx, routes, text, rows)
}

/** Whom a call of a route goes to. */
export interface Led {
  readonly organizationId: string
  /** The first active target that is there. */
  readonly callee: Callee | undefined
}

/** The same for a call: one named statement, because every call asks. Throws Ambiguous. */
export async function calleeOfRoute(
  ctx: Context,
  text: string,
  deployment: string | undefined,
): Promise<Led | null> {
  const meant = await routesMeant(ctx, text, deployment)
  if (meant === undefined) return null
  type Row = { routeId: string; routeOrganization: string } & {
    [Key in keyof Callee]: Callee[Key] | null
  }
  const rows = await ctx.database.read<Row>(
    Prisma.sql`
      SELECT r.id AS "routeId", r."organizationId" AS "routeOrganization", ${calleeColumns} FROM "Route" AS r ${meant.join}
      LEFT JOIN LATERAL (
        SELECT s.* FROM "RouteTarget" AS t JOIN "Service" AS s ON s.id = t."serviceId" AND s."deletedAt" IS NULL
        WHERE t."routeId" = r.id AND t."isActive" ORDER BY t.place LIMIT 1) AS s ON true
      WHERE r."organizationId" = ANY(${organizationsOf(ctx.viewer)}::uuid[]) AND r."deletedAt" IS NULL AND ${meant.where}
      ORDER BY r.serial ${LIMIT_CHOICES}`,
    `callee-of-route-by-${meant.form}`,
  )
  const meantRoutes = rows.map(({ routeId, routeOrganization, ...callee }) => ({
    id: routeId,
    organizationId: routeOrganization,
    callee,
  }))
  const led = await theOne(ctx, routes, text, meantRoutes)
  if (led === null) return null
  const { organizationId, callee } = led
  // its columns are all null, or none that may not be
  return {
    organizationId,
    callee: callee.id === null ? undefined : (callee as Callee),
  }
}

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

/** The policy of the service that a route leads to, whoever asks; undefined where there is none. */
export async function corsOfRoute(
  { database }: Pick<Context, 'database'>,
  id: string,
): Promise<CorsPolicy | undefined> {
  const routeId = RouteId.read(id)
  if (routeId === undefined) return undefined
  const [row] = await database.read<{ cors: CorsPolicy | null }>(
    Prisma.sql`
      SELECT s.cors FROM "RouteTarget" AS t
      JOIN "Route" AS r ON r.id = t."routeId" AND r."deletedAt" IS NULL
      JOIN "Service" AS s ON s.id = t."serviceId" AND s."deletedAt" IS NULL
      WHERE r.id = ${routeId}::uuid AND t."isActive" ORDER BY t.place LIMIT 1`,
    'route-cors',
  )
  return row?.cors ?? undefined
}
