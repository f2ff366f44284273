import { JsonText } from './json.ts'

/** What a number, a truth value or a time counts. */
const LEAF = 8

/**
 * About how many characters a value has as JSON, without writing it: exact for what may be large, which is text. Stops
 * counting where there are more than `limit`. Calls itself as deep as the value is, which is no deeper than an answer.
 */
export function sizeOf(value: unknown, limit = Infinity): number {
  if (typeof value === 'string') return value.length + 2
  if (typeof value !== 'object' || value === null) return LEAF
  if (value instanceof JsonText) return value.text.length
  let size = 2
  if (Array.isArray(value)) {
    for (const item of value as readonly unknown[]) {
      size += sizeOf(item, limit - size) + 1
      if (size > limit) break
    }
    return size
  }
  for (const name in value) {
    size += name.length + 4 + sizeOf((value as Record<string, unknown>)[name], limit - size)
    if (size > limit) break
  }
  return size
}
