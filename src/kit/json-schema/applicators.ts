import { Pattern } from '../pattern/pattern.ts'
import type { Steps } from '../pattern/steps.ts'
import type { Check, CompiledSchema, Rule } from './check.ts'
import { isList, isObject, type JsonObject } from './values.ts'

/** Answers the node of a schema within the one whose rules are made. */
type NodeOf = (schema: unknown) => CompiledSchema

/** Makes the rules of a group of keywords, which look at the same parts of a value. */
export type Group = (
  schema: JsonObject,
  nodeOf: NodeOf,
  steps: Steps,
) => readonly (Rule | undefined)[]

const nodesOf = (schemas: unknown, nodeOf: NodeOf): readonly CompiledSchema[] =>
  isList(schemas) ? schemas.map(nodeOf) : []

const entriesOf = (map: unknown): [string, unknown][] => (isObject(map) ? Object.entries(map) : [])

/** `properties`, `patternProperties` and `additionalProperties`: each member is looked at once. */
export const members: Group = (schema, nodeOf, steps) => {
  const named = new Map(entriesOf(schema['properties']).map(([name, one]) => [name, nodeOf(one)]))
  const like = entriesOf(schema['patternProperties']).map(([source, one]) => {
    return { pattern: Pattern.of(source, steps), node: nodeOf(one) }
  })
  const { additionalProperties: others } = schema
  const rest = others === undefined ? undefined : nodeOf(others)
  if (named.size === 0 && like.length === 0 && rest === undefined) return []
  return [
    (value, check, seen) => {
      if (!isObject(value)) return true
      let isFine = true
      for (const name of check.namesOf(value)) {
        if (check.isDone && !isFine) break
        check.steps.take()
        const one = value[name]
        const node = named.get(name)
        let isKnown = node !== undefined
        if (node && !check.fitsAt(name, node, one)) isFine = false
        for (const each of like) {
          if (!each.pattern.test(name, check.steps)) continue
          isKnown = true
          if (!check.fitsAt(name, each.node, one)) isFine = false
        }
        if (!isKnown && rest) {
          if (others === false)
            isFine = check.fail(
              'additionalProperties',
              `must NOT have additional properties (${name})`,
            )
          else if (!check.fitsAt(name, rest, one)) isFine = false
        }
        if (isKnown || rest) seen?.names.add(name)
      }
      return isFine
    },
  ]
}

/** `propertyNames`. */
export const names: Group = ({ propertyNames }, nodeOf) => {
  if (propertyNames === undefined) return []
  const node = nodeOf(propertyNames)
  return [
    (value, check) => {
      if (!isObject(value)) return true
      let isFine = true
      for (const name of check.namesOf(value)) {
        if (check.fits(node, name)) continue
        isFine = check.fail('propertyNames', `property name must be valid (${name})`)
        if (check.isDone) break
      }
      return isFine
    },
  ]
}

/** `dependentSchemas`, `dependentRequired`, and `dependencies`, which was both. */
export const dependents: Group = (schema, nodeOf) => [
  ...entriesOf(schema['dependentSchemas']).map(([name, one]) => dependent(name, nodeOf(one))),
  ...entriesOf(schema['dependentRequired']).map(([name, one]) => required(name, one)),
  ...entriesOf(schema['dependencies']).map(([name, one]) =>
    isList(one) ? required(name, one) : dependent(name, nodeOf(one)),
  ),
]

const dependent =
  (name: string, node: CompiledSchema): Rule =>
  (value, check, seen) =>
    !isObject(value) || !Object.hasOwn(value, name) || check.fits(node, value, seen)

function required(name: string, wanted: unknown): Rule {
  const all = isList(wanted) ? wanted.map(String) : []
  const message = `must have ${all.length === 1 ? 'property' : 'properties'} ${all.join(', ')} when property ${name} is present`
  return (value, check) => {
    if (!isObject(value) || !Object.hasOwn(value, name)) return true
    check.steps.take(all.length)
    return all.every((one) => Object.hasOwn(value, one)) || check.fail('dependencies', message)
  }
}

/** The first items each by a schema of its own, all others by one; `word` is where the others' schema stands. */
function itemsBy(
  first: readonly CompiledSchema[],
  others: unknown,
  word: string,
  nodeOf: NodeOf,
): Rule {
  const rest = others === undefined ? undefined : nodeOf(others)
  return (value, check, seen) => {
    if (!isList(value)) return true
    let isFine = true
    const few = Math.min(first.length, value.length)
    for (let place = 0; place < few && (isFine || !check.isDone); place += 1) {
      const node = first[place]
      if (node && !check.fitsAt(String(place), node, value[place])) isFine = false
    }
    if (seen) seen.items = Math.max(seen.items, rest ? value.length : few)
    if (rest === undefined || value.length <= few) return isFine
    if (others === false) return check.fail(word, `must NOT have more than ${few} items`)
    for (let place = few; place < value.length && (isFine || !check.isDone); place += 1)
      if (!check.fitsAt(String(place), rest, value[place])) isFine = false
    return isFine
  }
}

/** `prefixItems` and `items`. */
export const items: Group = ({ prefixItems, items: others }, nodeOf) =>
  prefixItems === undefined && others === undefined
    ? []
    : [itemsBy(nodesOf(prefixItems, nodeOf), others, 'items', nodeOf)]

