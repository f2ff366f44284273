import type { Steps } from '../pattern/steps.ts'

export type JsonObject = Readonly<Record<string, unknown>>

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value)

/** What stands for a value wherever values are compared: the same for equal ones. Values are nested MAX_NESTING deep at most. */
export function keyOf(value: unknown, steps: Steps): unknown {
  if (typeof value === 'string') {
    steps.take(1 + (value.length >> 5))
    return `"${value}`
  }
  return typeof value === 'object' && value !== null ? canonical(value, steps) : value
}

/** A JSON text that equal values share, whatever the order of their members. */
function canonical(value: unknown, steps: Steps): string {
  if (typeof value === 'string') steps.take(value.length >> 3)
  steps.take(4)
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (isList(value)) {
    const text = `[${value.map((item) => canonical(item, steps)).join()}]`
    steps.take(text.length >> 5)
    return text
  }
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  steps.take(members.length * (4 + Math.ceil(Math.log2(members.length + 1))))
  const text = `{${members.map(([name, one]) => `${JSON.stringify(name)}:${canonical(one, steps)}`).join()}}`
  steps.take(text.length >> 5)
  return text
}

/** Characters of a text, as JSON Schema counts them. */
export function lengthOf(text: string, steps: Steps): number {
  steps.take(text.length >> 3)
  let length = text.length
  for (let place = 0; place < text.length; place += 1)
    if ((text.codePointAt(place) ?? 0) > 0xffff) {
      length -= 1
      place += 1
    }
  return length
}
