import type { AnnotationInput } from '../addresses/index.ts'
import { found, organizationFor } from '../auth/viewer.ts'
import type { Context } from '../context.ts'
import type { Project } from '../generated/prisma/client.ts'
import { WrongState } from '../kit/errors.ts'
import { DEFAULT_HANDLE } from '../kit/names.ts'
import { create, remove, update } from '../kinds/index.ts'
import { organizationNamed } from '../organizations/index.ts'
import { projects } from './project.ts'

export async function createProject(
  ctx: Context,
  input: {
    name: string
    handle?: string | null
    organizationId?: string | null
    addresses?: readonly string[] | null
    annotations?: readonly AnnotationInput[] | null
  },
): Promise<Project> {
  const named = await organizationNamed(ctx, input.organizationId)
  const organizationId = organizationFor(ctx.viewer, 'DEVELOPER', named)
  return create(ctx, projects, { ...input, organizationId, action: 'createProject' })
}

/** Changes what is given; the handle stays. */
export async function updateProject(
  ctx: Context,
  {
    id,
    name,
    annotations,
  }: { id: string; name?: string | null; annotations?: readonly AnnotationInput[] | null },
): Promise<Project> {
  const old = await projects.toChange(ctx, id)
  const values = { name: name ?? old.name }
  const updated = await update(ctx, projects, old, { action: 'updateProject', values, annotations })
  return found(updated, 'project', id)
}

/** Deletes a project; the tokens that were good for it alone end with it. `default` stays. */
export async function deleteProject(ctx: Context, { id }: { id: string }): Promise<Project> {
  const project = await projects.toChange(ctx, id)
  if (project.handle === DEFAULT_HANDLE)
    throw new WrongState('The project "default" cannot be deleted.', 'BUILT_IN', ['ADDED'])
  const deleted = await remove(ctx, projects, project, {
    action: 'deleteProject',
    along: (db, { deletedAt }) =>
      db.token.updateMany({
        where: { projectId: project.id, revokedAt: null },
        data: { revokedAt: deletedAt },
      }),
  })
  ctx.sessions.changed()
  return found(deleted, 'project', id)
}
