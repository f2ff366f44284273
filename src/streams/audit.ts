import { Prisma } from '../generated/prisma/client.ts'
import type { Database } from '../db/database.ts'
import type { Actor } from '../kit/actor.ts'
import { effectColumns } from './effect.ts'
import { cutToBytes, type CutRow } from './cut.ts'
import { keyOf, type FieldChange, type Subject } from './events.ts'
import { streamName, type Entry, type StreamPage, type StreamKind } from './stream.ts'

/**
 * The history of an organization is fed by many transactions, so its entries are written without a number, in
 * the transaction that acts, and numbered when somebody reads: the reader locks the stream's row and numbers
 * the committed entries that have none. Writers never meet each other, and a number, once seen, never moves.
 */
export interface AuditEntry extends Entry {
  readonly at: Date
  readonly actor: Actor
  readonly action: string
  /** Noun and UUID of what it was done to: `svc:0190…`. */
  readonly subject: string
  readonly changes: readonly FieldChange[]
}

interface AuditRow extends Omit<AuditEntry, 'number'>, CutRow {
  head: bigint
  number: bigint | null
}

/** Histories of organizations. */
export const AUDIT = streamName('audit')

/** Writes one act, done to the object of a kind with this UUID, that changes no row by itself. */
export const act = (
  organizationId: string,
  actor: Actor,
  action: string,
  subject: Subject,
  changes: readonly FieldChange[] = [],
): Prisma.Sql => Prisma.sql`
  INSERT INTO "AuditEntry" ("organizationId", actor, action, subject, changes, "callId", "callPart")
  VALUES (${organizationId}::uuid, ${JSON.stringify(actor)}::jsonb, ${action}, ${keyOf(subject)},
          ${JSON.stringify(changes)}::jsonb, ${effectColumns(actor)})`

export function auditStream(database: Database): StreamKind<AuditEntry> {
  return {
    name: AUDIT,
    cursorKind: 'audit',
    sizeBytes: (entry) => JSON.stringify(entry.changes).length * 2 + 300,
    settle: (ids) => numberEntries(database, ids),
    heads: (ids) => Prisma.sql`
      SELECT "organizationId" AS stream, head, 1::bigint AS first, false AS closed FROM "AuditHead"
      WHERE "organizationId" = ANY(${[...ids]}::uuid[])`,
    read: (id, after, limit) => readAudit(database, id, { after, limit }),
  }
}

/** Numbers what committed transactions have left without a number. */
async function numberEntries(database: Database, ids: readonly string[]): Promise<void> {
  const waiting = await database.query<{ organizationId: string }>(Prisma.sql`
    SELECT DISTINCT "organizationId" FROM "AuditEntry"
    WHERE number IS NULL AND "organizationId" = ANY(${[...ids]}::uuid[])`)
  for (const { organizationId } of waiting) {
    await database.transaction(async (client) => {
      // two statements: the second must see what was committed while the first waited for the lock
      await database.query(
        Prisma.sql`
          INSERT INTO "AuditHead" AS h ("organizationId") VALUES (${organizationId}::uuid)
          ON CONFLICT ("organizationId") DO UPDATE SET head = h.head`,
        { client },
      )
      await database.query(
        Prisma.sql`
          WITH fresh AS (
            SELECT id, row_number() OVER (ORDER BY id) AS place, max(at) OVER (ORDER BY id) AS at FROM "AuditEntry"
            WHERE "organizationId" = ${organizationId}::uuid AND number IS NULL),
          numbered AS (
            UPDATE "AuditEntry" AS e SET number = h.head + fresh.place, at = GREATEST(fresh.at, h.at)
            FROM fresh, "AuditHead" AS h
            WHERE e.id = fresh.id AND h."organizationId" = e."organizationId"
            RETURNING e.number, e.at)
          UPDATE "AuditHead" SET
            head = GREATEST(head, (SELECT max(number) FROM numbered)),
            at = GREATEST(at, (SELECT max(at) FROM numbered))
          WHERE "organizationId" = ${organizationId}::uuid`,
        { client },
      )
    })
  }
}

