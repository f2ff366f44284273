import { textOf } from '../../kit/http/body.ts'
import { Problem } from '../problem.ts'
import type { Asked } from '../route.ts'

/** A variable, as the schema takes it. */
interface Variable {
  readonly name: string
  readonly value: string
}

/**
 * The fields of a body, read by what they should be. Numbers and flags may be texts, as this dialect's own examples
 * have them; unknown fields are passed over. All that is wrong is told at once, by `check`.
 */
export class Fields {
  readonly #fields: Readonly<Record<string, unknown>>
  readonly #wrong: { path: string[]; message: string }[] = []

  /** Throws a Problem for a body that is no JSON object; an empty one has no fields. */
  constructor({ body }: Asked) {
    this.#fields = objectIn(body)
  }

  /** Undefined when it is absent or null. */
  text(name: string): string | undefined {
    const value = this.#fields[name]
    if (value === undefined || value === null) return undefined
    return typeof value === 'string' ? value : this.#refuse(name, 'This must be a string.')
  }

  required(name: string): string {
    const value = this.text(name)
    if (value === undefined && this.#fields[name] == null) this.#refuse(name, 'This is required.')
    if (value?.trim() === '') this.#refuse(name, 'This must not be empty.')
    return value ?? ''
  }

  whole(name: string): number | undefined {
    const value = this.#fields[name]
    if (value === undefined || value === null) return undefined
    const number = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value
    return typeof number === 'number' && Number.isInteger(number)
      ? number
      : this.#refuse(name, 'This must be a whole number.')
  }

  flag(name: string): boolean | undefined {
    const value = this.#fields[name]
    if (value === undefined || value === null) return undefined
    if (value === true || value === 'true') return true
    return value === false || value === 'false'
      ? false
      : this.#refuse(name, 'This must be true or false.')
  }

  /** An object of strings. */
  variables(name: string): Variable[] | undefined {
    const value = this.#fields[name]
    if (value === undefined || value === null) return undefined
    if (typeof value !== 'object' || Array.isArray(value))
      return this.#refuse(name, 'This must be an object of strings.')
    return Object.entries(value).flatMap(([key, one]: [string, unknown]) =>
      typeof one === 'string'
        ? [{ name: key, value: one }]
        : (this.#refuse(name, `${JSON.stringify(key)} must be a string.`) ?? []),
    )
  }

  /** Whether anything was said of it, if only null. */
  has(name: string): boolean {
    return Object.hasOwn(this.#fields, name)
  }

  refuse(name: string, message: string): void {
    this.#refuse(name, message)
  }

  /** Throws a Problem with all that was wrong. */
  check(): void {
    if (this.#wrong.length === 0) return
    const message = this.#wrong.map((one) => `${one.path.join('.')}: ${one.message}`).join('; ')
    throw new Problem('BAD_REQUEST', message, { issues: this.#wrong })
  }

  #refuse(name: string, message: string): undefined {
    this.#wrong.push({ path: [name], message })
    return undefined
  }
}

function objectIn(body: Buffer): Readonly<Record<string, unknown>> {
  if (body.length === 0) return {}
  let value: unknown
  try {
    value = JSON.parse(textOf(body))
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new Problem('BAD_REQUEST', `The body is not JSON: ${why}`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Problem('BAD_REQUEST', 'The body must be a JSON object.')
  return value as Record<string, unknown> // an object, checked above
}
