import { Prisma, type Address, type Annotation } from '../generated/prisma/client.ts'
import type { Context } from '../context.ts'
import { Ambiguous, Conflict, ValidationError, type Issue } from '../kit/errors.ts'
import type { JsonText } from '../kit/json/json.ts'
import { isStorable, isVisible } from '../kit/names.ts'
import { isNestedTooDeep, MAX_NESTING } from '../kit/json/nesting.ts'
import { batchedAlike, groupedBy } from '../kit/batched.ts'
import { organizationsOf } from '../auth/viewer.ts'
import { frontWords, type FrontName } from '../rest/fronts.ts'
import { placesIn } from '../rest/nouns.ts'
import { hasWord, splitAddress, wordFor, type Naming } from './address.ts'
import { placeOf } from './place.ts'

/** A condition on the rows of one table, for named SQL; two with the same `form` differ in nothing but their values. */
export interface Meant {
  readonly form: string
  readonly where: Prisma.Sql
}

/** How many rows are read for a name: enough to tell that it means several objects, and which. */
export const LIMIT_CHOICES = Prisma.raw('LIMIT 10')

/**
 * The condition by which a row of `alias` is meant by a caller's text: a TypeID, an address of a front, or a handle.
 * Of each organization it holds for one row at most: there a chosen address comes before a computed one. Which of the
 * viewer's organizations is not said, so that whoever reads takes `theOne`. Null where nothing can be meant. Throws
 * Forbidden, and Ambiguous, for the organization of an address of several parts.
 */
export async function meantBy(
  ctx: Pick<Context, 'database' | 'viewer'>,
  naming: Naming,
  alias: string,
  text: string,
  organizations: readonly string[] = organizationsOf(ctx.viewer),
): Promise<Meant | null> {
  if (!isStorable(text)) return null // nothing that is stored has such a name
  const column = (name: string): Prisma.Sql => Prisma.raw(`${alias}."${name}"`)
  const { organization = 'organizationId', handle = 'heldHandle' } = naming.columns ?? {}
  const id = naming.kind.read(text)
  if (id !== undefined) return { form: 'id', where: Prisma.sql`${column('id')} = ${id}::uuid` }
  const address = splitAddress(text)
  if (address === undefined)
    return { form: 'handle', where: Prisma.sql`${column(handle)} = ${text}` }
  const { front } = address
  const word = wordFor(front, naming)
  const known = word === undefined ? Prisma.sql`true` : hasWord(naming, front, alias)
  const parts = address.text.split('/')
  const places = word === undefined ? [] : placesIn(word)
  if (places.length > 0 && parts.length > 1) {
    const found = await placeOf(ctx, front, naming, places, parts, organizations)
    const key = found?.objectId ?? spelledKey(naming, front, parts.at(-1) ?? '')
    if (found === null || key === undefined) return null
    const isKey =
      typeof key === 'bigint'
        ? Prisma.sql`${column('serial')} = ${key}::bigint`
        : Prisma.sql`${column('id')} = ${key}::uuid`
    const isThere = Prisma.sql`${column(found.column)} = ${found.id}::uuid`
    return {
      form: `${typeof key}-${front}-in-${found.column}`,
      where: Prisma.sql`${isKey} AND ${isThere} AND ${known}`,
    }
  }
  const stored = (where: Prisma.Sql): Prisma.Sql => Prisma.sql`
    SELECT a."objectId" FROM "Address" AS a WHERE ${where} AND a.front = ${front}
      AND a.noun = ${naming.kind.noun} AND a.text = ${address.text}`
  const chosen = stored(Prisma.sql`a."organizationId" = ANY(${[...organizations]}::uuid[])`)
  const key = spelledKey(naming, front, address.text)
  const isKey =
    typeof key === 'bigint'
      ? Prisma.sql`(${column('id')} = ANY(ARRAY(${chosen})) OR ${column('serial')} = ${key}::bigint)`
      : Prisma.sql`${column('id')} = ANY(ARRAY(${chosen}) || ${key === undefined ? [] : [key]}::uuid[])`
  const another = stored(
    Prisma.sql`a."organizationId" = ${column(organization)} AND a."objectId" <> ${column('id')}`,
  )
  return {
    form: `address-${typeof key}-${front}`,
    where: Prisma.sql`${isKey} AND NOT EXISTS (${another}) AND ${known}`,
  }
}

/** The serial, or the key, that a front's own spelling says, of an object whose address nobody chose. */
const spelledKey = (naming: Naming, front: FrontName, text: string): bigint | string | undefined =>
  wordFor(front, naming)?.spelling.read(text)

/**
 * The only one of the rows that a text means, null where there is none. Throws Ambiguous for several, which are of as
 * many organizations.
 */
export async function theOne<Row extends { readonly id: string; readonly organizationId: string }>(
  { database }: Pick<Context, 'database'>,
  { kind, noun }: Naming,
  text: string,
  rows: readonly Row[],
): Promise<Row | null> {
  const [first, ...others] = rows
  if (first === undefined || others.length === 0) return first ?? null
  const handles = await database.query<{ id: string; handle: string }>(
    Prisma.sql`
      SELECT id, handle FROM "Organization" WHERE id = ANY(${rows.map(({ organizationId }) => organizationId)}::uuid[])`,
  )
  const handleOf = new Map(handles.map(({ id, handle }) => [id, handle]))
  throw new Ambiguous(
    noun,
    text,
    rows.map(({ id, organizationId }) => ({
      id: kind.text(id),
      organization: handleOf.get(organizationId) ?? '',
    })),
  )
}

