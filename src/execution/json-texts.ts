import {
  isInputObjectType,
  isInputType,
  isListType,
  isNonNullType,
  typeFromAST,
  type GraphQLInputObjectType,
  type GraphQLInputType,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql'
import { JsonScan } from '../kit/json/scan.ts'
import { JsonText } from '../kit/json/json.ts'

/*
 * Users' JSON is kept as the text it came as (kit/json/json.ts), but a request is read by JSON.parse, which forgets the text.
 * So every door notes what it read the variables from, and before an operation runs, each value of the scalar JSON in
 * them is found in that text and put in as a JsonText. Everything else stays what JSON.parse made of it. Operations
 * that take no JSON, which are nearly all, have nothing to do here.
 */

/** Where variables come from, out of sight of everybody who reads them. */
const SOURCE = Symbol('source')
/** Under this a context has the body of the request that Yoga reads. */
export const BODY = Symbol('body')

type Variables = Readonly<Record<string, unknown>>

interface Source {
  readonly text: string | (() => string)
  /** Names that lead from the whole text to the variables. */
  readonly path: readonly string[]
}

/** Notes the JSON text that variables were read from. */
export function cameIn(variables: unknown, text: Source['text'], path: Source['path']): void {
  if (typeof variables !== 'object' || variables === null) return
  const noted: { [SOURCE]?: Source } = variables
  noted[SOURCE] = { text, path }
}

/** The variables with a JsonText for every value of the scalar JSON. */
export function withTexts(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  variables: Variables & { readonly [SOURCE]?: Source },
): Variables {
  const fields = fieldsOf(schema, operation)
  if (fields.size === 0) return variables
  const { text, path } = variables[SOURCE] ?? {}
  if (text === undefined || path === undefined) return inFields(fields, variables, undefined)
  return atEnd(path, fields, variables, new JsonScan(typeof text === 'string' ? text : text()))
}

/** Reads what is at the end of a path; of equal names the last counts, as it does for JSON.parse. */
function atEnd(
  [name, ...more]: readonly string[],
  fields: Fields,
  variables: Variables,
  scan: JsonScan,
): Variables {
  if (name === undefined) return inFields(fields, variables, scan)
  let found: Variables | undefined
  scan.members((one) => {
    if (one === name) found = atEnd(more, fields, variables, scan)
    else scan.skip()
  })
  return found ?? inFields(fields, variables, undefined)
}

/**
 * The value with its JSON as text. Goes past it in the text it came in, if it came in one. Calls itself no deeper than
 * a variable may be nested (`limits/admit.ts`).
 */
function exact(way: Way, value: unknown, scan: JsonScan | undefined): unknown {
  if (value === null || value === undefined) scan?.skip()
  else if (way === 'json') {
    if (scan !== undefined) return new JsonText(scan.take(), value)
    return value instanceof JsonText ? value : JsonText.of(value)
  } else if ('items' in way) return inItems(way.items, value, scan)
  else if (typeof value === 'object' && !Array.isArray(value))
    return inFields(way.fields, value as Variables, scan)
  else scan?.skip() // GraphQL says what is wrong with it
  return value
}

function inItems(way: Way, value: unknown, scan: JsonScan | undefined): unknown {
  // GraphQL takes what is no list for a list of one
  if (!Array.isArray(value)) return exact(way, value, scan)
  const found: unknown[] = []
  scan?.items((place) => found.push(exact(way, value[place], scan)))
  return value.map((item, n) => (n < found.length ? found[n] : exact(way, item, undefined)))
}

function inFields(fields: Fields, values: Variables, scan: JsonScan | undefined): Variables {
  const found: Record<string, unknown> = { ...values }
  const read = new Set<string>()
  scan?.members((name) => {
    const way = fields.get(name)
    if (way === undefined) return scan.skip()
    found[name] = exact(way, values[name], scan)
    read.add(name)
  })
  for (const [name, way] of fields)
    if (!read.has(name) && Object.hasOwn(values, name))
      found[name] = exact(way, values[name], undefined)
  return found
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
    const type = typeFromAST(schema, node as never) // its overloads take one kind of node each
    const way = isInputType(type) ? wayIn(type) : undefined
    if (way !== undefined) fields.set(variable.name.value, way)
  }
  variablesOf.set(operation, fields)
  return fields
}

/** Fields with JSON of the types met so far; undefined where there are none. */
const inputs = new WeakMap<GraphQLInputType, Fields | undefined>()

function wayIn(type: GraphQLInputType): Way | undefined {
  if (isNonNullType(type)) return wayIn(type.ofType)
  if (isListType(type)) {
    const items = wayIn(type.ofType)
    return items && { items }
  }
  if (!isInputObjectType(type)) return type.name === 'JSON' ? 'json' : undefined
  if (!inputs.has(type)) inputs.set(type, jsonIn(type))
  const fields = inputs.get(type)
  return fields && { fields }
}

function jsonIn(type: GraphQLInputObjectType): Fields | undefined {
  const fields = new Map<string, Way>()
  inputs.set(type, fields) // it may have itself in it
  for (const field of Object.values(type.getFields())) {
    const way = wayIn(field.type)
    if (way !== undefined) fields.set(field.name, way)
  }
  return fields.size > 0 ? fields : undefined
}
