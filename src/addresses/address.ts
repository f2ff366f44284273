import { Prisma } from '../generated/prisma/client.ts'
import type { IdKind } from '../kit/ids.ts'
import { frontCalled, fronts, type FrontName } from '../rest/fronts.ts'
import type { Noun, Nouns } from '../rest/nouns.ts'

/** How objects of one kind are named from outside. What each front calls them stands in its folder, by their noun. */
export interface Naming {
  readonly kind: IdKind<string>
  /** The word for it, in messages and for fronts. */
  readonly noun: string
  readonly table: string
  /** Nouns of what such an object may belong to: it has the id in a column `<noun>Id`. */
  readonly within?: readonly string[]
  /** The columns with the organization of a row and with its handle, where they are called otherwise than everywhere. */
  readonly columns?: { readonly organization: string; readonly handle: string }
}

const namings = new Map<string, Naming>()

/** Names a kind of objects, so that fronts can call them by their noun. */
export function naming<const Own extends Naming>(own: Own): Own {
  namings.set(own.noun, own)
  return own
}

export function namingOf(noun: string): Naming {
  const known = namings.get(noun)
  if (known === undefined) throw new Error(`A front speaks of a noun that there is not: ${noun}`)
  return known
}

const vocabularies = Object.fromEntries(fronts.map(({ name, nouns }) => [name, nouns])) as Readonly<
  Record<FrontName, Nouns>
>

/** What a front calls objects of a kind; undefined where it has no word for any. */
export const wordFor = (front: FrontName, { noun }: Naming): Noun | undefined =>
  vocabularies[front][noun]

/** The condition on rows of `alias` that a front has a word for. */
export const hasWord = (naming: Naming, front: FrontName, alias: string): Prisma.Sql =>
  Prisma.raw(conditionOf(naming, front, alias))

function conditionOf(naming: Naming, front: FrontName, alias: string): string {
  const word = wordFor(front, naming)
  if (word === undefined) return 'false'
  const parts = Object.entries(word.where ?? {}).map(
    ([column, value]) =>
      `${alias}."${column}" = ${typeof value === 'string' ? `'${value}'` : value}`,
  )
  if (word.of !== undefined) {
    const [owner, its] = [namingOf(word.of), `${alias}_of`]
    parts.push(
      `EXISTS (SELECT FROM "${owner.table}" AS ${its} WHERE ${its}.id = ${alias}."${owner.noun}Id" AND ${conditionOf(owner, front, its)})`,
    )
  }
  return parts.length === 0 ? 'true' : `(${parts.join(' AND ')})`
}

/** `<front>:<text>`; undefined when no front is named. */
export function splitAddress(text: string): { front: FrontName; text: string } | undefined {
  const colon = text.indexOf(':')
  const front = colon < 0 ? undefined : frontCalled(text.slice(0, colon))?.name
  return front && { front, text: text.slice(colon + 1) }
}
