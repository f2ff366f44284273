import { isSafeNumber, parse } from 'lossless-json'
import { z } from 'zod'
import { isNestedTooDeep, MAX_NESTING } from './nesting.ts'

/** The text of a value of the scalar JSON; what was never given is null. NUL and half surrogate pairs become escapes. */
export const jsonText = (value: unknown): string => JSON.stringify(value ?? null)

/** A whole number with more digits than a double can be trusted with. */
const LONG_NUMBER = /\d{16}/

/** The value of a JSON text as the API shows it: whole numbers beyond 2^53-1 are text. */
export function jsonValue(text: string): unknown {
  if (!LONG_NUMBER.test(text)) return JSON.parse(text)
  return parse(text, undefined, (number) =>
    isSafeNumber(number, { approx: true }) ? Number(number) : number,
  )
}

/** A value of the scalar JSON that can be kept: anything but what is nested too deep. */
export const jsonRule = z
  .unknown()
  .refine((value) => !isNestedTooDeep(value), `Nested at most ${MAX_NESTING} deep.`)
  .optional()
