import {
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  Kind,
  typeFromAST,
  type GraphQLInputType,
  type OperationDefinitionNode,
} from 'graphql'
import { schema } from '../../src/schema.ts'

/** Inputs have their required fields only below this level. */
const LEVELS = 3

/**
 * Values that fit the variables of an operation; every ID is `id`, and inputs have all their fields, or only what is
 * required.
 */
export function fitting(
  operation: OperationDefinitionNode,
  id: string,
  which: 'all' | 'required' = 'all',
): Record<string, unknown> {
  return Object.fromEntries(
    (operation.variableDefinitions ?? [])
      .filter(({ type }) => which === 'all' || type.kind === Kind.NON_NULL_TYPE)
      .map(({ variable, type }) => [
        variable.name.value,
        // a valid document names input types only
        valueOf(
          typeFromAST(schema, type as never) as GraphQLInputType,
          id,
          which === 'all' ? 0 : LEVELS,
        ),
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
      : fields.filter((field) => depth < LEVELS || isNonNullType(field.type))
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
