import {
  getNamedType,
  introspectionTypes,
  isAbstractType,
  isCompositeType,
  Kind,
  SchemaMetaFieldDef,
  TypeInfo,
  TypeMetaFieldDef,
  visit,
  visitWithTypeInfo,
  BREAK,
  type FragmentDefinitionNode,
  type GraphQLNamedType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql'

/** The fragments of a document by name. */
export type Fragments = ReadonlyMap<string, FragmentDefinitionNode>

/**
 * Fields that compiled code may have, every fragment and every possible type written out: fragments that name each
 * other twice would make code of any size out of a short document.
 */
const MAX_FIELDS = 1_500

/**
 * Whether graphql-jit runs an operation as GraphQL's own execute does. What it does not is left to execute:
 *
 * - texts, which it puts into its code: one that looks like a mark of its own would become code. Only those of plain
 *   characters go through; the others belong into variables;
 * - names with two underscores in front, and aliases it could take for the names it puts together;
 * - @skip and @include on fragments, whose conditions it keeps with fields that other fragments share;
 * - variables inside lists and objects, which it takes for null when they are absent;
 * - literals of the scalar JSON, which would lose in its code what they have more than values of JavaScript;
 * - whatever would make too much code.
 */
export function isCompilable(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  fragments: Fragments,
): boolean {
  const root = schema.getRootType(operation.operation)
  return (
    root != null &&
    [operation, ...fragments.values()].every((one) => isPlain(one) && !hasJson(schema, one)) &&
    isSmall(schema, root, operation.selectionSet, fragments)
  )
}

const INTROSPECTION = new Set([
  '__typename',
  '__schema',
  '__type',
  ...introspectionTypes.map(({ name }) => name),
])

function isPlain(definition: OperationDefinitionNode | FragmentDefinitionNode): boolean {
  let isPlain = true
  const refuse = (): typeof BREAK => {
    isPlain = false
    return BREAK
  }
  visit(definition, {
    Name: ({ value }) =>
      value.startsWith('__') && !INTROSPECTION.has(value) ? refuse() : undefined,
    StringValue: ({ value }) =>
      /^[\w .,:;@/+=-]*$/.test(value) && !value.includes('__') ? undefined : refuse(),
    Field: ({ alias }) =>
      alias !== undefined && !/^(?!idx\d)[a-z][a-zA-Z0-9]*$/.test(alias.value)
        ? refuse()
        : undefined,
    FragmentSpread: ({ directives }) => (directives?.length ? refuse() : undefined),
    InlineFragment: ({ directives }) => (directives?.length ? refuse() : undefined),
    ListValue: ({ values }) =>
      values.some(({ kind }) => kind === Kind.VARIABLE) ? refuse() : undefined,
    ObjectField: ({ value }) => (value.kind === Kind.VARIABLE ? refuse() : undefined),
  })
  return isPlain
}

function hasJson(
  schema: GraphQLSchema,
  definition: OperationDefinitionNode | FragmentDefinitionNode,
): boolean {
  let has = false
  const types = new TypeInfo(schema)
  const look = ({ kind }: ValueNode): void => {
    if (kind === Kind.VARIABLE || kind === Kind.NULL) return
    if (getNamedType(types.getInputType())?.name === 'JSON') has = true
  }
  visit(
    definition,
    visitWithTypeInfo(types, {
      Argument: ({ value }) => look(value),
      ListValue: ({ values }) => values.forEach(look),
      ObjectField: ({ value }) => look(value),
    }),
  )
  return has
}

function isSmall(
  schema: GraphQLSchema,
  root: GraphQLNamedType,
  selections: SelectionSetNode,
  fragments: Fragments,
): boolean {
  let left = MAX_FIELDS
  const matches = (condition: string | undefined, type: GraphQLNamedType): boolean => {
    if (condition === undefined || condition === type.name) return true
    const named = schema.getType(condition)
    return isAbstractType(named) && 'getFields' in type && schema.isSubType(named, type as never)
  }
  const walk = (type: GraphQLNamedType, set: SelectionSetNode): void => {
    if (isAbstractType(type)) {
      for (const one of schema.getPossibleTypes(type)) walk(one, set)
      return
    }
    for (const selection of set.selections) {
      if (left < 0) return
      if (selection.kind === Kind.FIELD) {
        left -= 1
        const field = fieldOf(type, selection.name.value)
        const inner = field && getNamedType(field.type)
        if (selection.selectionSet && isCompositeType(inner)) walk(inner, selection.selectionSet)
        continue
      }
      const fragment =
        selection.kind === Kind.INLINE_FRAGMENT ? selection : fragments.get(selection.name.value)
      left -= 1
      if (fragment && matches(fragment.typeCondition?.name.value, type))
        walk(type, fragment.selectionSet)
    }
  }
  walk(root, selections)
  return left >= 0
}

function fieldOf(type: GraphQLNamedType, name: string) {
  if (name === '__schema') return SchemaMetaFieldDef
  if (name === '__type') return TypeMetaFieldDef
  return 'getFields' in type ? type.getFields()[name] : undefined
}
