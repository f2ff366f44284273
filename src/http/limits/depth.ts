/** Levels of lists and objects that the variables of one request may have. */
const MAX = 100

/** Whether a value out of JSON is nested deeper than anything that walks it by calling itself can bear. */
export function isTooDeep(value: unknown): boolean {
  let level = [value]
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > MAX + 1) return true
    const below: unknown[] = []
    for (const one of level)
      if (typeof one === 'object' && one !== null)
        for (const inner of Array.isArray(one) ? (one as unknown[]) : Object.values(one))
          if (typeof inner === 'object' && inner !== null) below.push(inner)
    level = below
  }
  return false
}

export const tooDeepMessage = `Variables are nested at most ${MAX} deep.`
