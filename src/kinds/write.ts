import {
  keepAddresses,
  keepAnnotations,
  readAddresses,
  type AnnotationInput,
} from '../addresses/index.ts'
import type { Platform } from '../context.ts'
import { Prisma } from '../generated/prisma/client.ts'
import type { Actor } from '../kit/actor.ts'
import {
  AUDIT,
  advance,
  recorded,
  type FieldChange,
  type NewEvent,
  type Subject,
} from '../streams/index.ts'
import type { Table } from './kind.ts'

export type Transaction = Prisma.TransactionClient

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
  readonly annotations?: readonly AnnotationInput[] | null | undefined
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
export type Values = Readonly<Record<string, unknown>>

export const tableOf = ({ table }: Table): Prisma.Sql => Prisma.raw(`"${table}"`)
export const columnOf = (name: string): Prisma.Sql => Prisma.raw(`"${name}"`)

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
  const columns = all.length === 0 ? [Prisma.sql`id = t.id`] : all // of which only the annotations change
  return Prisma.sql`
    UPDATE ${tableOf(kind)} AS t SET ${Prisma.join(columns)}
    WHERE t.id = ${id}::uuid AND t."deletedAt" IS NULL ${where} RETURNING t.*`
}
