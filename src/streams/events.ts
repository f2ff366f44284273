import { Prisma } from '../generated/prisma/client.ts'
import type { Database } from '../db/database.ts'
import type { Actor } from '../kit/actor.ts'
import type { IdKind } from '../kit/ids.ts'
import { cutToBytes, type CutRow } from './cut.ts'
import { effectColumns } from './effect.ts'
import {
  NO_ENTRIES,
  streamName,
  type Entry,
  type StreamPage,
  type StreamKind,
  type StreamName,
} from './stream.ts'

/** One value that changed; secrets are masked before they come here. */
export interface FieldChange {
  readonly field: string
  readonly from?: unknown
  readonly to?: unknown
}

/** Something that happened to an object, once, in its own stream. */
export interface StoredEvent extends Entry {
  readonly at: Date
  readonly kind: string
  readonly actor: Actor
  readonly changes: readonly FieldChange[]
  readonly instance: number | null
  readonly message: string | null
}

/** An event that is not stored yet. */
export interface NewEvent {
  readonly kind: string
  readonly changes?: readonly FieldChange[]
  readonly instance?: number
  readonly message?: string | undefined
}

/** An object that something was done to. */
export interface Subject {
  readonly kind: IdKind<string>
  /** Its UUID. */
  readonly id: string
}

/** The line in the organization's history that a change also writes. */
export interface Act {
  readonly action: string
  /** Whose history it is; undefined: that of each row's `organizationId`. */
  readonly organizationId?: string | undefined
  /** What it was done to: the changed rows, of this kind, or something else. */
  readonly to: IdKind<string> | Subject
  /** What it changed, beside what the events tell. */
  readonly changes?: readonly FieldChange[] | undefined
}

interface EventRow extends CutRow {
  stream: string
  head: bigint
  first: bigint
  closed: boolean
  number: bigint | null
  at: Date
  kind: string
  actor: Actor
  changes: readonly FieldChange[]
  instance: number | null
  message: string | null
}

/** Advances an object's head by its events: for the SET of the statement given to `recorded`. */
export const advance = (events: readonly NewEvent[]): Prisma.Sql =>
  Prisma.sql`revision = t.revision + ${events.length}, "updatedAt" = clock_timestamp()`

/**
 * A change with its events, and its line in the audit, as one statement, so that they are there together or not
 * at all. `change` inserts or updates rows with `id` and `organizationId` and returns them; so does the whole. Where
 * there are events, the rows have a `revision`, which `change` has advanced by the number of events.
 */
export function recorded(
  change: Prisma.Sql,
  { actor, events, act }: { actor: Actor; events: readonly NewEvent[]; act?: Act | undefined },
): Prisma.Sql {
  const who = JSON.stringify(actor)
  const list = JSON.stringify(
    events.map(({ kind, changes = [], instance = null, message = null }, place) => ({
      place: place + 1,
      kind,
      changes,
      instance,
      message,
    })),
  )
  const changes = [...events.flatMap((event) => event.changes ?? []), ...(act?.changes ?? [])]
  const audit = act
    ? Prisma.sql`, act AS (
        INSERT INTO "AuditEntry" ("organizationId", actor, action, subject, changes, "callId", "callPart")
        SELECT ${act.organizationId === undefined ? Prisma.sql`"organizationId"` : Prisma.sql`${act.organizationId}::uuid`}, ${who}::jsonb, ${act.action},
               ${'id' in act.to ? Prisma.sql`${keyOf(act.to)}` : Prisma.sql`${`${act.to.noun}:`} || id`},
               ${JSON.stringify(changes)}::jsonb, ${effectColumns(actor)}
        FROM changed)`
    : Prisma.empty
  const told =
    events.length === 0
      ? Prisma.empty
      : Prisma.sql`, told AS (
      INSERT INTO "Event" (stream, number, at, kind, actor, changes, instance, message)
      SELECT changed.id, changed.revision - ${events.length} + e.place, clock_timestamp(), e.kind, ${who}::jsonb,
             e.changes, e.instance, e.message
      FROM changed, jsonb_to_recordset(${list}::jsonb)
        AS e(place int, kind text, changes jsonb, instance int, message text))`
  return Prisma.sql`WITH changed AS (${change}) ${told} ${audit} SELECT * FROM changed`
}

