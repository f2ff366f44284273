import type { Ajv } from 'ajv'
import type { DataValidateFunction } from 'ajv/dist/types/index.js'

/**
 * `uniqueItems` in linear time. Ajv compares every item with every other one, which with some 100,000 of them holds up
 * the whole server; here each becomes a text, the same for equal values, and is looked up. The error is Ajv's.
 */
export function addUniqueItems(ajv: Ajv): void {
  ajv.removeKeyword('uniqueItems')
  ajv.addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    schemaType: 'boolean',
    errors: true,
    compile: (isWanted: boolean) => (isWanted ? areUnique : () => true),
  })
}

const areUnique: DataValidateFunction = (items: readonly unknown[]) => {
  const twice = lastTwice(items)
  if (twice === undefined) return true
  const [i, j] = twice
  areUnique.errors = [
    {
      keyword: 'uniqueItems',
      message: `must NOT have duplicate items (items ## ${j} and ${i} are identical)`,
      params: { i, j },
    },
  ]
  return false
}

/** The last item that is equal to an earlier one, and the nearest such; as Ajv finds them. */
function lastTwice(items: readonly unknown[]): readonly [number, number] | undefined {
  const places = new Map<string, number>()
  let twice: readonly [number, number] | undefined
  for (const [i, item] of items.entries()) {
    const text = canonical(item)
    const j = places.get(text)
    if (j !== undefined) twice = [i, j]
    places.set(text, i)
  }
  return twice
}

/** A JSON text that equal values share, whatever the order of their members. Values are nested MAX_NESTING deep at most. */
function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, one]) => `${JSON.stringify(name)}:${canonical(one)}`).join()}}`
}
