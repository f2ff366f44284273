import {
  getNamedType,
  getNullableType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  type GraphQLInputField,
  type GraphQLInputType,
  type GraphQLNamedType,
} from 'graphql'
import { expect, test } from 'vitest'
import { schema } from '../../src/schema.ts'
import { fieldsOf, isConnection, objectTypes } from '../../testkit/selection.ts'

/* The conventions of lists, filters and lookups, for whatever is in the schema now or comes into it. */

const called = (type: GraphQLNamedType | undefined): string => type?.name ?? ''
const connections = objectTypes.flatMap((type) =>
  fieldsOf(type)
    .filter((field) => isConnection(field))
    .map((field) => ({ path: `${type.name}.${field.name}`, field })),
)
const inputs = Object.values(schema.getTypeMap()).filter((type) => isInputObjectType(type))
const filters = inputs.filter(({ name }) => name.endsWith('Filter'))

/** Entries of a stream, which are ordered by their numbers alone. */
const isStream = (type: GraphQLNamedType): boolean => {
  const page = isObjectType(type) ? type.getFields()['nodes'] : undefined
  const node = page && getNamedType(page.type)
  if (!isObjectType(node)) return false
  return node.name === 'LogLine' || node.getInterfaces().some(({ name }) => name === 'StreamEvent')
}

/** Lists that are in one order only, though they are of objects, and why. */
const inOneOrder: Readonly<Record<string, string>> = {
  'Query.search': 'the best match first',
}

test('every list of objects takes orderBy, and a stream does not', () => {
  expect(connections.length).toBeGreaterThan(15)
  const strays = connections.filter(({ path, field }) => {
    const order = field.args.find(({ name }) => name === 'orderBy')
    const isOrdered = !(path in inOneOrder || isStream(getNamedType(field.type)))
    return isOrdered ? !called(order && getNamedType(order.type)).endsWith('Order') : order
  })
  expect(strays.map(({ path }) => path)).toEqual([])
  expect(
    Object.keys(inOneOrder).filter((one) => !connections.some(({ path }) => path === one)),
  ).toEqual([])
})

test('the fields of an order are an enum, and its direction has a default', () => {
  const orders = inputs.filter(({ name }) => name.endsWith('Order'))
  expect(orders.length).toBeGreaterThan(1)
  for (const { name, getFields } of orders.map((one) => ({
    name: one.name,
    getFields: one.getFields(),
  }))) {
    expect(String(getFields['field']?.type)).toBe(`${name}Field!`)
    expect(String(getFields['direction']?.type)).toBe('Direction!')
    expect(getFields['direction']?.defaultValue).toBeDefined()
  }
})

/** Arguments of lists that are no criteria: the order, the organization, and the page; entries of streams have numbers. */
const besides = ['orderBy', 'organizationId', 'first', 'last', 'after', 'before', 'offset', 'from']

test('the criteria of a list are in its filter, which is named for its objects', () => {
  const strays = connections.flatMap(({ path, field }) =>
    field.args
      .filter(
        ({ name }) => !besides.includes(name) && !(path === 'Query.search' && name === 'text'),
      )
      .filter(
        ({ name, type }) => name !== 'filter' || !called(getNamedType(type)).endsWith('Filter'),
      )
      .map(({ name }) => `${path}(${name})`),
  )
  expect(strays).toEqual([])
  const filterOf = new Map<string, Set<string>>()
  for (const { field } of connections) {
    const filter = field.args.find(({ name }) => name === 'filter')
    if (filter === undefined) continue
    const list = getNamedType(field.type).name
    filterOf.set(list, (filterOf.get(list) ?? new Set()).add(getNamedType(filter.type).name))
  }
  expect([...filterOf].filter(([, of]) => of.size !== 1)).toEqual([])
})

/** A range is named like what it is a range of; a time ends in "at". */
const isRange = ({ name, type }: GraphQLInputField): boolean => {
  const range = getNamedType(type).name
  return range.endsWith('Range') && (range !== 'TimeRange' || /(^a|A)t$/.test(name))
}

const isCriterion = (field: GraphQLInputField): boolean => {
  const { name, type } = field
  if (isNonNullType(type)) return false // one that is absent is not applied
  if (isListType(type)) return isNonNullType(type.ofType) && name.endsWith('s')
  if (String(type) === 'Boolean') return /^(is|has)[A-Z]/.test(name)
  return (String(type) === 'String' && /^(text|\w+Text)$/.test(name)) || isRange(field)
}

test('a filter has lists that mean any of, in the plural; a text; ranges; and flags', () => {
  expect(filters.length).toBeGreaterThan(5)
  const strays = filters.flatMap((filter) =>
    Object.values(filter.getFields())
      .filter((field) => !isCriterion(field))
      .map(({ name }) => `${filter.name}.${name}`),
  )
  expect(strays).toEqual([])
})

const isList = (type: GraphQLInputType): boolean => isListType(getNullableType(type))

test('whatever holds an id of a thing is called so, and holds an ID', () => {
  const places = [
    ...inputs.flatMap((input) =>
      Object.values(input.getFields()).map((field) => ({
        path: `${input.name}.${field.name}`,
        field,
      })),
    ),
    ...objectTypes.flatMap((type) =>
      fieldsOf(type).flatMap(({ name, args }) =>
        args.map((field) => ({ path: `${type.name}.${name}(${field.name})`, field })),
      ),
    ),
  ]
  const strays = places.filter(({ field: { name, type } }) => {
    const isNamed = isList(type) ? /(^i|I)ds$/.test(name) : /(^i|I)d$/.test(name)
    return isNamed !== (getNamedType(type).name === 'ID')
  })
  // whoever claims makes it up, so that it is no id of a thing
  expect(strays.map(({ path }) => path)).toEqual(['ClaimJobsInput.claimId'])
})

test('a lookup by id is null where there is none', () => {
  const lookups = fieldsOf(schema.getQueryType()!).filter(({ args }) =>
    args.some(({ name }) => name === 'id'),
  )
  expect(lookups.length).toBeGreaterThan(5)
  expect(lookups.filter(({ type }) => isNonNullType(type)).map(({ name }) => name)).toEqual([])
})
