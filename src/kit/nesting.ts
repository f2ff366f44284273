/** Levels of lists and objects that one value may have: far from what anything that calls itself can bear. */
export const MAX_NESTING = 100

/** Whether a value out of JSON is nested deeper than MAX_NESTING. Looks level by level, so no depth is too much. */
export function isNestedTooDeep(value: unknown): boolean {
  let level = objectsIn([value])
  for (let depth = 1; level.length > 0; depth += 1) {
    if (depth > MAX_NESTING) return true
    level = objectsIn(
      level.flatMap((one) => (Array.isArray(one) ? (one as unknown[]) : Object.values(one))),
    )
  }
  return false
}

const objectsIn = (values: readonly unknown[]): object[] =>
  values.filter((value): value is object => typeof value === 'object' && value !== null)
