import { Kind, type OperationDefinitionNode, type SelectionNode, type ValueNode } from 'graphql'

type Variables = Readonly<Record<string, unknown>>
/** A number that may have to wait for the variables. */
export type Factor = number | ((variables: Variables) => number)
export type Condition = (variables: Variables) => boolean

/** The value of a variable as it was sent, or what the operation says where it was not. */
function variable(operation: OperationDefinitionNode, name: string) {
  const standard = operation.variableDefinitions?.find(
    (one) => one.variable.name.value === name,
  )?.defaultValue
  return (variables: Variables): unknown => {
    const value = variables[name]
    return value === undefined && standard !== undefined ? plain(standard) : value
  }
}

/** Numbers, truths and lists as JSON would have them; of all else it matters only that it is something else. */
function plain(value: ValueNode): unknown {
  switch (value.kind) {
    case Kind.INT:
      return Number(value.value)
    case Kind.BOOLEAN:
      return value.value
    case Kind.LIST:
      return value.values
    case Kind.NULL:
      return null
    default:
      return value
  }
}

const size = (value: unknown): number | undefined =>
  typeof value === 'number' ? Math.max(0, value) : undefined

/** A whole number that is not negative; undefined, now or later, where none is given. */
export function numberOf(
  operation: OperationDefinitionNode,
  value: ValueNode,
): number | undefined | ((variables: Variables) => number | undefined) {
  if (value.kind !== Kind.VARIABLE) return size(plain(value))
  const read = variable(operation, value.name.value)
  return (variables) => size(read(variables))
}

/** How many a list holds; what is no list counts as one (GraphQL specification, 3.11). */
export function lengthOf(operation: OperationDefinitionNode, value: ValueNode): Factor {
  if (value.kind !== Kind.VARIABLE) return length(plain(value))
  const read = variable(operation, value.name.value)
  return (variables) => length(read(variables))
}

const length = (value: unknown): number =>
  Array.isArray(value) ? value.length : value === null || value === undefined ? 0 : 1

/** Whether `@skip` and `@include` let a selection in, as far as that can be said without the variables. */
export function conditionOf(
  operation: OperationDefinitionNode,
  { directives = [] }: SelectionNode,
): boolean | Condition {
  const open: Condition[] = []
  for (const directive of directives) {
    const name = directive.name.value
    if (name !== 'skip' && name !== 'include') continue
    const wanted = name === 'include'
    const value = directive.arguments?.find((one) => one.name.value === 'if')?.value
    if (value?.kind === Kind.VARIABLE) {
      const read = variable(operation, value.name.value)
      open.push((variables) => read(variables) === wanted)
    } else if (value?.kind === Kind.BOOLEAN && value.value !== wanted) return false
  }
  if (open.length === 0) return true
  return (variables) => open.every((holds) => holds(variables))
}
