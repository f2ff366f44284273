import { z } from 'zod'
import { isStorable } from '../kit/names.ts'

const variableName = z
  .string()
  .regex(
    /^[A-Za-z_][A-Za-z0-9_]{0,199}$/,
    'A variable has letters, digits and "_", and does not begin with a digit.',
  )

const variableValue = z
  .string()
  .max(65_536, 'At most 65,536 characters.')
  .refine(isStorable, 'This must not contain NUL or half a surrogate pair.')

const twice = (list: readonly { name: string }[]): boolean =>
  new Set(list.map(({ name }) => name)).size === list.length

/** Variables to set or remove. */
export const environmentRule = z
  .array(z.object({ name: variableName, value: variableValue.nullish() }))
  .max(500, 'At most 500 variables.')
  .refine(twice, 'A variable is named twice.')
  .nullish()

/** Variables with their values. */
export const parametersRule = z
  .array(z.object({ name: variableName, value: variableValue }))
  .max(500, 'At most 500 variables.')
  .refine(twice, 'A variable is named twice.')
  .nullish()