/** Which acts; lists mean any of. */
export interface AuditFilter {
  readonly actions?: readonly string[] | null
  /** Nouns and UUIDs, as entries have them. */
  readonly subjects?: readonly string[] | null
  /** The names of actors. */
  readonly actors?: readonly string[] | null
  readonly at?: { readonly from: Date; readonly to?: Date | null } | null
}

function filterSql(filter: AuditFilter | null | undefined): Prisma.Sql {
  if (!filter) return Prisma.empty
  const { actions, subjects, actors, at } = filter
  const parts: Prisma.Sql[] = [Prisma.sql`AND true`]
  if (actions) parts.push(Prisma.sql`e.action = ANY(${[...actions]}::text[])`)
  if (subjects) parts.push(Prisma.sql`e.subject = ANY(${[...subjects]}::text[])`)
  if (actors) parts.push(Prisma.sql`e.actor->>'name' = ANY(${[...actors]}::text[])`)
  if (at) parts.push(Prisma.sql`e.at >= ${at.from}`)
  if (at?.to) parts.push(Prisma.sql`e.at < ${at.to}`)
  return Prisma.join(parts, ' AND ')
}

/** The same rule for an entry in memory: what a follower is shown. */
export function isWanted(entry: AuditEntry, filter: AuditFilter): boolean {
  const { actions, subjects, actors, at } = filter
  if (actions && !actions.includes(entry.action)) return false
  if (subjects && !subjects.includes(entry.subject)) return false
  if (actors && !actors.includes(entry.actor.name)) return false
  return !at || (entry.at >= at.from && (!at.to || entry.at < at.to))
}

/** Numbered entries in the order asked for, with the head as of the same moment; fewer where they are large. */
export async function readAudit(
  database: Database,
  organizationId: string,
  range: {
    after?: number | undefined
    before?: number | undefined
    limit: number
    newestFirst?: boolean
    filter?: AuditFilter | null | undefined
  },
): Promise<StreamPage<AuditEntry>> {
  const { after = 0, before, limit, newestFirst = false, filter } = range
  await numberEntries(database, [organizationId])
  const until = before === undefined ? Prisma.empty : Prisma.sql`AND e.number < ${before}::bigint`
  const order = newestFirst ? Prisma.raw('DESC') : Prisma.raw('ASC')
  const acts = Prisma.sql`
    SELECT e.number, e.at, e.actor, e.action, e.subject, e.changes, octet_length(e.changes::text) AS size
    FROM "AuditEntry" AS e
    WHERE e."organizationId" = h."organizationId" AND e.number > ${after}::bigint ${until} ${filterSql(filter)}
    ORDER BY e.number ${order} LIMIT ${limit}::int`
  const rows = await database.query<AuditRow>(Prisma.sql`
    SELECT h.head, e.* FROM "AuditHead" AS h
    LEFT JOIN LATERAL (${cutToBytes(acts, order, 1)}) AS e ON true
    WHERE h."organizationId" = ${organizationId}::uuid ORDER BY e.number ${order}`)
  const entries = rows.flatMap(({ number, at, actor, action, subject, changes }) =>
    number === null ? [] : [{ number: Number(number), at, actor, action, subject, changes }],
  )
  const isCut = Number(rows[0]?.found ?? 0) > entries.length
  return { head: Number(rows[0]?.head ?? 0), first: 1, isClosed: false, isCut, entries }
}

/** How many acts there are, with this filter; numbered or not. */
export async function countAudit(
  database: Database,
  organizationId: string,
  filter: AuditFilter | null | undefined,
): Promise<number> {
  const [row] = await database.query<{ count: bigint }>(Prisma.sql`
    SELECT count(*) FROM "AuditEntry" AS e
    WHERE e."organizationId" = ${organizationId}::uuid ${filterSql(filter)}`)
  return Number(row?.count ?? 0)
}
