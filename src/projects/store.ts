import { keyOf } from '../addresses/index.ts'
import { confinedTo, organizationsOf } from '../auth/viewer.ts'
import type { Context } from '../context.ts'
import type { Project } from '../generated/prisma/client.ts'
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
 * A project by id, handle or address; null for the absent and the foreign alike. Of several with that handle it is
 * the one of `organizationId`, else of the oldest organization.
 */
export async function projectNamed(
  ctx: Context,
  text: string,
  organizationId?: string,
): Promise<Project | null> {
  const key = await keyOf(ctx, projectNaming, text)
  const within = organizationId === undefined ? {} : { organizationId }
  return (
    key &&
    ctx.database.prisma.project.findFirst({
      where: { AND: [visible(ctx), key, within] },
      orderBy: { organization: { serial: 'asc' } },
    })
  )
}

export const projectById = batched<Context, Project>((ctx, ids) =>
  ctx.database.prisma.project.findMany({ where: { AND: [visible(ctx), { id: { in: ids } }] } }),
)
