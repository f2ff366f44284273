import { shownValue } from './numbers.ts'

/**
 * A value of the scalar JSON, as the very text it came as: JavaScript would round its long numbers, move keys that
 * look like integers to the front, and drop the first of two equal keys. The scalar gives one to every resolver, and
 * takes one as a variable or a resolved value as it is. In an answer that is written by JSON.stringify it becomes
 * what plain GraphQL shows; `stringify` writes it unchanged. Nothing that is sent can make one.
 */
export class JsonText {
  /** JSON, with all its spaces. It can be stored: NUL and half surrogate pairs are escapes. */
  readonly text: string
  #value: unknown

  /** `text` is JSON without such halves; `value` is what JSON.parse makes of it, where that is known. */
  constructor(text: string, value?: unknown) {
    this.text = text
    this.#value = value
  }

  /** The text of a value. */
  static of(value: unknown): JsonText {
    return new JsonText(JSON.stringify(value) ?? 'null')
  }

  /** A text that somebody sent. Throws a SyntaxError for what is no JSON. */
  static read(text: string): JsonText {
    const value: unknown = JSON.parse(text)
    return new JsonText(text.isWellFormed() ? text.trim() : escaped(text.trim()), value)
  }

  /** What JSON.parse makes of it; of equal keys the last. */
  get value(): unknown {
    return (this.#value ??= JSON.parse(this.text))
  }

  /** What plain GraphQL shows. */
  toJSON(): unknown {
    return shownValue(this.text)
  }
}

const escaped = (text: string): string =>
  text.replace(/\p{Surrogate}/gu, (half) => `\\u${half.charCodeAt(0).toString(16)}`)

/** The text of a value of the scalar JSON; what was never given is null. */
export const jsonText = (value: JsonText | null | undefined): string => value?.text ?? 'null'

/**
 * JSON.stringify for what has JsonText in it, each of which is written as it came. For the answers of operations that
 * run in process; as deep as an operation may be, which calls itself no deeper.
 */
export function stringify(value: unknown): string {
  if (value instanceof JsonText) return value.text
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  if (Array.isArray(value)) return `[${value.map(stringify).join(',')}]`
  if ('toJSON' in value && typeof value.toJSON === 'function') return stringify(value.toJSON())
  const members = Object.entries(value)
    .filter(([, one]) => one !== undefined)
    .map(([name, one]) => `${JSON.stringify(name)}:${stringify(one)}`)
  return `{${members.join(',')}}`
}
