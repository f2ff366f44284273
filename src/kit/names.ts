import { z } from 'zod'

/** A name for people: not blank, at most 200 characters. */
export const nameRule = z
  .string()
  .max(200, 'At most 200 characters.')
  .refine((text) => text.trim() !== '', 'This must not be blank.')
  .refine((text) => !text.includes('\0'), 'This must not contain the character NUL.')

/** Longer text for people: at most 10,000 characters. */
export const textRule = z
  .string()
  .max(10_000, 'At most 10,000 characters.')
  .refine((text) => !text.includes('\0'), 'This must not contain the character NUL.')

/** A name for URLs and command lines. It cannot be mistaken for an id (which has `_`) or an address (which has `:`). */
export const handleRule = z
  .string()
  .regex(
    /^[a-z0-9](?:[a-z0-9.-]{0,98}[a-z0-9])?$/,
    'A handle has 1 to 100 lower-case letters, digits, "." and "-", and begins and ends with a letter or digit.',
  )

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
