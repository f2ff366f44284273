import { isNamed, keyOf } from '../addresses/index.ts'
import { organizationsOf } from '../auth/viewer.ts'
import type { Context } from '../context.ts'
import type { Deployment, DeploymentVersion } from '../generated/prisma/client.ts'
import { Prisma } from '../generated/prisma/client.ts'
import { columnsFor } from '../graph/columns.ts'
import { batched } from '../kit/batched.ts'
import { recorded, advance, type NewEvent } from '../streams/index.ts'
import { actor } from '../context.ts'
import { deploymentNaming, versionNaming } from './deployment.ts'

/** The deployments a viewer may see. */
export const visible = (ctx: Context) =>
  ({ organizationId: { in: organizationsOf(ctx.viewer) }, deletedAt: null }) as const

/** By id, handle or address; null for the absent and the foreign alike. */
export async function deploymentNamed(ctx: Context, text: string): Promise<Deployment | null> {
  const key = await keyOf(ctx, deploymentNaming, text)
  return key && ctx.database.prisma.deployment.findFirst({ where: { ...visible(ctx), ...key } })
}

/** The key of a deployment, or undefined for the absent and the foreign alike: one named statement, for every call of a route asks. */
export async function deploymentKey(ctx: Context, text: string): Promise<string | undefined> {
  const key = await keyOf(ctx, deploymentNaming, text)
  if (key === null) return undefined
  const { form, where } = isNamed('d', key)
  const [row] = await ctx.database.read<{ id: string }>(
    Prisma.sql`
      SELECT d.id FROM "Deployment" AS d
      WHERE d."organizationId" = ANY(${organizationsOf(ctx.viewer)}::uuid[]) AND d."deletedAt" IS NULL AND ${where}
      ORDER BY d.serial LIMIT 1`,
    `deployment-key-by-${form}`,
  )
  return row?.id
}

/** By id or address; versions have no handles. */
export async function versionNamed(ctx: Context, text: string): Promise<DeploymentVersion | null> {
  const key = await keyOf(ctx, versionNaming, text)
  if (key === null || 'heldHandle' in key) return null
  return ctx.database.prisma.deploymentVersion.findFirst({ where: { ...visible(ctx), ...key } })
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

/** The columns that answer what is asked of a deployment, of a table `d`. */
export const deploymentColumns = columnsFor<Deployment>('d', ['id', 'serial', 'organizationId'], {
  id: [],
  name: ['name'],
  handle: ['handle'],
  description: ['description'],
  createdAt: ['createdAt'],
  updatedAt: ['updatedAt'],
  asOf: ['revision'],
  revision: ['revision'],
})

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
