import {
  annotationChanges,
  keepAddresses,
  keepAnnotations,
  readAddresses,
  type AnnotationInput,
} from '../addresses/index.ts'
import { actor, type Context, type Platform } from '../context.ts'
import { Prisma } from '../generated/prisma/client.ts'
import type { Actor } from '../kit/actor.ts'
import { Conflict } from '../kit/errors.ts'
import { firstFree, slug } from '../kit/names.ts'
import {
  AUDIT,
  advance,
  recorded,
  type Change as FieldChange,
  type NewEvent,
  type Subject,
} from '../streams/index.ts'
import type { Kind, Owned, Table } from './kind.ts'

type Transaction = Prisma.TransactionClient
type Annotations = readonly AnnotationInput[] | null | undefined

/** What is known of a row that is written. */
interface Written {
  readonly id: string
  readonly organizationId?: string | null
}

/** What the history is told of a change. */
type Acted = Pick<Change<never>, 'action' | 'organizationId'>

/** What is written with a row that changes: all of it or nothing. */
export interface Change<Row> {
  readonly actor: Actor
  /** The mutation, as the organization's history calls it; what happens to a part of an object has no line there. */
  readonly action?: string | undefined
  /** What the object's stream is told, where it has one; the history tells their changes too. */
  readonly events?: readonly NewEvent[] | undefined
  /** What the history is told beside the changes of the events. */
  readonly changes?: readonly FieldChange[] | undefined
  /** What it was done to, where that is not the row. */
  readonly subject?: Subject | undefined
  /** Whose history tells it, and whose names it takes, where that is not the organization of the row. */
  readonly organizationId?: string | undefined
  /** What fronts are to call the object, from now on. */
  readonly addresses?: readonly string[] | null | undefined
  readonly annotations?: Annotations
  /** What else is written, in the same transaction. */
  readonly along?: ((db: Transaction, row: Row) => Promise<unknown>) | undefined
}

/**
 * The one way to write a change. `statement` inserts or updates one row of the kind and returns it whole, or returns
 * none where its conditions do not hold: then nothing is written, and undefined returned. What follows streams is told
 * once it is committed.
 */
export async function write<Row extends Written>(
  platform: Platform,
  kind: Table,
  statement: Prisma.Sql,
  change: Change<Row>,
): Promise<Row | undefined> {
  const { database } = platform
  const { addresses, annotations, along } = change
  const isOne = !addresses?.length && !annotations?.length && along === undefined
  const row = isOne
    ? (await database.query<Row>(told(kind, statement, change)))[0]
    : await database.prisma.$transaction((db) => writeIn(db, kind, statement, change))
  if (row !== undefined) hint(platform, kind, row, change)
  return row
}

/** The same within a transaction of the caller's, who calls `hint` once it is committed. */
export async function writeIn<Row extends Written>(
  db: Transaction,
  kind: Table,
  statement: Prisma.Sql,
  change: Change<Row>,
): Promise<Row | undefined> {
  const [row] = await db.$queryRaw<Row[]>(told(kind, statement, change))
  if (row === undefined) return undefined
  const organizationId = change.organizationId ?? row.organizationId ?? ''
  await keepAddresses(db, kind, organizationId, row.id, readAddresses(change.addresses))
  await keepAnnotations(db, row.id, change.annotations)
  await change.along?.(db, row)
  return row
}

/** Tells who follows that an object has changed, and that its organization's history has grown by it. */
export function hint(
  { hub, bus }: Pick<Platform, 'hub' | 'bus'>,
  { stream, topic }: Table,
  row: Written,
  { action, organizationId = row.organizationId ?? undefined }: Acted,
): void {
  if (stream !== undefined) hub.hint(stream.name, row.id)
  if (action !== undefined && organizationId !== undefined) hub.hint(AUDIT, organizationId)
  if (topic !== undefined) bus.publish(topic, row.id)
}

function told<Row>({ kind }: Table, statement: Prisma.Sql, change: Change<Row>): Prisma.Sql {
  const { actor: who, action, changes, organizationId, subject: to = kind, events = [] } = change
  const act = action === undefined ? undefined : { action, to, changes, organizationId }
  return recorded(statement, { actor: who, events, act })
}

/** Columns by their names, whose types the values take. */
type Values = Readonly<Record<string, unknown>>

const tableOf = ({ table }: Table): Prisma.Sql => Prisma.raw(`"${table}"`)
const columnOf = (name: string): Prisma.Sql => Prisma.raw(`"${name}"`)

/** INSERT of a row; it returns none where something that must be unique is taken. */
export const insertion = (kind: Table, values: Values): Prisma.Sql => Prisma.sql`
  INSERT INTO ${tableOf(kind)} (${Prisma.join(Object.keys(values).map(columnOf))})
  VALUES (${Prisma.join(Object.values(values))}) ON CONFLICT DO NOTHING RETURNING *`

/** UPDATE of the row `t` of an object that is there; it returns none where it is not, or `where` does not hold. */
export function changing(
  kind: Table,
  id: string,
  events: readonly NewEvent[],
  set: readonly Prisma.Sql[],
  where: Prisma.Sql = Prisma.empty,
): Prisma.Sql {
  const all = kind.stream === undefined ? set : [advance(events), ...set]
  return Prisma.sql`
    UPDATE ${tableOf(kind)} AS t SET ${Prisma.join(all)}
    WHERE t.id = ${id}::uuid AND t."deletedAt" IS NULL ${where} RETURNING t.*`
}

/** What is told of a change: by the object's stream if it has one, else by the history alone. */
const telling = (
  ctx: Context,
  { stream }: Table,
  event: NewEvent,
): Pick<Change<never>, 'actor' | 'events' | 'changes'> =>
  stream === undefined
    ? { actor: actor(ctx), changes: event.changes }
    : { actor: actor(ctx), events: [event] }

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
