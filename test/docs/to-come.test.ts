import { buildSchema, extendSchema, isEnumType, parse } from 'graphql'
import { expect, test } from 'vitest'
import { textOf } from '../../scripts/citations.mjs'

/* What the API is still to get (docs/contributing/api.graphql) fits what it has, and has none of it. */

const schema = buildSchema(textOf('schema.graphql'))
const toCome = parse(textOf('docs/contributing/api.graphql'))

test('what is to come is not there', () => {
  const there = toCome.definitions.flatMap((definition) => {
    if (!('name' in definition) || definition.name === undefined) return []
    const name = definition.name.value
    const type = schema.getType(name)
    if (type === undefined) return []
    if (!definition.kind.endsWith('Extension')) return [name]
    const values = isEnumType(type) ? type.getValues().map((value) => value.name) : []
    const has = 'getFields' in type ? Object.keys(type.getFields()) : values
    return [
      ...('fields' in definition ? (definition.fields ?? []) : []),
      ...('values' in definition ? (definition.values ?? []) : []),
    ]
      .map((added) => added.name.value)
      .filter((added) => has.includes(added))
      .map((added) => `${name}.${added}`)
  })
  expect(there).toEqual([])
})

test('it names nothing that is neither there nor to come', () => {
  // what interfaces demand is left out, so it is no whole schema
  const whole = extendSchema(schema, toCome, { assumeValid: true })
  for (const type of Object.values(whole.getTypeMap()))
    if ('getFields' in type)
      expect(Object.keys(type.getFields()).length, type.name).toBeGreaterThan(0)
})
