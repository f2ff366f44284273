import type { AnnotationInput } from '../addresses/index.ts'
import { allowServerAdmin, personOf } from '../auth/viewer.ts'
import { actor, type Context } from '../context.ts'
import type { Organization } from '../generated/prisma/client.ts'
import { Conflict, Forbidden, ValidationError } from '../kit/errors.ts'
import { FILLERS, slug } from '../kit/names.ts'
import { insertion, write } from '../kinds/index.ts'
import { OrganizationId, organizations } from './organization.ts'
import { defaultProject } from './store.ts'

/** Makes an organization; whoever makes it is its first ADMIN. */
export async function createOrganization(
  ctx: Context,
  input: {
    name: string
    handle?: string | null
    addresses?: readonly string[] | null
    annotations?: readonly AnnotationInput[] | null
  },
): Promise<Organization> {
  allowServerAdmin(ctx.viewer)
  const userId = personOf(ctx.viewer)?.id
  if (userId === undefined) throw new Forbidden('ADMIN')
  const id = OrganizationId.make()
  const { name } = input
  const handle = input.handle ?? slug(name)
  if (FILLERS.includes(handle)) throw isFiller(handle)
  const made = await write<Organization>(
    ctx,
    organizations,
    insertion(organizations, { id, handle, name }),
    {
      ...input,
      actor: actor(ctx),
      action: 'createOrganization',
      organizationId: id,
      async along(db) {
        await db.membership.create({ data: { userId, organizationId: id, role: 'ADMIN' } })
        await db.project.create({ data: defaultProject(id) })
      },
    },
  )
  if (made === undefined)
    throw new Conflict('handle', `There is an organization "${handle}" already.`)
  ctx.sessions.changed()
  return made
}

const isFiller = (handle: string): ValidationError =>
  new ValidationError([
    {
      path: ['handle'],
      message: `No organization may have the handle "${handle}": as a user name it names none.`,
      rule: 'reserved',
    },
  ])
