import { afterAll, beforeAll, expect, test } from 'vitest'
import { graphql } from '../generated/index.ts'
import type { ValidateJsonQueryVariables } from '../generated/graphql.ts'
import { testApp, type TestApp } from '../support/app.ts'

const Validate = graphql(`
  query ValidateJson($schema: JSON!, $value: JSON, $draft: SchemaDraft) {
    validateJson(schema: $schema, value: $value, draft: $draft) {
      isValid
      issues {
        path
        message
        rule
      }
    }
  }
`)

let app: TestApp
beforeAll(async () => {
  app = await testApp({ MAX_BODY_BYTES: '33554432' })
})
afterAll(() => app.close())

const validate = async (variables: ValidateJsonQueryVariables) =>
  (await app.admin.request(Validate, variables)).validateJson
const refusal = async (variables: ValidateJsonQueryVariables) =>
  (await app.admin.execute(Validate, variables)).errors?.[0]

test('a value that fits is valid, and of another every violation is told with its path', async () => {
  const schema = {
    type: 'object',
    properties: { a: { items: { type: 'number' } } },
    required: ['b'],
  }
  expect(await validate({ schema, value: { b: null } })).toEqual({ isValid: true, issues: [] })
  const { isValid, issues } = await validate({ schema, value: { a: [1, 'x', 'y'] } })
  expect(isValid).toBe(false)
  expect(issues.map(({ path, rule }) => `${path.join('.')} ${rule}`).toSorted()).toEqual([
    ' required',
    'a.1 type',
    'a.2 type',
  ])
  expect(await validate({ schema: { type: 'null' } })).toMatchObject({ isValid: true })
})

test('a schema is read by the draft it names, else by the one that is asked for', async () => {
  const schema = { minimum: 1, exclusiveMinimum: true }
  expect(await validate({ schema, value: 1, draft: 'DRAFT_04' })).toMatchObject({ isValid: false })
  expect((await refusal({ schema, value: 1 }))?.extensions?.code).toBe('BAD_REQUEST')
  const named = { $schema: 'http://json-schema.org/draft-04/schema#', ...schema }
  expect(await validate({ schema: named, value: 1 })).toMatchObject({ isValid: false })
})

const deep = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth))

test('what is no schema that could be kept is refused, and nothing is fetched', async () => {
  for (const schema of [
    { type: 'nothing' },
    { $ref: 'https://example.com/schema.json' },
    { pattern: '^(a+)+$' },
    'text',
  ])
    expect(
      (await refusal({ schema, value: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!' }))?.extensions?.code,
    ).toBe('BAD_REQUEST')
  for (const variables of [{ schema: deep(150) }, { schema: true, value: deep(150) }])
    expect((await refusal(variables))?.extensions?.code).toBe('TOO_COMPLEX')
  const { errors } = await app.stranger.execute(Validate, { schema: true })
  expect(errors?.[0]?.extensions?.code).toBe('UNAUTHENTICATED')
})

/** One more than whose number is asked for is there twice: the members of the second are in another order. */
const many = (count: number, duplicate: number) => [
  ...Array.from({ length: count }, (_, n) => ({ n, of: [`item ${n}`] })),
  { of: [`item ${duplicate}`], n: duplicate },
]

test.each(['DRAFT_04', 'DRAFT_2020_12'] as const)(
  'a list of 200,000 is looked through for duplicates (%s)',
  async (draft) => {
    const schema = { properties: { list: { type: 'array', uniqueItems: true } } }
    const list = many(200_000, 17)
    expect(await validate({ schema, draft, value: { list: list.slice(0, -1) } })).toEqual({
      isValid: true,
      issues: [],
    })
    expect(await validate({ schema, draft, value: { list } })).toEqual({
      isValid: false,
      issues: [
        {
          path: ['list'],
          message: 'This must NOT have duplicate items (items ## 17 and 200000 are identical).',
          rule: 'uniqueItems',
        },
      ],
    })
  },
  60_000,
)

test('items are the same when their values are, and not when they only look alike', async () => {
  const schema = { uniqueItems: true }
  for (const value of [
    [1, 1.0],
    [
      { a: 1, b: [2] },
      { b: [2], a: 1 },
    ],
    ['', 0, ''],
    [0, -0],
    [null, null],
  ])
    expect(await validate({ schema, value }), JSON.stringify(value)).toMatchObject({
      isValid: false,
    })
  for (const value of [
    [],
    [1],
    [1, '1'],
    [null, 'null', false, 0, ''],
    [
      [1, 2],
      [2, 1],
    ],
    [{ a: 1 }, { b: 1 }],
    [['a,b'], ['a', 'b']],
  ])
    expect(await validate({ schema, value }), JSON.stringify(value)).toMatchObject({
      isValid: true,
    })
  expect(await validate({ schema: { uniqueItems: false }, value: [1, 1] })).toMatchObject({
    isValid: true,
  })
})
