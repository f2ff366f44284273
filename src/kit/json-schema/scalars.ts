import { Pattern } from '../pattern/pattern.ts'
import type { Steps } from '../pattern/steps.ts'
import type { Check, Rule } from './check.ts'
import { formatRule } from './formats.ts'
import { isList, isObject, keyOf, lengthOf, type JsonObject } from './values.ts'

/** Makes the rule of a keyword; undefined for one that says nothing as it stands there. */
export type Maker = (value: unknown, schema: JsonObject, steps: Steps) => Rule | undefined

type Type = (value: unknown) => boolean
const types: Readonly<Record<string, Type>> = {
  null: (value) => value === null,
  boolean: (value) => typeof value === 'boolean',
  integer: (value) => Number.isInteger(value),
  number: (value) => typeof value === 'number',
  string: (value) => typeof value === 'string',
  array: isList,
  object: isObject,
}

const type: Maker = (named, { nullable }) => {
  const names = (isList(named) ? named : [named]).map(String)
  const all = nullable === true ? [...new Set([...names, 'null'])] : names
  const tests = all.flatMap((name) => types[name] ?? [])
  const message = `must be ${all.join()}`
  return (value, check) => tests.some((test) => test(value)) || check.fail('type', message)
}

const constant: Maker = (wanted, _schema, steps) => {
  const key = keyOf(wanted, steps)
  return (value, check) =>
    keyOf(value, check.steps) === key || check.fail('const', 'must be equal to constant')
}

const choice: Maker = (wanted, _schema, steps) => {
  const all = isList(wanted) ? wanted : []
  const keys = new Set(all.map((one) => keyOf(one, steps)))
  steps.take(4 * all.length)
  const hasLarge = all.some((one) => typeof one === 'object' && one !== null)
  return (value, check) => {
    const isLarge = typeof value === 'object' && value !== null
    const isThere = (hasLarge || !isLarge) && keys.has(keyOf(value, check.steps))
    return isThere || check.fail('enum', 'must be equal to one of the allowed values')
  }
}

/** A rule of numbers, with a bound. */
const number =
  (keyword: string, words: string, keeps: (value: number, bound: number) => boolean): Maker =>
  (bound) =>
    typeof bound !== 'number'
      ? undefined
      : (value, check) =>
          typeof value !== 'number' ||
          keeps(value, bound) ||
          check.fail(keyword, `must be ${words} ${bound}`)

const below = (keyword: string) => number(keyword, '<', (value, bound) => value < bound)
const above = (keyword: string) => number(keyword, '>', (value, bound) => value > bound)
const maximum = number('maximum', '<=', (value, bound) => value <= bound)
const minimum = number('minimum', '>=', (value, bound) => value >= bound)
const multipleOf = number('multipleOf', 'multiple of', (value, of) => Number.isInteger(value / of))

const length =
  (keyword: string, words: string, keeps: (value: number, bound: number) => boolean): Maker =>
  (bound) =>
  (value, check) =>
    typeof value !== 'string' ||
    keeps(lengthOf(value, check.steps), Number(bound)) ||
    check.fail(keyword, `must NOT have ${words} ${String(bound)} characters`)

const size =
  (
    keyword: string,
    words: (bound: number) => string,
    sizeOf: (value: unknown, check: Check) => number | undefined,
    keeps: (value: number, bound: number) => boolean,
  ): Maker =>
  (bound) =>
  (value, check) => {
    const of = sizeOf(value, check)
    return (
      of === undefined ||
      keeps(of, Number(bound)) ||
      check.fail(keyword, `must NOT have ${words(Number(bound))}`)
    )
  }

const isAtMost = (one: number, bound: number): boolean => one <= bound
const isAtLeast = (one: number, bound: number): boolean => one >= bound
const itemsOf = (value: unknown) => (isList(value) ? value.length : undefined)
const membersOf = (value: unknown, check: Check) =>
  isObject(value) ? check.namesOf(value).length : undefined

const pattern: Maker = (source, _schema, steps) => {
  const text = String(source)
  const read = Pattern.of(text, steps)
  return (value, check) =>
    typeof value !== 'string' ||
    read.test(value, check.steps) ||
    check.fail('pattern', `must match pattern "${text}"`)
}

const uniqueItems: Maker = (isWanted) =>
  isWanted === true
    ? (items, check) => {
        const twice = isList(items) ? lastTwice(items, check.steps) : undefined
        if (twice === undefined) return true
        const [i, j] = twice
        return check.fail(
          'uniqueItems',
          `must NOT have duplicate items (items ## ${j} and ${i} are identical)`,
        )
      }
    : undefined

/** The last item that is equal to an earlier one, and the nearest such. Each is looked up, not compared with all others. */
function lastTwice(items: readonly unknown[], steps: Steps): readonly [number, number] | undefined {
  const places = new Map<unknown, number>()
  let twice: readonly [number, number] | undefined
  for (const [i, item] of items.entries()) {
    steps.take(4)
    const key = keyOf(item, steps)
    const j = places.get(key)
    if (j !== undefined) twice = [i, j]
    places.set(key, i)
  }
  return twice
}

const required: Maker = (named) => {
  const names = isList(named) ? named.map(String) : []
  return (value, check) => {
    if (!isObject(value)) return true
    let isFine = true
    for (const name of names) {
      check.steps.take()
      if (Object.hasOwn(value, name)) continue
      isFine = check.fail('required', `must have required property '${name}'`)
      if (check.isDone) break
    }
    return isFine
  }
}

/** What both drafts know and is not about other schemas. */
const scalars: Readonly<Record<string, Maker>> = {
  type,
  enum: choice,
  maximum,
  minimum,
  multipleOf,
  maxLength: length('maxLength', 'more than', isAtMost),
  minLength: length('minLength', 'fewer than', isAtLeast),
  pattern,
  maxItems: size('maxItems', (n) => `more than ${n} items`, itemsOf, isAtMost),
  minItems: size('minItems', (n) => `fewer than ${n} items`, itemsOf, isAtLeast),
  uniqueItems,
  maxProperties: size('maxProperties', (n) => `more than ${n} properties`, membersOf, isAtMost),
  minProperties: size('minProperties', (n) => `fewer than ${n} properties`, membersOf, isAtLeast),
  required,
}

/** What draft 04 has otherwise: an exclusive bound is a word about the bound beside it. */
export const scalarsOfDraft04: Readonly<Record<string, Maker>> = {
  ...scalars,
  type: (named, schema, steps) => type(named, { ...schema, nullable: undefined }, steps),
  maximum: (bound, schema, steps) =>
    (schema['exclusiveMaximum'] === true ? below('exclusiveMaximum') : maximum)(
      bound,
      schema,
      steps,
    ),
  minimum: (bound, schema, steps) =>
    (schema['exclusiveMinimum'] === true ? above('exclusiveMinimum') : minimum)(
      bound,
      schema,
      steps,
    ),
}

export const scalarsOf2020: Readonly<Record<string, Maker>> = {
  ...scalars,
  const: constant,
  exclusiveMaximum: below('exclusiveMaximum'),
  exclusiveMinimum: above('exclusiveMinimum'),
  format: (name) => formatRule(String(name)),
}