/** Noun and UUID, as the history keeps it. */
export const keyOf = ({ kind, id }: Subject): string => `${kind.noun}:${id}`

/** The events of the objects of one kind. */
export interface EventStream {
  readonly name: StreamName
  /** Selects (stream, head, closed) of their table. */
  readonly heads: Prisma.Sql
  on(database: Database): StreamKind<StoredEvent>
}

/** Those of the rows of a table, whose heads are in its column `revision`; `closedBy` is set when nothing follows. */
export function eventsOf(noun: string, table: string, closedBy: string): EventStream {
  const name = streamName(noun)
  const heads = Prisma.raw(
    `SELECT id AS stream, revision AS head, "${closedBy}" IS NOT NULL AS closed FROM "${table}"`,
  )
  return { name, heads, on: (database) => eventStream(database, name, heads) }
}

function eventStream(
  database: Database,
  name: StreamName,
  objects: Prisma.Sql,
): StreamKind<StoredEvent> {
  return {
    name,
    cursorKind: 'event',
    sizeBytes: (event) => JSON.stringify(event.changes).length * 2 + 300,
    heads: (ids) => Prisma.sql`
      SELECT stream, head, 1::bigint AS first, closed FROM (${objects}) AS o
      WHERE stream = ANY(${[...ids]}::uuid[])`,
    async read(id, after, limit) {
      const pages = await readEvents(database, objects, [id], { after, limit })
      return pages.get(id) ?? NO_ENTRIES
    },
  }
}

/** Events of each stream that exists in the order asked for, with its head as of the same moment; fewer where they are large. */
export async function readEvents(
  database: Database,
  objects: Prisma.Sql,
  ids: readonly string[],
  range: {
    readonly after?: number | undefined
    readonly before?: number | undefined
    readonly limit: number
    readonly newestFirst?: boolean
  },
): Promise<Map<string, StreamPage<StoredEvent>>> {
  const { after = 0, before, limit, newestFirst = false } = range
  const until = before === undefined ? Prisma.empty : Prisma.sql`AND e.number < ${before}::bigint`
  const order = newestFirst ? Prisma.raw('DESC') : Prisma.raw('ASC')
  const events = Prisma.sql`
    SELECT e.number, e.at, e.kind, e.actor, e.changes, e.instance, e.message, octet_length(e.changes::text) AS size
    FROM "Event" AS e WHERE e.stream = o.stream AND e.number > ${after}::bigint ${until}
    ORDER BY e.number ${order} LIMIT ${limit}::int`
  const rows = await database.query<EventRow>(Prisma.sql`
    SELECT o.stream, o.head, o.closed, COALESCE((
      SELECT min(f.number) FROM "Event" AS f WHERE f.stream = o.stream), o.head + 1) AS first, e.*
    FROM (${objects}) AS o
    LEFT JOIN LATERAL (${cutToBytes(events, order, ids.length)}) AS e ON true
    WHERE o.stream = ANY(${[...ids]}::uuid[])
    ORDER BY o.stream, e.number ${order}`)
  const pages = new Map<
    string,
    StreamPage<StoredEvent> & { entries: StoredEvent[]; isCut: boolean }
  >()
  for (const { stream, head, first, closed, found, number, ...row } of rows) {
    const page = pages.get(stream) ?? {
      head: Number(head),
      first: Number(first),
      isClosed: closed,
      isCut: false,
      entries: [],
    }
    pages.set(stream, page)
    if (number === null) continue
    const { at, kind, actor, changes, instance, message } = row
    page.entries.push({ number: Number(number), at, kind, actor, changes, instance, message })
    page.isCut = Number(found) > page.entries.length
  }
  return pages
}

/** How many events of each stream are kept; none is left out for 0. */
export async function countEvents(
  database: Database,
  ids: readonly string[],
): Promise<Map<string, number>> {
  const rows = await database.query<{ stream: string; count: bigint }>(Prisma.sql`
    SELECT stream, count(*) FROM "Event" WHERE stream = ANY(${[...ids]}::uuid[]) GROUP BY stream`)
  return new Map(rows.map(({ stream, count }) => [stream, Number(count)]))
}
