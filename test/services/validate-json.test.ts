import { afterAll, beforeAll, expect, test } from 'vitest'
import { graphql } from '../../testkit/generated/index.ts'
import type { ValidateJsonQueryVariables } from '../../testkit/generated/graphql.ts'
import { testApp, type TestApp } from '../../testkit/app.ts'
import { amount } from '../../testkit/random.ts'
import { member, seedOrganization } from '../../testkit/seed/organizations.ts'

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

test('a schema is read by the draft that is asked for, else by the one it names', async () => {
  const schema = { minimum: 1, exclusiveMinimum: true }
  expect(await validate({ schema, value: 1, draft: 'DRAFT_04' })).toMatchObject({ isValid: false })
  expect((await refusal({ schema, value: 1 }))?.extensions?.code).toBe('BAD_REQUEST')
  const named = { $schema: 'http://json-schema.org/draft-04/schema#', ...schema }
  expect(await validate({ schema: named, value: 1 })).toMatchObject({ isValid: false })
  const draft = 'DRAFT_2020_12'
  expect((await refusal({ schema: named, value: 1, draft }))?.extensions?.code).toBe('BAD_REQUEST')
  for (const $schema of [
    'http://json-schema.org/schema#',
    'http://json-schema.org/draft-06/schema#',
    'https://json-schema.org/draft/2020-12/schema',
    7,
  ]) {
    const other = { $schema, ...schema }
    expect(await validate({ schema: other, value: 1, draft: 'DRAFT_04' })).toMatchObject({
      isValid: false,
    })
    expect((await refusal({ schema: other, value: 1 }))?.extensions?.code).toBe('BAD_REQUEST')
  }
})

const rules = async (schema: unknown, value: unknown) =>
  (await validate({ schema, value, draft: 'DRAFT_04' })).issues
    .map(({ path, rule }) => `${path.join('.')} ${rule}`)
    .toSorted()

// contract topchef 9, as the two tests that follow it
test('by draft 04, what only later drafts know means nothing, and slips of the time are let pass', async () => {
  for (const schema of [
    { const: 1, contains: 3, if: { type: 'nonsense' }, else: false, propertyNames: false },
    { exclusiveMinimum: 5, exclusiveMaximum: true, minimum: 2, nullable: false },
    { items: true, properties: { a: true, b: false }, not: true, anyOf: [false, { enum: [1] }] },
    { format: 'email', required: [], enum: [3, 3, 'no address'] },
    { dependencies: { a: ['b'] }, additionalItems: false, additionalProperties: false },
  ])
    expect(await rules(schema, 3), JSON.stringify(schema)).toEqual([])
  expect(await rules({ format: 'email' }, 'no address')).toEqual([])
  expect(await rules({ required: ['a', 'a'], properties: { b: {} } }, { b: 1 })).toEqual([
    ' required',
  ])
  for (const schema of [{ required: true }, { minLength: '5' }, { $ref: '#/definitions/a' }])
    expect(
      (await refusal({ schema, draft: 'DRAFT_04' }))?.extensions?.code,
      JSON.stringify(schema),
    ).toBe('BAD_REQUEST')
})

test('by draft 04 every violation is told, and those within the branches of a choice as one', async () => {
  const schema = {
    $ref: '#/definitions/all',
    definitions: {
      all: {
        allOf: [{ required: ['q', 'r'] }, { properties: { n: { type: 'integer', minimum: 5 } } }],
        anyOf: [{ required: ['a', 'b'] }, { $ref: '#/definitions/text' }],
        oneOf: [{ properties: { n: { type: 'string' } } }, { required: ['c'] }],
        not: { type: 'object' },
      },
      text: { type: 'string', minLength: 3 },
    },
  }
  expect(await rules(schema, { n: 1.5 })).toEqual([
    ' anyOf',
    ' not',
    ' oneOf',
    ' required',
    ' required',
    'n minimum',
    'n type',
  ])
  const boolean = { type: 'object', properties: { on: { type: 'integer' } } }
  expect(await rules(boolean, { on: true })).toEqual(['on type'])
})

test('a schema of the old documentation is read: a whole number from 0 to 50e-6', async () => {
  const schema = {
    $schema: 'http://json-schema.org/schema#',
    type: 'object',
    properties: { value: { type: 'integer', minimum: 0, maximum: 50e-6 } },
    required: ['value'],
  }
  expect(await rules(schema, { value: 0 })).toEqual([])
  expect(await rules(schema, { value: 1 })).toEqual(['value maximum'])
})

