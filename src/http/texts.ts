import {
  GraphQLError,
  isInputObjectType,
  isListType,
  isNonNullType,
  isInputType,
  typeFromAST,
  type GraphQLInputType,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql'
import { endOf, itemsOf, membersOf, skipSpace } from '../kit/json-scan.ts'
import { JsonText } from '../kit/json.ts'
import { MAX_NESTING } from '../kit/nesting.ts'
import { tooComplex } from './limits/index.ts'

/*
 * Users' JSON is kept as the text it came as (DESIGN 3), but a request is read by JSON.parse, which forgets the text.
 * So every door remembers what it read the variables from, and before an operation runs each value of the scalar JSON
 * in them is found in that text and put in as a JsonText. Everything else stays what JSON.parse made of it; operations
 * that take no JSON, which are nearly all, cost nothing.
 */

interface Source {
  readonly text: string | (() => string)
  /** Where in the text the variables are: names of members. */
  readonly path: readonly string[]
}

const sources = new WeakMap<object, Source>()

/** Remembers the JSON text in which variables were sent. */
export function cameIn(variables: unknown, text: Source['text'], path: Source['path']): void {
  if (typeof variables === 'object' && variables !== null) sources.set(variables, { text, path })
}

/** Under this, out of everybody's sight, a context has the body of the request that Yoga reads. */
export const BODY = Symbol('body')

type Variables = Readonly<Record<string, unknown>>

/** The variables with JsonText for every value of the scalar JSON, or TOO_COMPLEX for inputs that are nested too deep. */
export function withTexts(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  variables: Variables,
): Variables | GraphQLError {
  const fields = fieldsOf(schema, operation)
  if (fields.size === 0) return variables
  const { text, path } = sources.get(variables) ?? {}
  const whole = typeof text === 'function' ? text() : text
  try {
    return inFields(
      fields,
      variables,
      whole ?? '',
      whole ? placeIn(whole, path ?? []) : undefined,
      0,
    )
  } catch (cause) {
    if (cause instanceof GraphQLError) return cause
    throw cause
  }
}

/** Where the value begins that these names lead to; the last of equal names counts, as in JSON.parse. */
function placeIn(text: string, path: readonly string[]): number | undefined {
  let place: number | undefined = skipSpace(text, 0)
  for (const wanted of path) {
    let found: number | undefined
    if (place !== undefined)
      for (const { name, begin } of membersOf(text, place)) if (name === wanted) found = begin
    place = found
  }
  return place
}

/** An input that is JSON, or has some in it. */
type Way = 'json' | { readonly items: Way } | { readonly fields: Fields }
type Fields = ReadonlyMap<string, Way>

const variablesOf = new WeakMap<OperationDefinitionNode, Fields>()

/** The variables of an operation that have JSON in them. */
function fieldsOf(schema: GraphQLSchema, operation: OperationDefinitionNode): Fields {
  const known = variablesOf.get(operation)
  if (known !== undefined) return known
  const fields = new Map<string, Way>()
  for (const { variable, type: node } of operation.variableDefinitions ?? []) {
    const type = typeFromAST(schema, node as never)
    const way = isInputType(type) ? wayIn(type) : undefined
    if (way !== undefined) fields.set(variable.name.value, way)
  }
  variablesOf.set(operation, fields)
  return fields
}

const waysOf = new WeakMap<GraphQLInputType, Map<string, Way>>()

function wayIn(type: GraphQLInputType): Way | undefined {
  if (isNonNullType(type)) return wayIn(type.ofType)
  if (isListType(type)) {
    const items = wayIn(type.ofType)
    return items && { items }
  }
  if (!isInputObjectType(type)) return type.name === 'JSON' ? 'json' : undefined
  const known = waysOf.get(type)
  if (known !== undefined) return known.size > 0 ? { fields: known } : undefined
  const fields = new Map<string, Way>([['', 'json']]) // a type may have itself in it, and is met again before it is done
  waysOf.set(type, fields)
  for (const field of Object.values(type.getFields())) {
    const way = wayIn(field.type)
    if (way !== undefined) fields.set(field.name, way)
  }
  fields.delete('')
  return fields.size > 0 ? { fields } : undefined
}

/** The value with its JSON as text; `at` is where it begins in the text it came in, if it came in one. */
function exact(
  way: Way,
  value: unknown,
  text: string,
  at: number | undefined,
  depth: number,
): unknown {
  if (value === null || value === undefined || value instanceof JsonText) return value
  if (way === 'json')
    return at === undefined
      ? JsonText.of(value)
      : new JsonText(text.slice(at, endOf(text, at)), value)
  if (depth > MAX_NESTING)
    throw tooComplex(`Lists and objects in a value are nested at most ${MAX_NESTING} deep.`)
  if ('fields' in way)
    return typeof value === 'object' && !Array.isArray(value)
      ? inFields(way.fields, value as Variables, text, at, depth + 1)
      : value // GraphQL says what is wrong with it
  // GraphQL takes what is no list for a list of one
  if (!Array.isArray(value)) return exact(way.items, value, text, at, depth)
  const places = at === undefined ? [] : [...itemsOf(text, at)]
  return value.map((item, n) => exact(way.items, item, text, places[n]?.begin, depth + 1))
}

function inFields(
  fields: Fields,
  values: Variables,
  text: string,
  at: number | undefined,
  depth: number,
): Variables {
  const found: Record<string, unknown> = { ...values }
  const places = new Map<string, number>()
  if (at !== undefined)
    for (const { name, begin } of membersOf(text, at)) if (fields.has(name)) places.set(name, begin)
  for (const [name, way] of fields)
    if (Object.hasOwn(values, name))
      found[name] = exact(way, values[name], text, places.get(name), depth)
  return found
}
