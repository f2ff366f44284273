import { annotationChanges, readAddresses } from '../addresses/index.ts'
import { actor, type Context } from '../context.ts'
import { Prisma } from '../generated/prisma/client.ts'
import { Conflict } from '../kit/errors.ts'
import { firstFree, slug } from '../kit/names.ts'
import type { FieldChange, NewEvent } from '../streams/index.ts'
import type { Kind, Owned, Table } from './kind.ts'
import {
  changing,
  columnOf,
  hint,
  insertion,
  tableOf,
  write,
  writeIn,
  type Change,
  type Transaction,
  type Values,
} from './write.ts'

/** What is told of a change: by the object's stream if it has one, else by the history alone. */
const telling = (
  ctx: Context,
  { stream }: Table,
  event: NewEvent,
): Pick<Change<never>, 'actor' | 'events' | 'changes'> =>
  stream === undefined
    ? { actor: actor(ctx), changes: event.changes }
    : { actor: actor(ctx), changes: [], events: [event] }

/** An object that is to be made. */
interface Wanted<Row> extends Omit<Change<Row>, 'actor' | 'events'> {
  readonly action: string
  readonly organizationId: string
  readonly name: string
  /** Made from `name`, or from what is suggested, where it is not given. */
  readonly handle?: string | null | undefined
  readonly suggestion?: string
  /** Its columns beside key, organization and handle. */
  readonly values?: Values
  /** Instead of `values`: the statement that inserts it under a handle. */
  readonly insert?: (handle: string) => Prisma.Sql
  readonly id?: string
  /** Throws what stands against it, in the same transaction. */
  readonly before?: (db: Transaction) => Promise<unknown>
  /** Throws why it could not be made, where that is not the handle. */
  readonly whyNot?: (db: Transaction) => Promise<unknown>
}

/** Makes an object under the first handle that is free. Throws Conflict when the one that was asked for is taken. */
export async function create<Row extends Owned>(
  ctx: Context,
  kind: Kind<Row>,
  wanted: Wanted<Row>,
): Promise<Row> {
  const { organizationId, name, values, id = kind.kind.make(), before, whyNot } = wanted
  const suggestion = slug(wanted.suggestion ?? name)
  readAddresses(wanted.addresses) // what is wrong with them is said before anything is done
  const changes = wanted.changes ?? [{ field: 'name', to: name }]
  const change = { ...wanted, ...telling(ctx, kind, { kind: 'CREATED', changes }) }
  const insert = (handle: string): Prisma.Sql =>
    wanted.insert?.(handle) ??
    insertion(kind, { id, organizationId, handle, heldHandle: handle, name, ...values })
  const made = await ctx.database.prisma.$transaction(async (db) => {
    await before?.(db)
    const row = await firstFree(suggestion, wanted.handle, (handle) =>
      writeIn(db, kind, insert(handle), change),
    )
    if (row !== undefined) return row
    await whyNot?.(db)
    const handle = wanted.handle ?? suggestion
    const [other] = await db.$queryRaw<Owned[]>`
      SELECT id FROM ${tableOf(kind)} WHERE "organizationId" = ${organizationId}::uuid AND "heldHandle" = ${handle}`
    const existing = other && kind.kind.text(other.id)
    throw new Conflict('handle', `There is a ${kind.noun} "${handle}" already.`, existing)
  })
  hint(ctx, kind, made, wanted)
  return made
}

/** What becomes of an object that is there. */
interface Next<Row> extends Omit<Change<Row>, 'actor' | 'events' | 'addresses'> {
  /** What becomes of columns, which is told as it is. */
  readonly values?: Values
  /** More columns of the row `t`, of which `changes` tells. */
  readonly set?: readonly Prisma.Sql[]
  /** Further conditions on the row `t`. */
  readonly where?: Prisma.Sql | undefined
}

/** What it is that these columns change. */
const changesOf = (old: object, values: Values): FieldChange[] =>
  Object.entries(values).flatMap(([field, to]) => {
    const { [field]: from } = old as Values // a row is its columns
    return Object.is(from, to) ? [] : [{ field, from, to }]
  })

/**
 * Changes an object, and returns it as it is where nothing changes. Undefined when it is gone meanwhile, or `where`
 * does not hold.
 */
export async function update<Row extends Owned>(
  ctx: Context,
  kind: Kind<Row>,
  old: Row,
  next: Next<Row>,
): Promise<Row | undefined> {
  const change = updating(ctx, kind, old, next)
  return change === undefined ? old : write(ctx, kind, ...change)
}

/** What `update` writes; undefined where nothing changes. */
export function updating<Row extends Owned>(
  ctx: Context,
  kind: Kind<Row>,
  old: Row,
  next: Next<Row>,
): [statement: Prisma.Sql, change: Change<Row>] | undefined {
  const { values = {}, set = [], where, annotations } = next
  const columns = changesOf(old, values)
  const changes = [...columns, ...(next.changes ?? []), ...annotationChanges(annotations)]
  if (changes.length === 0) return undefined
  const change = { ...next, ...telling(ctx, kind, { kind: 'UPDATED', changes }) }
  const all = [...columns.map(({ field, to }) => Prisma.sql`${columnOf(field)} = ${to}`), ...set]
  return [changing(kind, old.id, change.events ?? [], all, where), change]
}

/** Deletes an object: its names are free at once. Undefined as for `update`. */
export async function remove<Row extends Owned>(
  ctx: Context,
  kind: Kind<Row>,
  { id }: Row,
  { set = [], where, along, changes = [], ...next }: Omit<Next<Row>, 'values' | 'annotations'>,
): Promise<Row | undefined> {
  const change = { ...next, ...telling(ctx, kind, { kind: 'DELETED', changes }) }
  const held = (kind.held ?? ['heldHandle']).map((name) => Prisma.sql`${columnOf(name)} = NULL`)
  const gone = [Prisma.sql`"deletedAt" = clock_timestamp()`, ...held, ...set]
  return write(ctx, kind, changing(kind, id, change.events ?? [], gone, where), {
    ...change,
    async along(db, row) {
      await db.address.deleteMany({ where: { objectId: id } })
      await along?.(db, row)
    },
  })
}
