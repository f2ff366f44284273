import { readFileSync } from 'node:fs'
import {
  buildSchema,
  getNamedType,
  getNullableType,
  GraphQLString,
  isAbstractType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredInputField,
  isUnionType,
  lexicographicSortSchema,
  printSchema,
  type GraphQLNamedType,
  type GraphQLSchema,
} from 'graphql'
import { expect, test } from 'vitest'
import { schema } from '../src/schema.ts'

const types = Object.values(schema.getTypeMap()).filter(({ name }) => !name.startsWith('__'))
const builtIn = new Set(['ID', 'Int', 'Float', 'String', 'Boolean'])

/** Every type, field, argument and enum value by name, with its description. */
function* described(type: GraphQLNamedType): Generator<[string, string | null | undefined]> {
  yield [type.name, type.description]
  if (isEnumType(type))
    for (const value of type.getValues()) yield [`${type.name}.${value.name}`, value.description]
  if (isInputObjectType(type))
    for (const field of Object.values(type.getFields()))
      yield [`${type.name}.${field.name}`, field.description]
  if (isObjectType(type) || isInterfaceType(type))
    for (const field of Object.values(type.getFields())) {
      yield [`${type.name}.${field.name}`, field.description]
      for (const arg of field.args)
        yield [`${type.name}.${field.name}(${arg.name})`, arg.description]
    }
}

const printed = (one: GraphQLSchema): string => printSchema(lexicographicSortSchema(one))

test('the committed schema is the one the code makes, and defines @oneOf for readers that do not know it', () => {
  const committed = readFileSync(new URL('../schema.graphql', import.meta.url), 'utf8')
  expect(committed).toMatch(/^directive @oneOf on INPUT_OBJECT$/m)
  expect(printed(buildSchema(committed))).toBe(printed(schema))
})

test('the committed possible types are those of the schema', () => {
  const text = readFileSync(new URL('../possibleTypes.json', import.meta.url), 'utf8')
  const abstract = types.filter(isAbstractType)
  const possible = abstract.map((type) => [
    type.name,
    schema
      .getPossibleTypes(type)
      .map(({ name }) => name)
      .toSorted(),
  ])
  expect(JSON.parse(text)).toEqual(Object.fromEntries(possible))
})

test('everything in the schema says what it means', () => {
  const silent = types
    .filter(({ name }) => !builtIn.has(name))
    .flatMap((type) => [...described(type)])
    .filter(([, description]) => !description)
  expect(silent.map(([name]) => name)).toEqual([])
})

test('every mutation takes one input and answers a union of its success and errors', () => {
  for (const field of Object.values(schema.getMutationType()?.getFields() ?? {})) {
    const Name = field.name.charAt(0).toUpperCase() + field.name.slice(1)
    expect(field.args.map(({ name, type }) => `${name}: ${String(type)}`)).toEqual([
      `input: ${Name}Input!`,
    ])
    expect(String(field.type)).toBe(`${Name}Result!`)
    const union = schema.getType(`${Name}Result`)
    const members = isUnionType(union) ? union.getTypes().map(({ name }) => name) : []
    expect(members).toEqual(
      expect.arrayContaining([
        `${Name}Success`,
        'ValidationError',
        'Forbidden',
        'NotFound',
        'Conflict',
      ]),
    )
    const input = schema.getType(`${Name}Input`)
    expect(isInputObjectType(input) && input.getFields()['idempotencyKey']?.type).toBe(
      GraphQLString,
    )
    const success = schema.getType(`${Name}Success`)
    const { replayed } = isObjectType(success) ? success.getFields() : {}
    expect(String(replayed?.type)).toBe('Boolean!')
    for (const member of members.filter((name) => name !== `${Name}Success`)) {
      const type = schema.getType(member)
      expect(isObjectType(type) && type.getInterfaces().map(({ name }) => name)).toContain(
        'UserError',
      )
    }
  }
})

test('every subscription but the wake-up of workers resumes from a cursor and delivers one', () => {
  for (const field of Object.values(schema.getSubscriptionType()?.getFields() ?? {})) {
    if (field.name === 'jobQueued') continue
    expect(field.args.map(({ name }) => name)).toContain('after')
    const type = schema.getType(String(field.type).replace('!', ''))
    expect(isObjectType(type) && type.getInterfaces().map(({ name }) => name)).toContain('Delivery')
  }
})

