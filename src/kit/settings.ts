import { z } from 'zod'

/* The kinds of values that settings have. Each says what it wants, with an example, and never repeats what it got. */

export function text(form: RegExp, wanted: string) {
  return z.string().regex(form, { error: `must be ${wanted}` })
}

export function whole(min: number, max: number, example: number) {
  const error = `must be a whole number from ${min} to ${max}, for example ${example}`
  return z
    .string()
    .regex(/^\d{1,16}$/, { error, abort: true })
    .transform(Number)
    .refine((value) => value >= min && value <= max, { error })
}

/** The default limit keeps it within what a timer can wait. */
export function seconds(least: 'positive' | 'zero too', example: number, max = 2_000_000) {
  const bounds = [
    least === 'positive' ? 'above 0' : '0 or more',
    max < Infinity ? `up to ${max}` : '',
  ]
  const range = bounds.filter((bound) => bound !== '').join(' and ')
  const error = `must be a number of seconds, ${range}, for example ${example}`
  return z
    .string()
    .regex(/^\d{1,12}(\.\d{1,3})?$/, { error, abort: true })
    .transform(Number)
    .refine((value) => (value > 0 || least === 'zero too') && value <= max, { error })
}

export function toMs(value: number): number {
  return Math.round(value * 1000)
}

/** Any of these names, which are in capitals and may be given in small letters. */
export function anyOf<const Name extends string>(names: readonly Name[]) {
  const error = `must be names from ${names.join(', ').toLowerCase()}, separated by commas`
  return z
    .string()
    .transform((value) => value.split(',').flatMap((one) => one.trim().toUpperCase() || []))
    .pipe(z.array(z.enum(names, { error })))
}

export function flag() {
  return z.stringbool({ truthy: ['1', 'true'], falsy: ['0', 'false'], error: 'must be 1 or 0' })
}

/** The value is never repeated in the message: addresses carry passwords. */
export function url(protocols: readonly string[], example: string) {
  return z.string().refine(
    (value) => {
      const parsed = URL.canParse(value) ? new URL(value) : undefined
      return parsed !== undefined && protocols.includes(parsed.protocol) && parsed.hostname !== ''
    },
    { error: `must be a URL like ${example}`, abort: true },
  )
}

/** Headers as OpenTelemetry writes them; they may be secrets, so the message repeats nothing. */
export function pairs() {
  const error = 'must be like name=value,name=value, percent-encoded'
  const pair = /^\s*([!#$&'*+.^`|~\w-]+)\s*=\s*([\x21-\x7e]*)\s*$/
  return z.string().transform((value, context) => {
    try {
      return Object.fromEntries(
        value.split(',').map((part) => {
          const [, name, text] = pair.exec(part) ?? []
          if (name === undefined || text === undefined) throw new URIError(part)
          return [name, decodeURIComponent(text)]
        }),
      )
    } catch {
      context.addIssue({ code: 'custom', message: error })
      return z.NEVER
    }
  })
}

/** Numbers of users of the operating system, both ends included; undefined for `off`. Never those of the system. */
export function userRange() {
  const error = `must be off, or two numbers from 1000 to 2000000000, the smaller first, like 40000-59999, for at most ${MAX_USERS} users`
  return z
    .string()
    .regex(/^(off|\d{4,10}-\d{4,10})$/, { error, abort: true })
    .transform((value) => {
      const [first = 0, last = 0] = value.split('-').map(Number)
      return value === 'off' ? undefined : { first, last }
    })
    .refine(
      (range) =>
        range === undefined ||
        (range.first >= 1000 &&
          range.first <= range.last &&
          range.last <= 2_000_000_000 &&
          range.last - range.first < MAX_USERS),
      { error },
    )
}

const MAX_USERS = 100_000

export function withoutTrailingSlash(value: string): string {
  return value.replace(/\/+$/, '')
}
