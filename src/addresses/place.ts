import type { Context } from '../context.ts'
import { Prisma } from '../generated/prisma/client.ts'
import { Ambiguous, Forbidden } from '../kit/errors.ts'
import type { FrontName } from '../rest/fronts.ts'
import { namingOf, wordFor, type Naming } from './address.ts'

/** Where an object has to be for an address to lead to it. */
interface Place {
  /** The column of the object with the id of what it has to belong to. */
  readonly column: string
  readonly id: string
  /** Whose chosen address the last part is, if it is one. */
  readonly objectId: string | null
}

interface Found {
  readonly organizationId: string
  /** Its handle. */
  readonly organization: string
  /** The innermost place. */
  readonly id: string | null
  readonly objectId: string | null
}

/** One part of an address in front of the last, and the table that it is looked for in. */
interface Level {
  readonly naming: Naming
  readonly alias: string
  readonly text: string
  /** Tells apart the texts that its conditions can have. */
  readonly form: string
  readonly isChosen: Prisma.Sql
  readonly isMeant: Prisma.Sql
}

const ORGANIZATION = 'organization'

/**
 * What an address of several parts says: in which of the places that stand in front of such an object's id in the
 * paths of the front its last part is to be looked for. Null where there is no such place. Throws Forbidden, whatever
 * follows, for an organization that is none of those, and Ambiguous for what several of them are called or have.
 */
export async function placeOf(
  { database }: Pick<Context, 'database'>,
  front: FrontName,
  { kind, noun }: Naming,
  places: readonly string[],
  parts: readonly string[],
  organizations: readonly string[],
): Promise<Place | null> {
  const texts = parts.slice(0, -1)
  if (texts.length > places.length) return null
  const levels = texts.map((text, n) => levelOf(front, namingOf(places[n] ?? ''), n, text))
  const [first, last] = [levels[0], levels.at(-1)]
  if (first === undefined || last === undefined) return null
  const isOfNamed = first.naming.noun === ORGANIZATION
  const inner = isOfNamed ? levels.slice(1) : levels
  const [found, ...others] = await database.read<Found>(
    Prisma.sql`
      SELECT DISTINCT ON (o.id) o.id AS "organizationId", o.handle AS organization, ${Prisma.raw(last.alias)}.id,
        ${chosen(front, kind.noun, parts.at(-1) ?? '')} AS "objectId"
      FROM "Organization" AS o ${inSequence(inner.map((level, n) => joined(level, inner[n - 1], isOfNamed)))}
      WHERE o.id = ANY(${[...organizations]}::uuid[]) ${isOfNamed ? Prisma.sql`AND ${first.isMeant}` : Prisma.empty}
      ORDER BY o.id ${inSequence(inner.map(({ isChosen }) => Prisma.sql`, ${isChosen} DESC NULLS LAST`))} LIMIT 10`,
    `place-of-${noun.replace(' ', '-')}-${front}-${levels.map(({ form }) => form).join('-')}`,
  )
  if (found === undefined) {
    if (!isOfNamed) return null
    throw new Forbidden('VIEWER', 'You are not a member of that organization.')
  }
  if (others.length > 0) {
    const { naming, text } = isOfNamed ? first : last
    const choices = [found, ...others].map(({ id, organizationId, organization }) => ({
      id: naming.kind.text(isOfNamed || id === null ? organizationId : id),
      organization,
    }))
    throw new Ambiguous(naming.noun, text, choices)
  }
  const { id, objectId } = found
  return id === null ? null : { column: `${last.naming.noun}Id`, id, objectId }
}

function levelOf(front: FrontName, naming: Naming, n: number, text: string): Level {
  const alias = naming.noun === ORGANIZATION ? 'o' : `p${n}`
  const key = wordFor(front, naming)?.spelling.read(text)
  const isChosen = Prisma.sql`${Prisma.raw(alias)}.id = ${chosen(front, naming.kind.noun, text)}`
  const isSpelled =
    typeof key === 'string'
      ? Prisma.sql`${Prisma.raw(alias)}.id = ${key}::uuid`
      : Prisma.sql`${Prisma.raw(alias)}.serial = ${key ?? null}::bigint`
  const form = typeof key === 'string' ? 'id' : 'serial'
  return { naming, alias, text, form, isChosen, isMeant: Prisma.sql`(${isSpelled} OR ${isChosen})` }
}

/** The object of the organization `o` that was given an address. */
const chosen = (front: FrontName, prefix: string, text: string): Prisma.Sql => Prisma.sql`
  (SELECT a."objectId" FROM "Address" AS a WHERE a."organizationId" = o.id AND a.front = ${front}
    AND a.noun = ${prefix} AND a.text = ${text})`

/** A place of the organization `o`, and of the place in front of it where such a one belongs to that. */
function joined(
  { naming, alias, isMeant }: Level,
  before: Level | undefined,
  isOptional: boolean,
): Prisma.Sql {
  const isInside = before !== undefined && naming.within?.includes(before.naming.noun)
  const inside = isInside ? `AND ${alias}."${before.naming.noun}Id" = ${before.alias}.id` : ''
  return Prisma.sql`${Prisma.raw(`${isOptional ? 'LEFT ' : ''}JOIN "${naming.table}" AS ${alias}
    ON ${alias}."organizationId" = o.id AND ${alias}."deletedAt" IS NULL ${inside}`)} AND ${isMeant} `
}

const inSequence = (all: readonly Prisma.Sql[]): Prisma.Sql =>
  all.length === 0 ? Prisma.empty : Prisma.join([...all], '')
