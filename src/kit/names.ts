import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { hasControls } from './controls.ts'
import { BadRequest } from './errors.ts'

/**
 * Whether PostgreSQL can keep a text: NUL and lone surrogates are no characters of UTF-8. What a user's own JSON
 * says is kept as it came; names and texts of ours are refused instead of changed.
 */
export const isStorable = (text: string): boolean => !text.includes('\0') && text.isWellFormed()

const NOT_STORABLE = 'This must not contain NUL or half a surrogate pair.'

/** Whether a text may name something: it can be stored, and all of it be seen, in one line. */
export const isVisible = (text: string): boolean => text.isWellFormed() && !hasControls(text)

export const NOT_VISIBLE =
  'This must not contain control or text-direction characters or half a surrogate pair.'

/** A name for people: not blank, at most 200 characters, none of them a control or text-direction character. */
export const nameRule = z
  .string()
  .max(200, 'At most 200 characters.')
  .refine((text) => text.trim() !== '', 'This must not be blank.')
  .refine(isVisible, NOT_VISIBLE)

/** Longer text for people: at most 10,000 characters. */
export const textRule = z
  .string()
  .max(10_000, 'At most 10,000 characters.')
  .refine(isStorable, NOT_STORABLE)

/** Characters of a text that is looked for within others. */
export const MAX_SOUGHT = 1_000

/** A text that is looked for within others, as an argument has it. Throws BadRequest for one that is too long. */
export function sought(text: string, argument: string): string {
  if (text.length <= MAX_SOUGHT) return text
  throw new BadRequest(`\`${argument}\` has at most ${MAX_SOUGHT} characters.`)
}

/** A name for URLs and command lines. It cannot be mistaken for an id (which has `_`) or an address (which has `:`). */
export const handleRule = z
  .string()
  .regex(
    /^[a-z0-9](?:[a-z0-9.-]{0,98}[a-z0-9])?$/,
    'A handle has 1 to 100 lower-case letters, digits, "." and "-", and begins and ends with a letter or digit.',
  )

/** Who signs in: an e-mail address, or `admin`, who is there from the beginning. */
export const emailRule = z
  .string()
  .max(254, 'At most 254 characters.')
  .regex(/^\s*(?:admin|[^\s@\p{C}]+@[^\s@\p{C}]+)\s*$/iu, 'This must be an e-mail address.')

/** An e-mail address as it is stored: capitals make no other person. */
export const emailOf = (text: string): string => text.trim().toLowerCase()

/** A password that is set: at least 8 characters. */
export const newPasswordRule = z
  .string()
  .min(8, 'At least 8 characters.')
  .max(1_000, 'At most 1,000 characters.')

/** The organization, and in every organization the project, that is always there. */
export const DEFAULT_HANDLE = 'default'

/** Words that stand where something has to stand, as the user name of Basic does: no organization is called so. */
export const FILLERS: readonly string[] = ['any', 'anybody', 'token', 'x']

/** The handle a name suggests. */
export function slug(name: string): string {
  const plain = name
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9.]+/g, '-')
    .slice(0, 90)
    .replaceAll(/^[.-]+|[.-]+$/g, '')
  return plain || 'unnamed'
}

/** How many handles with a number are tried, and then how many with something that nobody can have thought of. */
const NUMBERED = 10
const RANDOM = 3

/**
 * Tries the wanted handle, or without one the suggestion, its numbered kin and then unlikely kin, until `insert` takes
 * it: however many are called the same, the next is made with few statements.
 */
export async function firstFree<Row>(
  suggestion: string,
  wanted: string | null | undefined,
  insert: (handle: string) => Promise<Row | undefined>,
): Promise<Row | undefined> {
  if (wanted != null) return insert(wanted)
  for (let n = 1; n <= NUMBERED + RANDOM; n += 1) {
    const end = n <= NUMBERED ? String(n) : randomBytes(4).toString('hex')
    const row = await insert(n === 1 ? suggestion : `${suggestion}-${end}`)
    if (row !== undefined) return row
  }
  return undefined
}
