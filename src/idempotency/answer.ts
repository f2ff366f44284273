import { Secret } from '../auth/secrets.ts'
import type { Right } from '../auth/noted-rights.ts'
import type { DomainError } from '../kit/errors.ts'
import { JsonText } from '../kit/json/json.ts'

/** What a call is known to have come to, and the rights that were needed for it. */
export interface StoredAnswer {
  readonly rights: readonly Right[]
  readonly success?: object
  readonly error?: { readonly name: string; readonly message: string; readonly facts: object }
  /** It had more than MAX_BYTES and was not kept. */
  readonly isTooLarge?: true
}

/** The largest answer that is kept. */
const MAX_BYTES = 256 * 1024

/**
 * Answers as text: JSON in which every list says what it is, so that dates, bigints, users' JSON and lists come back
 * as they were. A secret is not in it: it is derived again.
 */
export function write(answer: StoredAnswer): string {
  const text = JSON.stringify(marked(answer))
  if (Buffer.byteLength(text) <= MAX_BYTES) return text
  return JSON.stringify(marked({ rights: answer.rights, isTooLarge: true } satisfies StoredAnswer))
}

/** `secret` makes the one secret of the call, with the prefix it had. */
export const read = (text: string, secret: (prefix: Secret['prefix']) => Secret): StoredAnswer =>
  unmarked(JSON.parse(text), secret) as StoredAnswer // `write` wrote it

function marked(value: unknown): unknown {
  if (typeof value === 'bigint') return ['bigint', value.toString()]
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Date) return ['date', value.toISOString()]
  if (value instanceof JsonText) return ['json', value.text]
  if (value instanceof Secret) return ['secret', value.prefix]
  if (Array.isArray(value)) return ['list', value.map(marked)]
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, marked(one)]))
}

function unmarked(value: unknown, secret: (prefix: Secret['prefix']) => Secret): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (!Array.isArray(value))
    return Object.fromEntries(
      Object.entries(value).map(([name, one]) => [name, unmarked(one, secret)]),
    )
  const [kind, content] = value as [string, unknown]
  switch (kind) {
    case 'bigint':
      return BigInt(String(content))
    case 'date':
      return new Date(String(content))
    case 'json':
      return new JsonText(String(content))
    case 'secret':
      return secret(content === 'mri_' ? 'mri_' : 'mrt_')
    default:
      return (content as unknown[]).map((one) => unmarked(one, secret))
  }
}

/** One text for equal inputs, whatever the order of their fields; users' JSON is equal when its text is. */
export function canonical(input: unknown): string {
  return JSON.stringify(marked(input), (_name, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  )
}

export const writeError = (error: DomainError): NonNullable<StoredAnswer['error']> => ({
  name: error.constructor.name,
  message: error.message,
  facts: Object.fromEntries(Object.entries(error)),
})

/** An error with the facts of the one that was kept; `types` are those it can be. */
export function readError(
  { name, message, facts }: NonNullable<StoredAnswer['error']>,
  types: readonly (abstract new (...args: never[]) => DomainError)[],
): Error {
  const type = types.find((one) => one.name === name)
  if (type === undefined) throw new Error(`An answer was kept that is no ${name} any more.`)
  // its constructor makes the message from facts: here the message is known and the facts are set behind it
  const error = Reflect.construct(Error, [message], type) as Error
  return Object.assign(error, facts)
}
