import { randomUUID } from 'node:crypto'
import { JsonText } from '../kit/json/json.ts'
import { NonRetryable } from './job.ts'

/**
 * The last JSON value of what was printed, as it was printed: all of it, else its last line. What is neither is text,
 * and nothing at all is null. Throws NonRetryable for what would be JSON without NaN or Infinity in it: whoever reads
 * numbers would find a text.
 */
export function resultOf(printed: string): unknown {
  const text = printed.trim()
  if (text === '') return null
  for (const candidate of new Set([text, text.slice(text.lastIndexOf('\n') + 1)])) {
    const value = jsonOf(candidate)
    if (value !== undefined) return value
    const no = nonNumberOf(candidate)
    if (no !== undefined)
      throw new NonRetryable(
        `${no.path} is ${no.word}, which JSON has no word for: print null or a text in its place.`,
      )
  }
  return text
}

function jsonOf(text: string): JsonText | undefined {
  try {
    return JsonText.read(text)
  } catch {
    return undefined
  }
}

interface NonNumber {
  readonly path: string
  readonly word: string
}

/** What is no number in a text that would be JSON without it, as many libraries write it; undefined where there is none. */
function nonNumberOf(text: string): NonNumber | undefined {
  const mark = randomUUID()
  let first: string | undefined
  let isInString = false
  const marked = text.replace(/\\[^]|"|-?\b(?:NaN|Infinity)\b/g, (token) => {
    if (token === '"') isInString = !isInString
    if (isInString || token === '"' || token.startsWith('\\')) return token
    first ??= token
    return JSON.stringify(mark + token)
  })
  if (first === undefined) return undefined
  const value = jsonOf(marked)?.value
  // an equal key may have covered it
  return value === undefined
    ? undefined
    : (found(value, mark) ?? { path: 'something', word: first })
}

/** The first text that begins with the mark, and its place. */
function found(value: unknown, mark: string): NonNumber | undefined {
  const left: [path: string, value: unknown][] = [['result', value]]
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const [path, one] = next
    if (typeof one === 'string' && one.startsWith(mark))
      return { path, word: one.slice(mark.length) }
    if (typeof one === 'object' && one !== null)
      for (const [key, inner] of Object.entries(one).toReversed())
        left.push([`${path}.${key}`, inner])
  }
  return undefined
}
