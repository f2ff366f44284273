import { z } from 'zod'
import type { JsonText } from './json.ts'
import { isNestedTooDeep, MAX_NESTING } from './nesting.ts'

/** A value of the scalar JSON that can be kept: anything but what is nested too deep. */
export const jsonRule = z
  .custom<JsonText | null | undefined>()
  .refine(
    (json) => json == null || !isNestedTooDeep(json.value),
    `Nested at most ${MAX_NESTING} deep.`,
  )
  .optional()
