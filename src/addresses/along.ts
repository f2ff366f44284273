import type { Context } from '../context.ts'
import { Prisma } from '../generated/prisma/client.ts'
import { Conflict } from '../kit/errors.ts'
import type { Naming } from './address.ts'
import { refuseDeep, type AnnotationInput, type ChosenAddresses } from './store.ts'

/** What fronts are to call an object that is made, and what they keep with it. */
export interface NamedAlong {
  readonly objectId: string
  readonly addresses: ChosenAddresses
  readonly annotations: readonly AnnotationInput[]
}

/**
 * CTEs that write addresses and annotations in the statement that makes their objects, whose rows are in the CTE
 * `moved` (id, organizationId). Where a name is taken the whole statement fails: see `addressConflict`.
 */
export function namedAlong({ kind }: Naming, all: readonly NamedAlong[]): Prisma.Sql {
  const addresses = all.flatMap(({ objectId, addresses: chosen }) =>
    chosen.map((one) => ({ ...one, objectId })),
  )
  const annotations = all.flatMap(({ objectId, annotations: given }) =>
    lastOfEach(given).flatMap(([front, text]) =>
      text === null ? [] : [{ objectId, front, text }],
    ),
  )
  return Prisma.sql`
    addressed AS (
      INSERT INTO "Address" ("organizationId", front, noun, text, "objectId")
      SELECT moved."organizationId", a.front, ${kind.noun}, a.text, moved.id FROM moved
      JOIN json_to_recordset(${JSON.stringify(addresses)}::json) AS a("objectId" uuid, front text, text text)
        ON a."objectId" = moved.id),
    annotated AS (
      INSERT INTO "Annotation" ("objectId", front, value)
      SELECT moved.id, a.front, a.text FROM moved
      JOIN json_to_recordset(${JSON.stringify(annotations)}::json) AS a("objectId" uuid, front text, text text)
        ON a."objectId" = moved.id)`
}

/** CTEs that set and remove annotations of the row of the CTE `moved`, in the statement that changes it. */
export function annotatedAlong(annotations: readonly AnnotationInput[]): Prisma.Sql {
  const all = lastOfEach(annotations)
  const kept = all.flatMap(([front, text]) => (text === null ? [] : [{ front, text }]))
  const gone = all.flatMap(([front, text]) => (text === null ? [front] : []))
  return Prisma.sql`
    annotated AS (
      INSERT INTO "Annotation" ("objectId", front, value)
      SELECT moved.id, a.front, a.text FROM moved
      CROSS JOIN json_to_recordset(${JSON.stringify(kept)}::json) AS a(front text, text text)
      ON CONFLICT ("objectId", front) DO UPDATE SET value = excluded.value),
    unannotated AS (
      DELETE FROM "Annotation" AS a USING moved WHERE a."objectId" = moved.id AND a.front = ANY(${gone}::text[]))`
}

/** Of each front what was given last, as JSON text; null removes it. Throws ValidationError for what is nested too deep. */
function lastOfEach(annotations: readonly AnnotationInput[]) {
  refuseDeep(annotations)
  const texts = annotations.map(({ front, value }) => [front, value?.text ?? null] as const)
  return [...new Map(texts)]
}

/** The Conflict behind a statement with `namedAlong` that has failed; undefined for any other failure. */
export async function addressConflict(
  { database }: Pick<Context, 'database'>,
  { kind, noun }: Naming,
  cause: unknown,
  wanted: readonly {
    readonly organizationId: string
    readonly addresses?: ChosenAddresses | undefined
  }[],
): Promise<Conflict | undefined> {
  const isOurs =
    cause instanceof Error && 'constraint' in cause && cause.constraint === 'Address_pkey'
  if (!isOurs) return undefined
  const all = wanted.flatMap(({ organizationId, addresses = [] }) =>
    addresses.map((one) => ({ ...one, organizationId })),
  )
  const [taken] = await database.query<{
    front: string
    text: string
    objectId: string
  }>(Prisma.sql`
    SELECT a.front, a.text, a."objectId" FROM "Address" AS a
    JOIN json_to_recordset(${JSON.stringify(all)}::json) AS w("organizationId" uuid, front text, text text)
      ON w."organizationId" = a."organizationId" AND w.front = a.front AND w.text = a.text
    WHERE a.noun = ${kind.noun} LIMIT 1`)
  if (taken === undefined) return new Conflict('addresses', `An address of the ${noun} is taken.`)
  const { front, text, objectId } = taken
  return new Conflict(
    'addresses',
    `The address "${front.toLowerCase()}:${text}" is taken.`,
    kind.text(objectId),
  )
}
