import { Prisma } from '../generated/prisma/client.ts'
import type { Front } from '../generated/prisma/enums.ts'
import type { IdKind } from '../kit/ids.ts'
import { fromHex16, toHex16 } from '../kit/permute.ts'

/** How one front spells the ids of one kind of object when nobody chose a spelling. */
export interface Spelling {
  write(row: { readonly id: string; readonly serial: bigint }): string
  /** The serial, or the key, behind a spelling; undefined when it is none. */
  read(text: string): bigint | string | undefined
}

/** How objects of one kind are named from outside. */
export interface Naming {
  readonly kind: IdKind<string>
  /** The word for it in messages. */
  readonly noun: string
  readonly spellings: Partial<Record<Front, Spelling>>
  /** Which rows, of a table under its alias, a front has a word for, where it has not for all: nothing else has an address there. */
  readonly words?: Partial<Record<Front, (alias: string) => Prisma.Sql>>
  /**
   * What may stand before its own part of an address, with "/" between, and says where it is to be looked for:
   * `abeja:1410805969256/1410805969257/ser-1cfab7455c8e43a7`. Organizations first, then deployments.
   */
  readonly within?: readonly Naming[]
  /** The columns with the organization of a row and with its handle, where they are called otherwise than everywhere. */
  readonly columns?: { readonly organization: string; readonly handle: string }
}

export const fronts: readonly Front[] = ['ABEJA', 'OMEGAML', 'TOPCHEF', 'AUGER', 'ONECONTAINER']

/** The condition on rows of `alias` that a front has a word for. */
export const hasWord = ({ spellings, words }: Naming, front: Front, alias: string): Prisma.Sql =>
  words?.[front]?.(alias) ?? Prisma.raw(String(front in spellings))

const BASE = 1_000_000_000_000n

/** ABEJA's platform ids: 13 decimal digits (contract abeja 3). */
export const thirteenDigits: Spelling = {
  write: ({ serial }) => String(BASE + serial),
  read: (text) => (/^[1-9]\d{12}$/.test(text) ? BigInt(text) - BASE : undefined),
}

/** ABEJA's ids with a prefix and 16 hexadecimal digits (contract abeja 3). */
export const hex16 = (prefix: string): Spelling => ({
  write: ({ serial }) => prefix + toHex16(serial),
  read: (text) => (text.startsWith(prefix) ? fromHex16(text.slice(prefix.length)) : undefined),
})

/** The key itself, in the usual way of writing it (contracts topchef 2 and auger 3). */
export const uuid: Spelling = {
  write: ({ id }) => id,
  read: (text) => (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text) ? text : undefined),
}

/** Whole numbers. */
export const decimal: Spelling = {
  write: ({ serial }) => String(serial),
  read: (text) => (/^[1-9]\d{0,17}$/.test(text) ? BigInt(text) : undefined),
}

/** `abeja:ser-1cfab7455c8e43a7` → its front and text; undefined when no front is named. */
export function splitAddress(text: string): { front: Front; text: string } | undefined {
  const colon = text.indexOf(':')
  const front = fronts.find((one) => one.toLowerCase() === text.slice(0, colon))
  return front === undefined || colon < 0 ? undefined : { front, text: text.slice(colon + 1) }
}
