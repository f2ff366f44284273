import * as fc from 'fast-check'
import {
  getNamedType,
  getNullableType,
  isAbstractType,
  isCompositeType,
  isInputObjectType,
  isListType,
  isObjectType,
  isRequiredArgument,
  OperationTypeNode,
  parse,
  type GraphQLField,
  type GraphQLInputType,
  type OperationDefinitionNode,
} from 'graphql'
import { schema } from '../../../src/schema.ts'
import { fitting } from '../variables.ts'
import { values } from './values.ts'

/** Where a value of the caller's goes: an argument, or a field within its input. */
interface Place {
  readonly query: string
  readonly path: readonly string[]
}

/** A request with a wrong value in one place, as JSON; the others fit. */
export interface Wrong {
  readonly kind: OperationTypeNode
  readonly query: string
  readonly json: string
}

/**
 * Every argument of the schema, and every field of every input, with values that are wrong in some way; from one on
 * that the seed says.
 */
export function wrongArguments(
  id: string,
  organizationId: string,
  seed: number,
): fc.Arbitrary<Wrong> {
  const places = [...placesOf()]
  let next = seed // in turn, so that each place has as many values as another
  const place = fc.noShrink(fc.constant(undefined)).map(() => places[next++ % places.length]!)
  const which = fc.constantFrom('all' as const, 'required' as const)
  return fc.tuple(place, which, values(id)).map(([{ query, path }, some, value]) => {
    const operation = parse(query).definitions[0] as OperationDefinitionNode // as placesOf writes them
    const variables = fitting(operation, id, some)
    const input = variables['input'] as Record<string, unknown> | undefined // of every mutation
    if (input !== undefined && 'organizationId' in input) input['organizationId'] = organizationId
    delete input?.['idempotencyKey'] // one key for all of them would be a conflict
    if ('organizationId' in variables) variables['organizationId'] = organizationId
    put(variables, path)
    const json = JSON.stringify({ query, variables }).replace(JSON.stringify(MARK), () => value)
    return { kind: operation.operation, query, json }
  })
}

const MARK = 'the garbage'

function put(target: Record<string, unknown>, path: readonly string[]): void {
  const [name = '', ...rest] = path
  if (rest.length === 0) {
    target[name] = MARK
    return
  }
  const is = target[name]
  if (rest[0] === '0') {
    const list: Record<string, unknown>[] = Array.isArray(is) && is.length > 0 ? is : [{}] // of a fitting value
    target[name] = list
    put(list as never, rest) // by its index
    return
  }
  const inner = typeof is === 'object' && is !== null ? { ...is } : {}
  target[name] = inner
  put(inner, rest)
}

function* placesOf(): Generator<Place> {
  for (const kind of Object.values(OperationTypeNode)) {
    for (const [typeName, around] of waysFrom(kind)) {
      const type = schema.getType(typeName)
      if (!isObjectType(type)) continue
      for (const field of Object.values(type.getFields())) {
        const query = queryOf(kind, field, around)
        for (const { name, type: of } of field.args)
          for (const path of pathsIn(of, [name], 0)) yield { query, path }
      }
    }
  }
}

function* pathsIn(type: GraphQLInputType, path: string[], depth: number): Generator<string[]> {
  yield path
  const bare = getNullableType(type)
  if (isListType(bare)) yield* pathsIn(bare.ofType, [...path, '0'], depth)
  else if (isInputObjectType(bare) && depth < 4)
    for (const field of Object.values(bare.getFields()))
      yield* pathsIn(field.type, [...path, field.name], depth + 1)
}

type Around = (selection: string) => string

/** The shortest way to every type from a root; from mutations and subscriptions only their own fields. */
function waysFrom(kind: OperationTypeNode): Map<string, Around> {
  const root = schema.getRootType(kind)!
  const ways = new Map<string, Around>([[root.name, (selection) => selection]])
  if (kind !== OperationTypeNode.QUERY) return ways
  for (const [name, around] of ways) {
    const type = schema.getType(name)
    if (isAbstractType(type))
      for (const one of schema.getPossibleTypes(type))
        if (!ways.has(one.name))
          ways.set(one.name, (selection) => around(`... on ${one.name} { ${selection} }`))
    if (!isObjectType(type)) continue
    for (const field of Object.values(type.getFields())) {
      const to = getNamedType(field.type)
      if (!isCompositeType(to) || ways.has(to.name) || field.args.some(isRequiredArgument)) continue
      ways.set(to.name, (selection) => around(`${field.name} { ${selection} }`))
    }
  }
  return ways
}

function queryOf(kind: string, field: GraphQLField<unknown, unknown>, around: Around): string {
  const declared = field.args.map((arg) => `$${arg.name}: ${String(arg.type)}`).join(', ')
  const given = field.args.map((arg) => `${arg.name}: $${arg.name}`).join(', ')
  const inner = isCompositeType(getNamedType(field.type)) ? ' { __typename }' : ''
  return `${kind} (${declared}) { ${around(`${field.name}(${given})${inner}`)} }`
}
