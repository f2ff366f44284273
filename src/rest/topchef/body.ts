import { textOf } from '../../kit/http/body.ts'
import { JsonScan } from '../../kit/json/scan.ts'
import { JsonText } from '../../kit/json/json.ts'
import type { Problem } from '../problem.ts'
import type { Asked } from '../route.ts'
import { titled, WRONG_SHAPE } from './errors.ts'

/** Whether the body says that it is JSON (contract 3). */
export const isJson = ({ headers }: Asked): boolean =>
  /^(?:application\/json|application\/.*\+json)$/i.test(
    (headers['content-type']?.split(';')[0] ?? '').trim(),
  )

/** The body, if it is JSON in name and in fact, and not null. */
export function readBody(asked: Asked): JsonText | undefined {
  if (!isJson(asked)) return undefined
  try {
    const text = JsonText.read(textOf(asked.body))
    return text.value === null ? undefined : text
  } catch {
    return undefined // which is an answer here
  }
}

export const notJson = (): Problem =>
  titled(
    'BAD_REQUEST',
    'Request Not JSON',
    'The request must have a JSON body and say so by its content type.',
  )

const missing = 'Missing data for required field.'

/**
 * The members of a request object, read by what they should be, as the texts they came as. Unknown ones are passed
 * over. Every key that is wrong is told of, by `check`.
 */
export class BodyFields {
  readonly #values: Readonly<Record<string, unknown>>
  readonly #texts = new Map<string, string>()
  readonly #isObject: boolean
  readonly #wrong: { path: string[]; message: string }[] = []

  constructor(body: JsonText) {
    const { value } = body
    this.#isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    if (!this.#isObject) {
      this.#values = {}
      this.#wrong.push({ path: ['_schema'], message: 'Invalid input type.' })
      return
    }
    this.#values = value as Record<string, unknown> // an object, as was seen
    const scan = new JsonScan(body.text)
    scan.members((name) => void this.#texts.set(name, scan.take()))
  }

  /** Whether it is there, if only as null. */
  has(name: string): boolean {
    return this.#texts.has(name)
  }

  text(name: string): string | undefined {
    return this.#read(name, 'Not a valid string.', (value) =>
      typeof value === 'string' ? value : undefined,
    )
  }

  object(name: string): JsonText | undefined {
    return this.#read(name, 'Not a valid object.', (value) =>
      typeof value === 'object' && !Array.isArray(value)
        ? new JsonText(this.#texts.get(name) ?? 'null', value)
        : undefined,
    )
  }

  /** Also as the texts and numbers that the original takes for one. */
  flag(name: string): boolean | undefined {
    return this.#read(name, 'Not a valid boolean.', (value) => {
      const word = String(value).toLowerCase()
      if (typeof value === 'object') return undefined
      return word === 'true' || word === '1'
        ? true
        : word === 'false' || word === '0'
          ? false
          : undefined
    })
  }

  /** Also as a numeric text; a fraction is cut off. */
  whole(name: string): number | undefined {
    return this.#read(name, 'Not a valid integer.', (value) => {
      const isNumeric = typeof value === 'string' && /^\s*[+-]?\d+\s*$/.test(value)
      const number = typeof value === 'number' || isNumeric ? Math.trunc(Number(value)) : Number.NaN
      return Number.isFinite(number) ? number : undefined
    })
  }

  /** What must be there. */
  require(...names: readonly string[]): void {
    if (!this.#isObject) return
    for (const name of names) if (!this.has(name)) this.refuse(name, missing)
  }

  refuse(name: string, message: string): void {
    this.#wrong.push({ path: [name], message })
  }

  /** Where null means that it stays as it is. */
  isNull(name: string): boolean {
    return this.has(name) && this.#values[name] === null
  }

  /** What is wrong so far. */
  get problem(): Problem | undefined {
    if (this.#wrong.length === 0) return undefined
    return titled('BAD_REQUEST', WRONG_SHAPE, 'The request has another shape.', this.#wrong)
  }

  /** Throws a Problem with all that is wrong. */
  check(): void {
    const { problem } = this
    if (problem !== undefined) throw problem
  }

  #read<Value>(
    name: string,
    otherwise: string,
    read: (value: unknown) => Value | undefined,
  ): Value | undefined {
    if (!this.has(name)) return undefined
    const value = this.#values[name]
    const found = value === null ? undefined : read(value)
    if (found === undefined)
      this.refuse(name, value === null ? 'Field may not be null.' : otherwise)
    return found
  }
}

/** The members of a body that must be there. Throws a Problem. */
export function fieldsOf(asked: Asked): BodyFields {
  const body = readBody(asked)
  if (body === undefined) throw notJson()
  return new BodyFields(body)
}
