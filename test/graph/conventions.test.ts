import {
  getNamedType,
  getNullableType,
  isInputObjectType,
  isInterfaceType,
  isListType,
  isObjectType,
} from 'graphql'
import { expect, test } from 'vitest'
import { schema } from '../../src/schema.ts'

/* What holds for the whole schema, so that a client which knows one part of it knows the others. */

const types = Object.values(schema.getTypeMap()).filter(({ name }) => !name.startsWith('__'))

/** All fields of all types, those of inputs too, and all arguments. */
const places = types.flatMap((type) => {
  if (isInputObjectType(type))
    return Object.values(type.getFields()).map((field) => ({ of: type.name, ...field }))
  if (!isObjectType(type) && !isInterfaceType(type)) return []
  return Object.values(type.getFields()).flatMap((field) => [
    { of: type.name, ...field },
    ...field.args.map((arg) => ({ of: `${type.name}.${field.name}`, ...arg })),
  ])
})

test('what has a field `id` has it as its identity, and is a Node', () => {
  for (const type of types) {
    if ((!isObjectType(type) && !isInterfaceType(type)) || type.name === 'Node') continue
    const { id } = type.getFields()
    if (id === undefined) continue
    expect(String(id.type), type.name).toBe('ID!')
    const interfaces = type.getInterfaces().map(({ name }) => name)
    expect(interfaces, type.name).toContain('Node')
  }
})

/** Words for what has one of few values. */
const CLOSED =
  /^(kind|status|role|source|method|outcome|front|draft|direction|code)(e?s)?$|^(field|reason)$/
/** Fields of these names that hold a text: why it is not one of few. */
const open = [
  'AcceptInvitationInput.code', // a secret
  'DeclineInvitationInput.code',
  'CorsPolicy.methods', // any method of HTTP, also those of no standard
  'CorsPolicyInput.methods',
  'Change.field', // of any type, also of those that newer versions no longer have
  'Conflict.field', // of any input
  'RuntimeInfo.reason', // for people
]

test('what has one of few values is an enum', () => {
  const texts = places
    .filter(({ name, type }) => CLOSED.test(name) && getNamedType(type).name === 'String')
    .map(({ of, name }) => `${of}.${name}`)
    .filter((place) => !place.endsWith('Input.reason')) // written by people
  expect(texts.toSorted()).toEqual(open.toSorted())
})

test('a mutation of many things takes items of a type of its own', () => {
  for (const { name } of Object.values(schema.getMutationType()?.getFields() ?? {})) {
    const Name = name.charAt(0).toUpperCase() + name.slice(1)
    const input = schema.getType(`${Name}Input`)
    const { jobs } = isInputObjectType(input) ? input.getFields() : {}
    if (jobs === undefined) continue
    expect(isListType(getNullableType(jobs.type))).toBe(true)
    expect(getNamedType(jobs.type).name).toBe(`${Name}Item`)
  }
})