test('every list that can grow is a connection with Relay arguments', () => {
  const objects = types.filter((type) => isObjectType(type))
  const fields = objects.flatMap((type) => Object.values(type.getFields()))
  const connections = fields.filter(({ type }) => /Connection!?$/.test(String(type)))
  expect(connections.length).toBeGreaterThan(5)
  for (const { args, type } of connections) {
    const connection = schema.getType(String(type).replace('!', ''))
    const isStream = isObjectType(connection) && 'lastNumber' in connection.getFields()
    expect(args.map(({ name }) => name)).toEqual(
      // entries of streams are numbered
      expect.arrayContaining(['first', 'last', 'after', 'before', isStream ? 'from' : 'offset']),
    )
  }
})

/** Beginnings without a noun, and words of which the guide (docs/contributing/style.md, Plain English) names plainer ones. */
const NOT_PLAIN =
  /^(?:Which|Whom|Whose|What|Where|When|How|Who|Since|Until|By|For|Into)\b|\b(?:Needs|answers?|[Ww]hoever|be had|good for|comes? to|tells?|makes an?|is no longer|as it is|as it last was|(?:is|are) told|by (?:itself|themselves)|upper (?:and|or) lower case|case-insensitive)\b/

/** All that is described oddly in some way. */
const odd = (isOdd: (text: string) => boolean): string[] =>
  types
    .flatMap((type) => [...described(type)])
    .filter(([, text]) => isOdd(text ?? ''))
    .map(([name, text]) => `${name}: ${text}`)

test('descriptions are in plain English', () => {
  expect(odd((text) => NOT_PLAIN.test(text))).toEqual([])
})

/** Words of one sentence. */
const MAX_WORDS = 35
const sentences = (text: string): string[] => text.split(/(?<=[.?!])\s+(?=[A-Z`"])/)
const isLong = (sentence: string): boolean => sentence.split(/\s+/).length > MAX_WORDS

test('descriptions are sentences, none of which is too long', () => {
  expect(odd((text) => !/^(?:[A-Z\d`]|https?:)[^]*[.…]$/.test(text))).toEqual([])
  expect(odd((text) => sentences(text).some(isLong))).toEqual([])
})

test('every mutation says what it requires', () => {
  const fields = Object.values(schema.getMutationType()?.getFields() ?? {})
  const silent = fields.filter(({ description }) => !/\bRequires /.test(description ?? ''))
  expect(silent.map(({ name }) => name)).toEqual([])
})

test('every field that may be null says when it is', () => {
  const silent = types
    .filter((type) => isObjectType(type) || isInterfaceType(type))
    .flatMap((type) =>
      Object.values(type.getFields())
        .filter(
          ({ type: of, description }) => !isNonNullType(of) && !/\bnull\b/i.test(description ?? ''),
        )
        .map(({ name }) => `${type.name}.${name}`),
    )
  expect(silent).toEqual([])
})

test('every field of an input that may be left out says what it is then', () => {
  const silent = types
    .filter((type) => isInputObjectType(type))
    .filter(({ name, isOneOf }) => !isOneOf && !name.endsWith('Filter')) // without a criterion all matches
    .flatMap((type) =>
      Object.values(type.getFields())
        .filter((field) => !isRequiredInputField(field) && field.defaultValue === undefined)
        .filter(({ description }) => !/\b(?:Default|Required)\b/.test(description ?? ''))
        .map(({ name }) => `${type.name}.${name}`),
    )
  expect(silent.filter((name) => !name.endsWith('.idempotencyKey'))).toEqual([])
})

test('whatever takes IDs says in which forms', () => {
  const inputs = types.flatMap((type) => {
    if (isInputObjectType(type)) return Object.values(type.getFields())
    return isObjectType(type) ? Object.values(type.getFields()).flatMap(({ args }) => args) : []
  })
  const ids = inputs.filter(({ type }) => getNamedType(type).name === 'ID')
  expect(ids.length).toBeGreaterThan(50)
  const silent = ids.filter(({ type, description }) => {
    const isList = isListType(getNullableType(type))
    return !(isList ? /\bIDs\b/ : /\bID\b/).test(description ?? '')
  })
  expect(silent.map(({ name, description }) => `${name}: ${description}`)).toEqual([])
})
