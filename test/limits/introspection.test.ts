import { getIntrospectionQuery } from 'graphql'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testApp, type TestApp } from '../../testkit/app.ts'
import { doors, type Operation } from './doors.ts'

let app: TestApp
let open: TestApp
beforeAll(async () => {
  app = await testApp()
  open = await testApp({ AUTH: 'open' })
})
afterAll(() => Promise.all([app.close(), open.close()]))

const introspections: Operation[] = [
  { query: getIntrospectionQuery() },
  { query: '{ __type(name: "Query") { name } }' },
  { query: '{ a: __schema { queryType { name } } }' },
  {
    query:
      '{ ...__typename } fragment __typename on Query { ... { __type(name: "Query") { name } } }',
  },
  { query: 'query a { __typename } query b { __schema { types { name } } }', operationName: 'b' },
  {
    query: 'query ($no: Boolean!) { __schema @include(if: $no) { types { name } } }',
    variables: { no: true },
  },
]

test('the schema is not told to the anonymous, but to whoever brings a credential', async () => {
  for (const [door, ask] of Object.entries(doors))
    for (const operation of introspections) {
      // those first who may: what they have asked before is no way around it
      const told = await ask(app.admin, operation)
      expect({ door, operation, errors: told.errors }).toEqual({
        door,
        operation,
        errors: undefined,
      })
      const untold = await ask(app.stranger, operation)
      expect({ door, operation, data: untold.data ?? null, errors: untold.errors }).toMatchObject({
        door,
        operation,
        data: null,
        errors: [{ extensions: { code: 'UNAUTHENTICATED' } }],
      })
      expect((await ask(open.stranger, operation)).errors).toBeUndefined()
    }
})

test('`__typename` is told to everybody', async () => {
  for (const ask of Object.values(doors))
    expect((await ask(app.stranger, { query: '{ __typename }' })).data).toEqual({
      __typename: 'Query',
    })
})

const slips: Operation[] = [
  { query: '{ servises { totalCount } }' },
  { query: '{ services { nodes { deployment { id } } } }' },
  { query: '{ services(frist: 1) { totalCount } }' },
  { query: '{ services(filter: { kinds: [PROCES] }) { totalCount } }' },
  { query: '{ services(filter: { deploymntId: "x" }) { totalCount } }' },
  { query: '{ services { totalCount } ... on Qury { __typename } }' },
  { query: '{ services }' },
  {
    query: 'query ($filter: ServiceFilter) { services(filter: $filter) { totalCount } }',
    variables: { filter: { kinds: ['PROCES'] } },
  },
  {
    query: 'query ($filter: ServiceFilter) { services(filter: $filter) { totalCount } }',
    variables: { filter: { deploymntId: 'x' } },
  },
]

test('names are suggested to whoever may know them, and to nobody else', async () => {
  for (const [door, ask] of Object.entries(doors))
    for (const operation of slips) {
      const known = await ask(app.admin, operation)
      expect({ door, errors: known.errors }).toMatchObject({
        door,
        errors: [{ message: expect.stringContaining('Did you mean') }],
      })
      const unknown = await ask(app.stranger, operation)
      expect(unknown.errors).toHaveLength(known.errors?.length ?? 0)
      expect(JSON.stringify(unknown)).not.toContain('Did you mean')
      expect({ ...unknown.errors?.[0], message: '' }).toEqual({ ...known.errors?.[0], message: '' })
    }
})
