import { LIMIT_CHOICES, meantBy, theOne } from '../addresses/index.ts'
import { confinedTo, organizationsOf } from '../auth/viewer.ts'
import type { Context } from '../context.ts'
import { Prisma, type Project } from '../generated/prisma/client.ts'
import { batched } from '../kit/batched.ts'
import { projectNaming } from './project.ts'

/** The projects a viewer may see: those of its organizations, or the only one it is good for. */
export function visible({ viewer }: Pick<Context, 'viewer'>) {
  const only = confinedTo(viewer)
  return only === undefined
    ? { organizationId: { in: organizationsOf(viewer) }, deletedAt: null }
    : { id: only.id, deletedAt: null }
}

/**
 * A project by id, handle or address; null for the absent and the foreign alike. Throws Ambiguous for a name that
 * several organizations of the viewer know, unless `organizationId` says of which it is.
 */
export async function projectNamed(
  ctx: Context,
  text: string,
  organizationId?: string,
): Promise<Project | null> {
  const only = confinedTo(ctx.viewer)
  const readable = only === undefined ? organizationsOf(ctx.viewer) : [only.organizationId]
  const organizations = readable.filter(
    (id) => organizationId === undefined || id === organizationId,
  )
  const meant = await meantBy(ctx, projectNaming, 'p', text, organizations)
  if (meant === null) return null
  const isOnly = only === undefined ? Prisma.sql`true` : Prisma.sql`p.id = ${only.id}::uuid`
  const rows = await ctx.database.query<Project>(Prisma.sql`
    SELECT p.* FROM "Project" AS p
    WHERE p."organizationId" = ANY(${organizations}::uuid[]) AND p."deletedAt" IS NULL AND ${isOnly} AND ${meant.where}
    ORDER BY p.serial ${LIMIT_CHOICES}`)
  return theOne(ctx, projectNaming, text, rows)
}

export const projectById = batched<Context, Project>((ctx, ids) =>
  ctx.database.prisma.project.findMany({ where: { AND: [visible(ctx), { id: { in: ids } }] } }),
)
