/** A pattern may have so many characters. */
export const MAX_PATTERN = 1_000

/**
 * The first pattern in a schema that might take forever, if there is one. Schemas come here nested no deeper than values
 * may be.
 */
export function costlyPattern(schema: unknown): string | undefined {
  if (typeof schema !== 'object' || schema === null) return undefined
  for (const [name, value] of Object.entries(schema)) {
    const costly = patternsOf(name, value).find(isCostly) ?? costlyPattern(value)
    if (costly !== undefined) return costly
  }
  return undefined
}

function patternsOf(keyword: string, value: unknown): readonly string[] {
  if (keyword === 'pattern' && typeof value === 'string') return [value]
  const isMap = typeof value === 'object' && value !== null && !Array.isArray(value)
  return keyword === 'patternProperties' && isMap ? Object.keys(value) : []
}

/**
 * Whether a pattern might take more than linear or quadratic time: JavaScript's engine tries every way, so a
 * repetition of a group that itself repeats or chooses may have exponentially many.
 */
function isCostly(pattern: string): boolean {
  if (pattern.length > MAX_PATTERN) return true
  // literals and classes say nothing; what is left are groups, choices and repetitions
  const bare = pattern
    .replace(/\\[1-9k]/g, '\u0001')
    .replace(/\\./g, 'x')
    .replace(/\[(?:[^\]])*\]/g, 'x')
  if (bare.includes('\u0001')) return true
  if ((bare.match(/[*+]|\{\d+,/g) ?? []).length > 10) return true
  const open: boolean[] = []
  for (let i = 0; i < bare.length; i += 1) {
    const char = bare[i]
    if (char === '(') open.push(false)
    else if (char === ')') {
      const isBusy = open.pop() ?? false
      const repeats = /^(?:[*+]|\{\d+(?:,\d*)?\})/.test(bare.slice(i + 1))
      if (isBusy && repeats) return true
      if ((isBusy || repeats) && open.length > 0) open[open.length - 1] = true
    } else if (char === '|' || char === '*' || char === '+' || /^\{\d+,/.test(bare.slice(i))) {
      if (open.length > 0) open[open.length - 1] = true
    }
  }
  return false
}