/** The rules that a value breaks, or the code that its schema is refused with. */
async function told(schema: unknown, value: unknown, draft: 'DRAFT_04' | 'DRAFT_2020_12') {
  const { data, errors } = await app.admin.execute(Validate, { schema, value, draft })
  return data?.validateJson.issues.map(({ rule }) => rule) ?? [errors?.[0]?.extensions?.code]
}

/** A schema whose 40 parts each refer to the next one twice. */
const doubling = {
  $ref: '#/definitions/0',
  definitions: Object.fromEntries(
    Array.from({ length: 40 }, (_, n) => {
      const next = n === 39 ? {} : { $ref: `#/definitions/${n + 1}` }
      return [String(n), { allOf: [next, next] }]
    }),
  ),
}
/** A schema that fits at each level in two ways, which is known only at the end, and a value of many levels. */
const forked = {
  anyOf: ['b', 'c'].map((name) => ({
    allOf: [{ properties: { a: { $ref: '#' } } }, { required: [name] }],
  })),
}
const levels = JSON.parse(`${'{"a":'.repeat(90)}1${'}'.repeat(90)}`) as unknown

test.each(['DRAFT_04', 'DRAFT_2020_12'] as const)(
  'a schema that never comes to an answer is refused, or its value (%s)',
  async (draft) => {
    for (const schema of [{ $ref: '#' }, { allOf: [{ $ref: '#' }] }, doubling])
      expect((await refusal({ schema, draft }))?.extensions?.code).toBe('BAD_REQUEST')
    expect(await told(forked, levels, draft)).toEqual(['steps'])
    const loop = { properties: { a: { items: { $ref: '#/properties/a/items' } } } }
    expect(await told(loop, { a: [1] }, draft)).not.toEqual([undefined])
  },
)

const deep = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth))

test('a pattern that JavaScript would try for ever has an answer, and so does one that only JavaScript can try', async () => {
  const text = `${'a'.repeat(5_000)}!`
  for (const draft of ['DRAFT_04', 'DRAFT_2020_12'] as const) {
    for (const pattern of ['^(a+)+$', `^${'a*'.repeat(10)}$`, '^(?=(a|a)*$).'])
      expect(await told({ pattern }, text, draft), pattern).toEqual(['pattern'])
    expect(await told({ pattern: '^(a)\\1!$' }, 'aa!', draft)).toEqual([])
    expect(await told({ pattern: '^(a*)*\\1b$' }, text, draft)).toEqual(['steps'])
  }
})

test('what many keywords say of many parts ends with the rule that there were too many steps', async () => {
  const list = Array.from({ length: 50_000 }, () => 1)
  const contains = Array.from({ length: 2_000 }, (_, n) => ({ contains: { enum: [2, n + 5] } }))
  expect(await told({ allOf: contains }, [...list, 2], 'DRAFT_2020_12')).toEqual(['steps'])
  expect(await told({ items: { type: 'string' } }, list, 'DRAFT_04')).toHaveLength(100)
})

test('long names are cut in what is told of a value', async () => {
  const value = {
    ['k'.repeat(100_000)]: Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`p${n}`, n])),
  }
  const schema = { additionalProperties: { additionalProperties: { type: 'string' } } }
  const [issue] = (await validate({ schema, value })).issues
  expect(issue?.path).toEqual([`${'k'.repeat(200)}…`, 'p0'])
})

test('validateJson needs VIEWER', async () => {
  const { id } = await seedOrganization(app)
  const code = async (client: typeof app.admin) =>
    (await client.execute(Validate, { schema: true })).errors?.[0]?.extensions?.code
  expect(await code(await member(app, id, 'VIEWER'))).toBeUndefined()
  expect(await code(await member(app, id, 'WORKER'))).toBe('FORBIDDEN')
})

test('what is no schema that could be kept is refused, and nothing is fetched', async () => {
  for (const schema of [
    { type: 'nothing' },
    { $ref: 'https://example.com/schema.json' },
    { pattern: '(' },
    'text',
  ])
    expect((await refusal({ schema, value: 'text' }))?.extensions?.code).toBe('BAD_REQUEST')
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
  'a long list is looked through for duplicates (%s)',
  async (draft) => {
    const schema = { properties: { list: { type: 'array', uniqueItems: true } } }
    const length = amount({ share: 50_000, whole: 200_000 })
    const list = many(length, 17)
    expect(await validate({ schema, draft, value: { list: list.slice(0, -1) } })).toEqual({
      isValid: true,
      issues: [],
    })
    expect(await validate({ schema, draft, value: { list } })).toEqual({
      isValid: false,
      issues: [
        {
          path: ['list'],
          message: `This must NOT have duplicate items (items ## 17 and ${length} are identical).`,
          rule: 'uniqueItems',
        },
      ],
    })
  },
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