/** `items`, which in draft 04 may be a list, and `additionalItems`. */
export const itemsOfDraft04: Group = ({ items: each, additionalItems }, nodeOf) => {
  if (each === undefined) return []
  if (!isList(each)) return [itemsBy([], each, 'items', nodeOf)]
  return [itemsBy(nodesOf(each, nodeOf), additionalItems, 'additionalItems', nodeOf)]
}

/** `contains`, with `minContains` and `maxContains`. */
export const contains: Group = (schema, nodeOf) => {
  if (schema['contains'] === undefined) return []
  const node = nodeOf(schema['contains'])
  const least = Number(schema['minContains'] ?? 1)
  const most = Number(schema['maxContains'] ?? Infinity)
  const words = most === Infinity ? '' : ` and no more than ${most}`
  return [
    (value, check, seen) => {
      if (!isList(value)) return true
      let count = 0
      for (const [place, item] of value.entries()) {
        if (!check.quietly(node, item)) continue
        count += 1
        seen?.places.add(place)
        if (count > most || (count >= least && most === Infinity && !seen)) break
      }
      return (
        (count >= least && count <= most) ||
        check.fail('contains', `must contain at least ${least}${words} valid item(s)`)
      )
    },
  ]
}

/** `allOf`. */
export const all: Group = ({ allOf }, nodeOf) =>
  nodesOf(allOf, nodeOf).map((node) => (value, check, seen) => check.fits(node, value, seen))

/** `anyOf`, `oneOf` and `not`; with `isFolded` what is wrong with each branch is not told. */
export const choices =
  (isFolded: boolean): Group =>
  ({ anyOf, oneOf, not }, nodeOf) => {
    const some = anyOf === undefined ? undefined : nodesOf(anyOf, nodeOf)
    const one = oneOf === undefined ? undefined : nodesOf(oneOf, nodeOf)
    const none = not === undefined ? undefined : nodeOf(not)
    return [
      some &&
        ((value, check, seen) =>
          atMost(some, value, check, seen, { isFolded, most: seen ? Infinity : 1 }) > 0 ||
          check.fail('anyOf', 'must match a schema in anyOf')),
      one &&
        ((value, check, seen) =>
          atMost(one, value, check, seen, { isFolded, most: 2 }) === 1 ||
          check.fail('oneOf', 'must match exactly one schema in oneOf')),
      none &&
        ((value, check) => !check.quietly(none, value) || check.fail('not', 'must NOT be valid')),
    ]
  }

/** How many of the schemas a value fits, counted up to `most`. What is wrong with it is told if it fits none. */
function atMost(
  nodes: readonly CompiledSchema[],
  value: unknown,
  check: Check,
  seen: Parameters<Rule>[2],
  { isFolded, most }: { isFolded: boolean; most: number },
): number {
  const before = check.issues.length
  let count = 0
  for (const node of nodes) {
    const fits = isFolded ? check.quietly(node, value, seen) : check.fits(node, value, seen)
    if (fits) count += 1
    if (count >= most) break
  }
  if (count > 0) check.forget(before)
  return count
}

/** `if`, `then` and `else`. */
export const conditions: Group = (schema, nodeOf) => {
  if (schema['if'] === undefined) return []
  const condition = nodeOf(schema['if'])
  const then = schema['then'] === undefined ? undefined : nodeOf(schema['then'])
  const otherwise = schema['else'] === undefined ? undefined : nodeOf(schema['else'])
  return [
    (value, check, seen) => {
      if (!then && !otherwise && !seen) return true
      const isSo = check.quietly(condition, value, seen)
      const node = isSo ? then : otherwise
      if (node === undefined || check.fits(node, value, seen)) return true
      return check.fail('if', `must match "${isSo ? 'then' : 'else'}" schema`)
    },
  ]
}

/** `unevaluatedProperties` and `unevaluatedItems`, which come after all others. */
export const unevaluated: Group = (schema, nodeOf) => {
  const { unevaluatedProperties, unevaluatedItems } = schema
  const member = unevaluatedProperties === undefined ? undefined : nodeOf(unevaluatedProperties)
  const item = unevaluatedItems === undefined ? undefined : nodeOf(unevaluatedItems)
  return [
    member &&
      ((value, check, seen) => {
        if (!isObject(value) || !seen) return true
        let isFine = true
        for (const name of check.namesOf(value)) {
          check.steps.take()
          if (seen.names.has(name)) continue
          seen.names.add(name)
          if (unevaluatedProperties === false)
            isFine = check.fail(
              'unevaluatedProperties',
              `must NOT have unevaluated properties (${name})`,
            )
          else if (!check.fitsAt(name, member, value[name])) isFine = false
          if (!isFine && check.isDone) break
        }
        return isFine
      }),
    item &&
      ((value, check, seen) => {
        if (!isList(value) || !seen) return true
        let isFine = true
        for (let place = seen.items; place < value.length; place += 1) {
          check.steps.take()
          if (seen.places.has(place)) continue
          if (unevaluatedItems === false)
            return check.fail('unevaluatedItems', `must NOT have more than ${place} items`)
          if (!check.fitsAt(String(place), item, value[place])) isFine = false
          if (!isFine && check.isDone) break
        }
        seen.items = Math.max(seen.items, value.length)
        return isFine
      }),
  ]
}
