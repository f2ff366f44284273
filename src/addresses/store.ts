import { Prisma, type Address, type Annotation } from '../generated/prisma/client.ts'
import type { Front } from '../generated/prisma/enums.ts'
import type { Context } from '../context.ts'
import { Conflict, ValidationError, type Issue } from '../kit/errors.ts'
import type { JsonText } from '../kit/json.ts'
import { isStorable, isVisible } from '../kit/names.ts'
import { isNestedTooDeep, MAX_NESTING } from '../kit/nesting.ts'
import { batchedAlike } from '../kit/batched.ts'
import { organizationsOf } from '../auth/viewer.ts'
import { hasWord, splitAddress, type Naming } from './address.ts'
import { placeOf, type Place } from './place.ts'

/** What finds an object: its key, its short number or its handle; and where it has to be, if that was said. */
export type Key = ({ id: string } | { serial: bigint } | { heldHandle: string }) & Place

/**
 * What a caller's text for an object means: a TypeID, an address of a front, or a handle. Addresses that were chosen
 * are looked for where the viewer may read, unless `organizations` says where. Throws Forbidden for an address in an
 * organization that is not the viewer's.
 */
export async function keyOf(
  ctx: Context,
  naming: Naming,
  text: string,
  organizations?: readonly string[],
): Promise<Key | null> {
  if (!isStorable(text)) return null // nothing that is stored has such a name
  const id = naming.kind.read(text)
  if (id !== undefined) return { id }
  if (text.includes('\0')) return null // no name has it, and PostgreSQL refuses to look for it
  const address = splitAddress(text)
  if (address === undefined) return { heldHandle: text }
  const { front } = address
  const readable = organizations ?? organizationsOf(ctx.viewer)
  const parts = address.text.split('/')
  if (naming.within !== undefined && parts.length > 1) {
    const found = await placeOf(ctx, front, naming, parts, readable)
    if (found?.objectId) return { id: found.objectId, ...found.place }
    const key = found && spelledKey(naming, front, parts.at(-1) ?? '')
    return key && { ...key, ...found.place }
  }
  const [stored] = await ctx.database.read<{ objectId: string }>(
    Prisma.sql`
      SELECT "objectId" FROM "Address" WHERE "organizationId" = ANY(${[...readable]}::uuid[])
        AND front = ${front}::"Front" AND noun = ${naming.kind.noun} AND text = ${address.text} LIMIT 1`,
    'address-of',
  )
  return stored ? { id: stored.objectId } : spelledKey(naming, front, address.text)
}

/** What a front's own spelling says, of an object whose address nobody chose. */
function spelledKey(naming: Naming, front: Front, text: string): Key | null {
  const spelled = naming.spellings[front]?.read(text)
  if (spelled === undefined) return null
  return typeof spelled === 'bigint' ? { serial: spelled } : { id: spelled }
}

/** The condition by which a row of `alias` is the key's, for named SQL: its text differs by `form` alone. */
export function isNamed(alias: string, key: Key): { form: string; where: Prisma.Sql } {
  const column = (name: string): Prisma.Sql => Prisma.raw(`${alias}."${name}"`)
  const { organizationId, deploymentId } = key
  const within =
    organizationId === undefined
      ? { form: '', where: Prisma.empty }
      : deploymentId === undefined
        ? {
            form: '-in-organization',
            where: Prisma.sql`AND ${column('organizationId')} = ${organizationId}::uuid`,
          }
        : {
            form: '-in-deployment',
            where: Prisma.sql`AND ${column('deploymentId')} = ${deploymentId}::uuid`,
          }
  const named = (form: string, where: Prisma.Sql) => ({
    form: `${form}${within.form}`,
    where: Prisma.sql`${where} ${within.where}`,
  })
  if ('id' in key) return named('id', Prisma.sql`${column('id')} = ${key.id}::uuid`)
  if ('serial' in key)
    return named('serial', Prisma.sql`${column('serial')} = ${key.serial}::bigint`)
  return named('handle', Prisma.sql`${column('heldHandle')} = ${key.heldHandle}`)
}

/**
 * The condition by which a row of `alias` is meant, for named SQL, as `keyOf` and `isNamed` have it; but an address is
 * looked up by the statement that reads its object, and leads to none that its front has no word for. Null where
 * nothing can be meant.
 */
export async function isMeant(
  ctx: Context,
  naming: Naming,
  alias: string,
  text: string,
  organizations: readonly string[] = organizationsOf(ctx.viewer),
): Promise<{ form: string; where: Prisma.Sql } | null> {
  const address = isStorable(text) ? splitAddress(text) : undefined
  const spelled = address && spelledKey(naming, address.front, address.text)
  const isPart = naming.within !== undefined && address?.text.includes('/')
  if (address === undefined || isPart || (spelled && 'serial' in spelled)) {
    const key = await keyOf(ctx, naming, text, organizations)
    if (key === null) return null
    const { form, where } = isNamed(alias, key)
    if (address === undefined) return { form, where }
    return {
      form: `${form}-${address.front}`,
      where: Prisma.sql`${where} AND ${hasWord(naming, address.front, alias)}`,
    }
  }
  const stored = Prisma.sql`(
    SELECT a."objectId" FROM "Address" AS a WHERE a."organizationId" = ANY(${[...organizations]}::uuid[])
      AND a.front = ${address.front}::"Front" AND a.noun = ${naming.kind.noun} AND a.text = ${address.text} LIMIT 1)`
  const own = spelled && 'id' in spelled ? spelled.id : null
  return {
    form: `address-${address.front}`,
    where: Prisma.sql`${Prisma.raw(`${alias}.id`)} = COALESCE(${stored}, ${own}::uuid) AND ${hasWord(naming, address.front, alias)}`,
  }
}

/** Addresses a caller chose, read and checked before anything is written. */
export type ChosenAddresses = readonly { front: Front; text: string }[]

export function readAddresses(texts: readonly string[] | null | undefined): ChosenAddresses {
  const issues: Issue[] = []
  const addresses = (texts ?? []).flatMap((written, place) => {
    const address = splitAddress(written)
    if (address?.text && address.text.length <= 500 && isVisible(address.text)) return [address]
    issues.push({
      path: ['addresses', String(place)],
      message: 'An address is a front and a text, such as "abeja:1410805969256".',
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
  readonly front: Front
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

function byObject<Row extends { objectId: string }>(rows: readonly Row[]): Map<string, Row[]> {
  const groups = new Map<string, Row[]>()
  for (const row of rows) {
    const group = groups.get(row.objectId)
    if (group === undefined) groups.set(row.objectId, [row])
    else group.push(row)
  }
  return groups
}

/** A row that its stored addresses may have been read along with. */
export interface Addressed {
  readonly id: string
  readonly serial: bigint
  readonly storedAddresses?: Readonly<Partial<Record<Front, string>>> | null
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
  front: Front,
  row: Addressed,
): Promise<string | undefined> {
  const own = naming.spellings[front]?.write(row)
  if (row.storedAddresses !== undefined) return row.storedAddresses?.[front] ?? own
  const stored = (await storedAddresses(ctx, row.id)) ?? []
  return stored.find((one) => one.front === front)?.text ?? own
}
