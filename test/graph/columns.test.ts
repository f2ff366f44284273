import { isInterfaceType, isObjectType } from 'graphql'
import { expect, test } from 'vitest'
import { Prisma } from '../../src/generated/prisma/client.ts'
import { FieldsOver, neededFor } from '../../src/graph/columns.ts'
import type { AskedFields } from '../../src/graph/look-ahead.ts'
import { needs } from '../../src/kit/needs.ts'
import { schema } from '../../src/schema.ts'

interface Row {
  readonly id: string
  readonly name: string
  readonly size: number
  readonly along?: string
}
const row = new FieldsOver<Row, 'id' | 'along', 'along'>()

test('a resolver sees what is always read and what its field names', () => {
  const { extensions, resolve } = row.from(['size'], ({ id, size, along }) => [id, size, along])
  expect(extensions).toEqual(needs(['size']))
  expect(resolve).toBeInstanceOf(Function)
  // @ts-expect-error: the field does not name it
  row.from(['size'], ({ name }) => name)
  // @ts-expect-error: it is no column
  row.from(['along'], ({ id }) => id)
  // @ts-expect-error: there is none
  row.column('colour')
})

const asked = (...names: string[]): AskedFields => new Map(names.map((name) => [name, new Map()]))

test('what is read follows from the fields of a type and of those that implement it', () => {
  expect(neededFor('Service', asked('__typename', 'id'))).toEqual(new Set())
  expect(neededFor('Service', asked('name', 'hasTimedOut', 'asOf'))).toEqual(
    new Set(['name', 'lastCheckInAt', 'timeoutSeconds', 'revision']),
  )
  expect(neededFor('Job', asked('status', 'result'))).toEqual(new Set(['result', 'resultKey']))
  // it may answer the job itself
  expect(neededFor('Job', asked('id', 'root'))).toBeUndefined()
})

test.each([
  ['Service', Prisma.ServiceScalarFieldEnum],
  ['Deployment', Prisma.DeploymentScalarFieldEnum],
  ['Job', Prisma.JobScalarFieldEnum],
])('every column that a field of a %s names is one', (name, columns) => {
  const type = schema.getType(name)
  const fields = isObjectType(type) || isInterfaceType(type) ? Object.keys(type.getFields()) : []
  for (const field of fields)
    expect(Object.keys(columns), field).toEqual(
      expect.arrayContaining([...(neededFor(name, asked(field)) ?? [])]),
    )
})
