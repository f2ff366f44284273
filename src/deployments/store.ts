import { LIMIT_CHOICES, meantBy, theOne } from '../addresses/index.ts'
import { organizationsOf } from '../auth/viewer.ts'
import type { Context } from '../context.ts'
import type { Deployment, DeploymentVersion } from '../generated/prisma/client.ts'
import { Prisma } from '../generated/prisma/client.ts'
import { batched } from '../kit/batched.ts'
import { recorded, advance, type NewEvent } from '../streams/index.ts'
import { actor } from '../context.ts'
import { deploymentNaming, versionNaming } from './deployment.ts'

/** The deployments a viewer may see. */
export const visible = (ctx: Context) =>
  ({ organizationId: { in: organizationsOf(ctx.viewer) }, deletedAt: null }) as const

/** By id, handle or address in one of `organizations`; null for the absent and the foreign alike. Throws Ambiguous. */
export async function deploymentNamed(
  ctx: Context,
  text: string,
  organizations: readonly string[] = organizationsOf(ctx.viewer),
): Promise<Deployment | null> {
  const meant = await meantBy(ctx, deploymentNaming, 'd', text, organizations)
  if (meant === null) return null
  const rows = await ctx.database.read<Deployment>(
    Prisma.sql`
      SELECT d.* FROM "Deployment" AS d
      WHERE d."organizationId" = ANY(${organizations}::uuid[]) AND d."deletedAt" IS NULL AND ${meant.where}
      ORDER BY d.serial ${LIMIT_CHOICES}`,
    `deployment-by-${meant.form}`,
  )
  return theOne(ctx, deploymentNaming, text, rows)
}

/** By id or address in one of `organizations`; versions have no handles. Throws Ambiguous. */
export async function versionNamed(
  ctx: Context,
  text: string,
  organizations: readonly string[] = organizationsOf(ctx.viewer),
): Promise<DeploymentVersion | null> {
  const meant = await meantBy(ctx, versionNaming, 'v', text, organizations)
  if (meant === null || meant.form === 'handle') return null
  const rows = await ctx.database.read<DeploymentVersion>(
    Prisma.sql`
      SELECT v.* FROM "DeploymentVersion" AS v
      WHERE v."organizationId" = ANY(${organizations}::uuid[]) AND v."deletedAt" IS NULL AND ${meant.where}
      ORDER BY v.serial ${LIMIT_CHOICES}`,
    `version-by-${meant.form}`,
  )
  return theOne(ctx, versionNaming, text, rows)
}

export const deploymentById = batched<Context, Deployment>((ctx, ids) =>
  ctx.database.read(
    Prisma.sql`
      SELECT * FROM "Deployment" WHERE id = ANY(${ids}::uuid[]) AND "deletedAt" IS NULL
        AND "organizationId" = ANY(${organizationsOf(ctx.viewer)}::uuid[])`,
    'deployments-by-id',
  ),
)

export const versionById = batched<Context, DeploymentVersion>((ctx, ids) =>
  ctx.database.read(
    Prisma.sql`
      SELECT * FROM "DeploymentVersion" WHERE id = ANY(${ids}::uuid[]) AND "deletedAt" IS NULL
        AND "organizationId" = ANY(${organizationsOf(ctx.viewer)}::uuid[])`,
    'versions-by-id',
  ),
)

/**
 * A statement that tells a deployment's stream of something, and changes the deployment itself with `set`. `subject`
 * is what was acted on (noun and UUID), where that is not the deployment.
 */
export function tellDeployment(
  ctx: Context,
  id: string,
  events: readonly NewEvent[],
  action: string,
  {
    set = Prisma.empty,
    where = Prisma.empty,
    subject,
  }: { set?: Prisma.Sql; where?: Prisma.Sql; subject?: string } = {},
): Prisma.Sql {
  return recorded(
    Prisma.sql`
      UPDATE "Deployment" AS t SET ${advance(events)} ${set}
      WHERE t.id = ${id}::uuid AND t."deletedAt" IS NULL ${where} RETURNING t.*`,
    { actor: actor(ctx), events, act: { action, noun: 'dep', subject } },
  )
}

/** What a service runs, deleted or not: whoever sees the service sees what it is made of. */
export const deploymentOf = batched<Context, Deployment>(({ database }, ids) =>
  database.read(
    Prisma.sql`SELECT * FROM "Deployment" WHERE id = ANY(${ids}::uuid[])`,
    'deployments-of-services',
  ),
)

/** The same of its version. */
export const versionOf = batched<Context, DeploymentVersion>(({ database }, ids) =>
  database.read(
    Prisma.sql`SELECT * FROM "DeploymentVersion" WHERE id = ANY(${ids}::uuid[])`,
    'versions-of-services',
  ),
)

/** Tells followers that a deployment, and its organization's history, have grown. */
export function hintDeployment(
  ctx: Context,
  { id, organizationId }: { id: string; organizationId: string },
): void {
  ctx.hub.hint('deployment', id)
  ctx.hub.hint('audit', organizationId)
}