/** Addresses a caller chose, read and checked before anything is written. */
export type ChosenAddresses = readonly { front: FrontName; text: string }[]

export function readAddresses(texts: readonly string[] | null | undefined): ChosenAddresses {
  const issues: Issue[] = []
  const addresses = (texts ?? []).flatMap((written, place) => {
    const address = splitAddress(written)
    if (address?.text && address.text.length <= 500 && isVisible(address.text)) return [address]
    issues.push({
      path: ['addresses', String(place)],
      message: `An address is a front and a text with ":" between; fronts are ${frontWords.join(', ')}.`,
    })
    return []
  })
  const chosen = new Set(addresses.map(({ front }) => front))
  if (chosen.size < addresses.length)
    issues.push({ path: ['addresses'], message: 'An object has one address per front.' })
  if (issues.length > 0) throw new ValidationError(issues)
  return addresses
}

/** Writes with the object itself what the fronts call it; throws Conflict when a name is taken. */
export async function keepAddresses(
  db: Prisma.TransactionClient,
  naming: Naming,
  organizationId: string,
  objectId: string,
  addresses: ChosenAddresses,
): Promise<void> {
  for (const { front, text } of addresses) {
    const { count } = await db.address.createMany({
      data: [{ organizationId, front, noun: naming.kind.noun, text, objectId }],
      skipDuplicates: true,
    })
    if (count === 0)
      throw new Conflict('addresses', `The address "${front.toLowerCase()}:${text}" is taken.`)
  }
}

/** What only one dialect has, as it was received. */
export interface AnnotationInput {
  readonly front: FrontName
  readonly value?: JsonText | null | undefined
}

/** Throws ValidationError for annotations that are nested too deep to be kept. */
export function refuseDeep(annotations: readonly AnnotationInput[]): void {
  const issues = annotations.flatMap(({ value }, place) =>
    isNestedTooDeep(value?.value)
      ? [
          {
            path: ['annotations', String(place), 'value'],
            message: `Nested at most ${MAX_NESTING} deep.`,
          },
        ]
      : [],
  )
  if (issues.length > 0) throw new ValidationError(issues)
}

/** The annotations that an update sets or removes, as events tell of them: whose, not what. */
export const annotationChanges = (
  annotations: readonly AnnotationInput[] | null | undefined,
): { field: string }[] =>
  (annotations ?? []).map(({ front }) => ({ field: `annotations.${front}` }))

export async function keepAnnotations(
  db: Prisma.TransactionClient,
  objectId: string,
  annotations: readonly AnnotationInput[] | null | undefined,
): Promise<void> {
  refuseDeep(annotations ?? [])
  for (const { front, value } of annotations ?? []) {
    const key = { objectId, front }
    if (value === null || value === undefined) await db.annotation.deleteMany({ where: key })
    else {
      const { text } = value
      await db.annotation.upsert({
        where: { objectId_front: key },
        create: { ...key, value: text },
        update: { value: text },
      })
    }
  }
}

/** Stored addresses of many objects with one statement a tick. */
const storedAddresses = batchedAlike(async ({ database }: Pick<Context, 'database'>, ids) =>
  byObject(
    await database.read<Pick<Address, 'objectId' | 'front' | 'text'>>(
      Prisma.sql`SELECT "objectId", front, text FROM "Address" WHERE "objectId" = ANY(${[...ids]}::uuid[])`,
      'addresses-of',
    ),
  ),
)

/** Annotations of many objects with one statement a tick. */
export const storedAnnotations = batchedAlike(async ({ database }: Context, ids) =>
  byObject(
    await database.read<Annotation>(
      Prisma.sql`SELECT * FROM "Annotation" WHERE "objectId" = ANY(${[...ids]}::uuid[])`,
      'annotations-of',
    ),
  ),
)

const byObject = <Row extends { objectId: string }>(rows: readonly Row[]): Map<string, Row[]> =>
  groupedBy(rows, ({ objectId }) => objectId)

/** A row that its stored addresses may have been read along with. */
export interface Addressed {
  readonly id: string
  readonly serial: bigint
  readonly storedAddresses?: Readonly<Partial<Record<string, string>>> | null
}

/** The column that reads the stored addresses of a row of `alias` along with it. */
export const addressesAlong = (alias: string): Prisma.Sql =>
  Prisma.raw(
    `(SELECT json_object_agg(a.front, a.text) FROM "Address" AS a WHERE a."objectId" = ${alias}.id) AS "storedAddresses"`,
  )

/** What a front calls an object: the stored address, else the computed one. */
export async function addressFor(
  ctx: Pick<Context, 'database'>,
  naming: Naming,
  front: FrontName,
  row: Addressed,
): Promise<string | undefined> {
  const own = wordFor(front, naming)?.spelling.write(row)
  if (row.storedAddresses !== undefined) return row.storedAddresses?.[front] ?? own
  const stored = (await storedAddresses(ctx, row.id)) ?? []
  return stored.find((one) => one.front === front)?.text ?? own
}
