import {
  keepAddresses,
  keepAnnotations,
  type AnnotationInput,
  type ChosenAddresses,
} from '../addresses/index.ts'
import type { Context } from '../context.ts'
import type { Prisma, Service } from '../generated/prisma/client.ts'
import { Conflict, ValidationError } from '../kit/errors.ts'
import { firstFree, nameRule, slug } from '../kit/names.ts'
import { ServiceId, serviceNaming } from './service.ts'
import { hintService } from './store.ts'

/** What the input of a new service must hold. */
export function given<Value>(value: Value | null | undefined, path: readonly string[]): Value {
  if (value != null) return value
  throw new ValidationError([
    { path, message: 'This is needed to make such a service.', rule: 'required' },
  ])
}

/** Throws ValidationError for a name that none but a queue may have: blank, or longer than any of ours. */
export function refuseOddName(name: string | null | undefined): void {
  const { error } = nameRule.nullish().safeParse(name)
  const [issue] = error?.issues ?? []
  if (issue) throw new ValidationError([{ path: ['name'], message: issue.message }])
}

/**
 * Makes a service of any kind under the first handle that is free, with its addresses and annotations, in one
 * transaction. `insert` answers no row where the handle is taken, or where what the service is made of is gone:
 * `gone` then throws. `along` writes more in the same transaction.
 */
export async function makeService(
  ctx: Context,
  wanted: {
    readonly id: string
    readonly organizationId: string
    readonly name: string
    readonly handle?: string | null | undefined
    readonly addresses: ChosenAddresses
    readonly annotations?: readonly AnnotationInput[] | null | undefined
  },
  {
    insert,
    gone,
    along,
  }: {
    insert: (handle: string) => Prisma.Sql
    gone?: () => void
    along?: (db: Prisma.TransactionClient, service: Service) => Promise<unknown>
  },
): Promise<Service> {
  const { id, organizationId, name, addresses, annotations } = wanted
  const made = await ctx.database.prisma.$transaction(async (db) => {
    const service = await firstFree(slug(name), wanted.handle, async (handle) => {
      const [row] = await db.$queryRaw<Service[]>(insert(handle))
      return row
    })
    if (service === undefined) {
      const handle = wanted.handle ?? slug(name)
      const other = await db.service.findFirst({ where: { organizationId, heldHandle: handle } })
      if (other === null) gone?.()
      throw new Conflict(
        'handle',
        `There is a service "${handle}" already.`,
        other === null ? undefined : ServiceId.text(other.id),
      )
    }
    await keepAddresses(db, serviceNaming, organizationId, id, addresses)
    await keepAnnotations(db, id, annotations)
    await along?.(db, service)
    return service
  })
  hintService(ctx, made, true)
  return made
}
