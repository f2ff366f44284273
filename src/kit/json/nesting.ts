/** Levels of lists and objects that one value may have: far from what anything that calls itself can bear. */
export const MAX_NESTING = 100

/** Whether a value out of JSON is nested deeper than MAX_NESTING. Calls itself no deeper than that, and makes nothing. */
export const isNestedTooDeep = (value: unknown): boolean => isDeeperThan(MAX_NESTING, value)

function isDeeperThan(levels: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  if (Array.isArray(value)) {
    for (const item of value) if (isDeeperThan(levels - 1, item)) return true
    return false
  }
  for (const name in value)
    if (isDeeperThan(levels - 1, (value as Record<string, unknown>)[name])) return true // it is a name of its own
  return false
}
