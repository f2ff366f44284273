import { withNumbers } from './scan.ts'

/** Whether a text may have numbers that are more, or larger, than a double can be trusted with. */
const UNUSUAL = /\d{16}|\d[eE]\+?\d{3}/

/** How many characters a JSON text has must not matter: both ways through it are linear. */
const read = (text: string, change: (number: string) => string): unknown =>
  JSON.parse(UNUSUAL.test(text) ? withNumbers(text, change) : text)

/**
 * The value of a JSON text as plain GraphQL shows it: whole numbers, written in digits alone, beyond 2^53-1, and
 * numbers that are too large for a double, are text; all others are the nearest double.
 */
export const shownValue = (text: string): unknown =>
  read(text, (number) => (isBearable(number) ? number : `"${number}"`))

/** The value of a JSON text as a JSON Schema checks it: every number is the nearest double, at most the largest. */
export const checkedValue = (text: string): unknown =>
  read(text, (number) => (Number.isFinite(Number(number)) ? number : largest(number)))

const isBearable = (number: string): boolean =>
  /^-?\d+$/.test(number) ? Number.isSafeInteger(Number(number)) : Number.isFinite(Number(number))

const largest = (number: string): string =>
  `${number.startsWith('-') ? '-' : ''}${Number.MAX_VALUE}`
