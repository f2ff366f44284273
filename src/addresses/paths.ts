import type { Context } from '../context.ts'
import { Prisma } from '../generated/prisma/client.ts'
import { batchedAlike } from '../kit/batched.ts'
import { wordOf, type FrontName } from '../rest/fronts.ts'
import { placesIn, type Noun } from '../rest/nouns.ts'
import { hasWord, namingOf, wordFor, type Naming } from './address.ts'
import { addressFor, type Addressed } from './store.ts'

/** Columns that all objects of a type have the same values of. */
export type Fixed = Readonly<Record<string, string | boolean>>

/** Whether a front shows objects of a type. */
export const isShown = ({ path, where = {} }: Noun, fixed: Fixed): boolean =>
  path !== undefined &&
  Object.entries(where).every(([column, value]) => (fixed[column] ?? value) === value)

/** Where a front answers for an object that it calls `id`; undefined where it has no word for that one. */
export async function pathOf(
  ctx: Context,
  naming: Naming,
  front: FrontName,
  row: Addressed,
  id: string,
): Promise<string | undefined> {
  const word = wordFor(front, naming)
  if (word?.path === undefined) return undefined
  const places = placesIn(word)
  const isKnown = places.length === 0 && word.where === undefined && word.of === undefined
  const found = isKnown ? [] : await placesFor(ctx, row.id, { front, noun: naming.noun })
  if (found === undefined) return undefined
  const ids = await Promise.all(
    found.map((place, n) => addressFor(ctx, namingOf(places[n] ?? ''), front, place)),
  )
  const texts = new Map([['id', id], ...places.map((noun, n) => [noun, ids[n] ?? ''] as const)])
  const path = word.path.replaceAll(/:(\w+)/g, (_part, noun: string) =>
    encodeURIComponent(texts.get(noun) ?? ''),
  )
  return `/${wordOf(front)}${path}`
}

/** The places of objects that a front has a word for, with one statement a tick; of others nothing. */
const placesFor = batchedAlike(
  async (
    { database }: Context,
    ids,
    { front, noun }: { readonly front: FrontName; readonly noun: string },
  ) => {
    const naming = namingOf(noun)
    const word = wordFor(front, naming)
    const places = word === undefined ? [] : placesIn(word)
    const columns = places.map((_place, n) => `, p${n}.id AS id${n}, p${n}.serial AS serial${n}`)
    const joins = places.map(
      (place, n) => ` JOIN "${namingOf(place).table}" AS p${n} ON p${n}.id = o."${place}Id"`,
    )
    const rows = await database.read<{ id: string } & Record<string, unknown>>(
      Prisma.sql`
        SELECT o.id${Prisma.raw(columns.join(''))} FROM ${Prisma.raw(`"${naming.table}"`)} AS o${Prisma.raw(joins.join(''))}
        WHERE o.id = ANY(${[...ids]}::uuid[]) AND ${hasWord(naming, front, 'o')}`,
      `places-of-${noun.replace(' ', '-')}-${front}`,
    )
    return new Map(
      rows.map((row) => [
        row.id,
        places.map((_place, n): Addressed => ({
          id: row[`id${n}`] as string, // as selected above
          serial: row[`serial${n}`] as bigint,
        })),
      ]),
    )
  },
)
