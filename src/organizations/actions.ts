import {
  keepAddresses,
  keepAnnotations,
  readAddresses,
  type AnnotationInput,
} from '../addresses/index.ts'
import { allowServerAdmin, personOf } from '../auth/viewer.ts'
import { actor, type Context } from '../context.ts'
import type { Organization } from '../generated/prisma/client.ts'
import { Conflict, Forbidden, ValidationError } from '../kit/errors.ts'
import { FILLERS, slug } from '../kit/names.ts'
import { act } from '../streams/audit.ts'
import { OrganizationId, organizationNaming } from './organization.ts'
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
  const addresses = readAddresses(input.addresses)
  const userId = personOf(ctx.viewer)?.id
  if (userId === undefined) throw new Forbidden('ADMIN')
  const id = OrganizationId.make()
  const handle = input.handle ?? slug(input.name)
  if (FILLERS.includes(handle)) throw isFiller(handle)
  const made = await ctx.database.prisma.$transaction(async (db) => {
    const { count } = await db.organization.createMany({
      data: [{ id, handle, name: input.name }],
      skipDuplicates: true,
    })
    if (count === 0) throw new Conflict('handle', `There is an organization "${handle}" already.`)
    await db.membership.create({ data: { userId, organizationId: id, role: 'ADMIN' } })
    await db.project.create({ data: defaultProject(id) })
    await keepAddresses(db, organizationNaming, id, id, addresses)
    await keepAnnotations(db, id, input.annotations)
    await db.$executeRaw(act(id, actor(ctx), 'createOrganization', `org:${id}`))
    return db.organization.findUniqueOrThrow({ where: { id } })
  })
  ctx.hub.hint('audit', id)
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
