import {
  getNamedType,
  isAbstractType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isObjectType,
  isRequiredArgument,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLObjectType,
} from 'graphql'
import { schema } from '../src/schema.ts'

export type Field = GraphQLField<unknown, unknown>

/** The object types of the schema, without those of introspection. */
export const objectTypes: readonly GraphQLObjectType[] = Object.values(schema.getTypeMap())
  .filter((type) => isObjectType(type))
  .filter(({ name }) => !name.startsWith('__'))

export const fieldsOf = (type: GraphQLObjectType): readonly Field[] =>
  Object.values(type.getFields())

export const isConnection = ({ type }: Pick<Field, 'type'>): boolean =>
  getNamedType(type).name.endsWith('Connection')

/** The types that are fetched again by their id. */
export const nodeTypes = objectTypes.filter((type) =>
  type.getInterfaces().some(({ name }) => name === 'Node'),
)

interface Depth {
  /** How far objects within objects are selected. */
  readonly objects: number
  /** How far connections within connections are. */
  readonly connections: number
}

/** All fields of a type as far as the depth says, each under a name of its own; '' where there is none. */
export function selectionOf(type: GraphQLNamedType, depth: Depth): string {
  if (isLeafType(type)) return ''
  if (isAbstractType(type)) {
    const parts = schema.getPossibleTypes(type).map((one) => {
      const selection = selectionOf(one, depth)
      return selection === '' ? '' : `... on ${one.name} ${selection}`
    })
    return `{ __typename ${parts.join(' ')} }`
  }
  if (!isObjectType(type)) return ''
  const parts = fieldsOf(type).map((field) => selected(type, field, depth))
  const all = parts.filter((part) => part !== '').join(' ')
  return all === '' ? '' : `{ ${all} }`
}

function selected(parent: GraphQLObjectType, field: Field, depth: Depth): string {
  // the same objects as the page's nodes
  if (parent.name.endsWith('Edge') && field.name === 'node') return ''
  const type = getNamedType(field.type)
  const call = `${parent.name}_${field.name}: ${field.name}${argumentsOf(field)}`
  if (isLeafType(type)) return call
  const isPage = isConnection(field)
  // what a connection consists of is no depth of its own
  const within = /(Connection|Edge)$/.test(parent.name) || isPage ? 0 : 1
  const left = {
    objects: depth.objects - within,
    connections: depth.connections - (isPage ? 1 : 0),
  }
  if (left.objects < 0 || left.connections < 0) return ''
  const selection = selectionOf(type, left)
  return selection === '' ? '' : `${call} ${selection}`
}

/** The arguments a field cannot be asked without, and how long a page is to be. */
export function argumentsOf(field: Field, first: number | '$first' = 2): string {
  const args = field.args
    .filter(isRequiredArgument)
    .map(({ name, type }) => `${name}: ${literalOf(type)}`)
  if (isConnection(field)) args.push(`first: ${first}`)
  return args.length === 0 ? '' : `(${args.join(', ')})`
}

/** What a type takes, as it is written in a document. */
function literalOf(type: GraphQLInputType): string {
  const of = getNamedType(type)
  if (isEnumType(of)) return of.getValues()[0]?.name ?? ''
  if (isInputObjectType(of)) {
    // of what is optional too: without an end a range is as long as the day is late
    const fields = Object.values(of.getFields())
    return `{ ${fields.map((field) => `${field.name}: ${literalOf(field.type)}`).join(', ')} }`
  }
  switch (of.name) {
    case 'DateTime':
      return '"2026-01-01T00:00:00Z"'
    case 'Int':
      return '1'
    case 'String':
      return '"seed"' // what test/support/seed.ts calls all it makes
    case 'JSON':
      return 'true'
    default:
      throw new Error(`No value of ${of.name} is known.`)
  }
}
