import {
  getNamedType,
  isCompositeType,
  isListType,
  isNonNullType,
  Kind,
  OperationTypeNode,
  SchemaMetaFieldDef,
  TypeMetaFieldDef,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLOutputType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql'
import { PAGE_SIZE } from '../../graph/connection.ts'
import { conditionOf, lengthOf, numberOf, type Condition, type Factor } from './variables.ts'

/** Objects that a list without a page size is taken to hold. */
const LIST_SIZE = 10
/** What a mutation counts besides the object it answers. */
const MUTATION = 10

/** The cost of an operation as far as it is known before its variables are. */
export interface CostPlan {
  readonly cost: number
  readonly parts: readonly { readonly times: Factor; readonly plan: CostPlan }[]
}

/** What of an operation depends on the document and the schema alone. */
export interface PreparedCost {
  readonly plan: CostPlan
  /** Whether it asks for the schema itself. */
  readonly introspects: boolean
}

/** Fields of one type under one name, which are executed once, whatever number of fragments name them. */
interface Group {
  readonly parent: GraphQLCompositeType
  readonly field: FieldNode
  readonly conditions: readonly Condition[]
  readonly sets: SelectionSetNode[]
}

/** Reads what an operation selects. Wants a document that is measured and valid. */
export function prepare(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): PreparedCost {
  const fragments = new Map<string, FragmentDefinitionNode>()
  for (const definition of document.definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION)
      fragments.set(definition.name.value, definition)
  let introspects = false

  const groupsOf = (sets: readonly SelectionSetNode[], type: GraphQLCompositeType): Group[] => {
    const groups = new Map<string, Group>()
    const collect = (
      { selections }: SelectionSetNode,
      parent: GraphQLCompositeType,
      conditions: readonly Condition[],
    ): void => {
      for (const selection of selections) {
        const condition = conditionOf(operation, selection)
        if (condition === false) continue
        const all = condition === true ? conditions : [...conditions, condition]
        const within = (name: string | undefined): GraphQLCompositeType => {
          const named = name === undefined ? parent : schema.getType(name)
          return isCompositeType(named) ? named : parent
        }
        switch (selection.kind) {
          case Kind.FIELD: {
            if (selection.selectionSet === undefined) break // leaves cost nothing
            const name = (selection.alias ?? selection.name).value
            // what hangs on a condition stands for itself: it may be there where its like is not
            const key = `${parent.name}.${name}${all.length > 0 ? ` ${groups.size}` : ''}`
            const group = groups.get(key) ?? { parent, field: selection, conditions: all, sets: [] }
            groups.set(key, group)
            group.sets.push(selection.selectionSet)
            break
          }
          case Kind.INLINE_FRAGMENT:
            collect(selection.selectionSet, within(selection.typeCondition?.name.value), all)
            break
          case Kind.FRAGMENT_SPREAD: {
            const fragment = fragments.get(selection.name.value)
            if (fragment)
              collect(fragment.selectionSet, within(fragment.typeCondition.name.value), all)
          }
        }
      }
    }
    for (const set of sets) collect(set, type, [])
    return [...groups.values()]
  }

  /** `page` is how many `edges` and `nodes` of this type, a connection, there may be. */
  const planOf = (
    sets: readonly SelectionSetNode[],
    type: GraphQLCompositeType,
    page: Factor,
    own: number,
  ): CostPlan =>
    sum(
      own,
      groupsOf(sets, type).map(({ parent, field, conditions, sets: inner }) => {
        const definition = fieldOf(schema, parent, field.name.value)
        const below = definition && getNamedType(definition.type)
        if (definition === undefined || !isCompositeType(below)) return { times: 0, plan: FREE }
        introspects ||= definition === SchemaMetaFieldDef || definition === TypeMetaFieldDef
        const isConnection = below.name.endsWith('Connection')
        const plan = planOf(inner, below, isConnection ? pageOf(operation, field) : LIST_SIZE, 1)
        const times = isList(definition.type)
          ? isPage(parent, field)
            ? page
            : sizeOf(operation, definition, field)
          : 1
        return { times: given(conditions, times), plan }
      }),
    )

  const root = schema.getRootType(operation.operation)
  if (!root) return { plan: FREE, introspects }
  const selected = planOf([operation.selectionSet], root, 1, 0)
  if (operation.operation !== OperationTypeNode.MUTATION) return { plan: selected, introspects }
  const mutations = groupsOf([operation.selectionSet], root).length
  return { plan: { ...selected, cost: selected.cost + mutations * MUTATION }, introspects }
}

const FREE: CostPlan = { cost: 0, parts: [] }

/** What is known is added up at once, so that only what hangs on variables is left for each request. */
function sum(own: number, parts: CostPlan['parts']): CostPlan {
  const open: { times: Factor; plan: CostPlan }[] = []
  let cost = own
  for (const { times, plan } of parts)
    if (typeof times === 'number' && plan.parts.length === 0) cost += times * plan.cost
    else open.push({ times, plan })
  return { cost, parts: open }
}

/** The cost with these variables, as they were sent: what is counted here is the same before and after coercion. */
export function costOf(
  { cost, parts }: CostPlan,
  variables: Readonly<Record<string, unknown>>,
): number {
  let total = cost
  for (const { times, plan } of parts) {
    const factor = typeof times === 'number' ? times : times(variables)
    if (factor > 0) total += factor * costOf(plan, variables)
  }
  return total
}

function given(conditions: readonly Condition[], times: Factor): Factor {
  if (conditions.length === 0) return times
  return (variables) => {
    if (!conditions.every((holds) => holds(variables))) return 0
    return typeof times === 'number' ? times : times(variables)
  }
}

function fieldOf(
  schema: GraphQLSchema,
  parent: GraphQLCompositeType,
  name: string,
): GraphQLField<unknown, unknown> | undefined {
  if (name === SchemaMetaFieldDef.name && parent === schema.getQueryType())
    return SchemaMetaFieldDef
  if (name === TypeMetaFieldDef.name && parent === schema.getQueryType()) return TypeMetaFieldDef
  return 'getFields' in parent ? parent.getFields()[name] : undefined
}

const isList = (type: GraphQLOutputType): boolean =>
  isListType(isNonNullType(type) ? type.ofType : type)

const isPage = (parent: GraphQLCompositeType, { name }: FieldNode): boolean =>
  parent.name.endsWith('Connection') && (name.value === 'nodes' || name.value === 'edges')

const argument = ({ arguments: all = [] }: FieldNode, name: string) =>
  all.find((one) => one.name.value === name)?.value

/** How many a page holds at most. */
function pageOf(operation: OperationDefinitionNode, field: FieldNode): Factor {
  const sizes = ['first', 'last'].flatMap((name) => {
    const value = argument(field, name)
    return value === undefined ? [] : [numberOf(operation, value)]
  })
  const fixed = sizes.find((size) => typeof size === 'number')
  if (fixed !== undefined) return fixed
  if (sizes.length === 0) return PAGE_SIZE
  return (variables) => {
    for (const size of sizes) {
      const number = typeof size === 'function' ? size(variables) : size
      if (number !== undefined) return number
    }
    return PAGE_SIZE
  }
}

/** How many a list that is no page holds: as many as it names, or as is usual. */
function sizeOf(
  operation: OperationDefinitionNode,
  { args }: GraphQLField<unknown, unknown>,
  field: FieldNode,
): Factor {
  const ids = args.some(({ name }) => name === 'ids') ? argument(field, 'ids') : undefined
  return ids === undefined ? LIST_SIZE : lengthOf(operation, ids)
}
