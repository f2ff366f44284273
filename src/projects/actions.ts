import {
  annotationChanges,
  keepAddresses,
  keepAnnotations,
  readAddresses,
  type AnnotationInput,
} from '../addresses/index.ts'
import { allow, found, organizationFor, organizationsOf } from '../auth/viewer.ts'
import { actor, type Context } from '../context.ts'
import type { Project } from '../generated/prisma/client.ts'
import { Conflict, WrongState } from '../kit/errors.ts'
import { DEFAULT_HANDLE, firstFree, slug } from '../kit/names.ts'
import { organizationNamed, ProjectId } from '../organizations/index.ts'
import { act } from '../streams/index.ts'
import { projectNaming } from './project.ts'
import { projectNamed } from './store.ts'

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
  const addresses = readAddresses(input.addresses)
  const id = ProjectId.make()
  const made = await ctx.database.prisma.$transaction(async (db) => {
    const project = await firstFree(slug(input.name), input.handle, async (handle) => {
      const [row] = await db.project.createManyAndReturn({
        data: [{ id, organizationId, handle, heldHandle: handle, name: input.name }],
        skipDuplicates: true,
      })
      return row
    })
    if (project === undefined) {
      const handle = input.handle ?? slug(input.name)
      const other = await db.project.findFirst({ where: { organizationId, heldHandle: handle } })
      const existing = other === null ? undefined : ProjectId.text(other.id)
      throw new Conflict('handle', `There is a project "${handle}" already.`, existing)
    }
    await keepAddresses(db, projectNaming, organizationId, id, addresses)
    await keepAnnotations(db, id, input.annotations)
    const changes = [{ field: 'name', to: input.name }]
    await db.$executeRaw(act(organizationId, actor(ctx), 'createProject', `prj:${id}`, changes))
    return project
  })
  ctx.hub.hint('audit', organizationId)
  return made
}

/** Changes what is given; the handle stays. */
export async function updateProject(
  ctx: Context,
  input: { id: string; name?: string | null; annotations?: readonly AnnotationInput[] | null },
): Promise<Project> {
  const old = found(await projectNamed(ctx, input.id), 'project', input.id)
  const { id, organizationId } = old
  allow(ctx.viewer, 'DEVELOPER', organizationId)
  const name = input.name ?? old.name
  const changes = [
    ...(name === old.name ? [] : [{ field: 'name', from: old.name, to: name }]),
    ...annotationChanges(input.annotations),
  ]
  const updated = await ctx.database.prisma.$transaction(async (db) => {
    const { count } = await db.project.updateMany({
      where: { id, deletedAt: null },
      data: { name },
    })
    if (count === 0) found(null, 'project', input.id)
    await keepAnnotations(db, id, input.annotations)
    await db.$executeRaw(act(organizationId, actor(ctx), 'updateProject', `prj:${id}`, changes))
    return { ...old, name }
  })
  ctx.hub.hint('audit', organizationId)
  return updated
}

/** Deletes a project; the tokens that were good for it alone end with it. `default` stays. */
export async function deleteProject(ctx: Context, input: { id: string }): Promise<Project> {
  const project = found(await projectNamed(ctx, input.id), 'project', input.id)
  const { id, organizationId, handle } = project
  allow(ctx.viewer, 'DEVELOPER', organizationId)
  if (handle === DEFAULT_HANDLE)
    throw new WrongState('The project "default" cannot be deleted.', 'BUILT_IN', ['ADDED'])
  const deletedAt = ctx.now()
  await ctx.database.prisma.$transaction(async (db) => {
    const { count } = await db.project.updateMany({
      where: { id, deletedAt: null },
      data: { deletedAt, heldHandle: null },
    })
    if (count === 0) found(null, 'project', input.id)
    await db.token.updateMany({
      where: { projectId: id, revokedAt: null },
      data: { revokedAt: deletedAt },
    })
    await db.$executeRaw(act(organizationId, actor(ctx), 'deleteProject', `prj:${id}`))
  })
  ctx.sessions.changed()
  ctx.hub.hint('audit', organizationId)
  return { ...project, deletedAt, heldHandle: null }
}

/** The project that a call has changed before, as it is now or last was, for whoever may change it. */
export async function changedProject(ctx: Context, id: string): Promise<Project> {
  const where = { id, organizationId: { in: organizationsOf(ctx.viewer) } }
  const row = await ctx.database.prisma.project.findFirst({ where })
  const project = found(row, 'project', ProjectId.text(id))
  allow(ctx.viewer, 'DEVELOPER', project.organizationId)
  return project
}
