import {
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  typeFromAST,
  type GraphQLInputType,
  type OperationDefinitionNode,
} from 'graphql'
import { schema } from '../../src/schema.ts'

/** Values that fit the variables of an operation; every ID is `id`, and inputs have all their fields. */
export function fitting(operation: OperationDefinitionNode, id: string): Record<string, unknown> {
  return Object.fromEntries(
    (operation.variableDefinitions ?? []).map(({ variable, type }) => [
      variable.name.value,
      // a valid document names input types only
      valueOf(typeFromAST(schema, type as never) as GraphQLInputType, id, 0),
    ]),
  )
}

function valueOf(type: GraphQLInputType, id: string, depth: number): unknown {
  if (isNonNullType(type)) return valueOf(type.ofType, id, depth)
  if (isListType(type)) return [valueOf(type.ofType, id, depth)]
  if (isEnumType(type)) return type.getValues()[0]?.name
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields())
    const wanted = type.isOneOf
      ? fields.slice(0, 1)
      : fields.filter((field) => depth < 3 || isNonNullType(field.type))
    return Object.fromEntries(
      wanted.map((field) => [field.name, valueOf(field.type, id, depth + 1)]),
    )
  }
  switch (type.name) {
    case 'ID':
      return id
    case 'Int':
    case 'SafeInt':
      return 2
    case 'Boolean':
      return true
    case 'DateTime':
      return '2026-01-31T12:00:00Z'
    case 'JSON':
      return { any: [1, 'value'] }
    default:
      return 'text'
  }
}
