import { getIntrospectionQuery } from 'graphql'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedApp, type SharedApp } from '../../testkit/shared.ts'
import { runningService } from '../../testkit/seed/services.ts'
import { doors, type Operation } from './doors.ts'

let app: SharedApp
beforeAll(async () => {
  app = await sharedApp()
})
afterAll(() => app.close())

const many = (count: number, write: (index: number) => string): string =>
  Array.from({ length: count }, (_none, index) => write(index)).join(' ')
const nested = (depth: number, inner: string): string =>
  '{ viewer { user ' + '{ ... on Node '.repeat(depth) + `{ ${inner} }` + ' }'.repeat(depth) + ' } }'

/** What was published against limits of this kind, and its relatives. */
const attacks: Record<string, Operation> = {
  'fields nested deep': { query: '{ a'.repeat(30) + ' }'.repeat(30) },
  'fields nested deep in a fragment named __schema': {
    query: `{ ...__schema } fragment __schema on Query ${'{ a'.repeat(30) + ' }'.repeat(30)}`,
  },
  'depth shared out among fragments': {
    query: `{ ...f0 } ${many(30, (i) => `fragment f${i} on Query { a { ...f${i + 1} } }`)} fragment f30 on Query { a }`,
  },
  'depth below __schema': {
    query: `{ __schema { types { fields ${'{ type { fields '.repeat(12)} { name } ${'} }'.repeat(12)} } } }`,
  },
  'an alias bomb': { query: `{ ${many(101, (i) => `a${i}: __typename`)} }` },
  'an alias bomb in a fragment named __schema': {
    query: `{ ...__schema } fragment __schema on Query { ${many(101, (i) => `a${i}: __typename`)} }`,
  },
  'an alias bomb by spreading a few aliases often': {
    query: `{ ${many(40, () => 'viewer { ...f }')} } fragment f on Viewer { a: role b: role c: role }`,
  },
  'aliases below __type': {
    query: `{ __type(name: "Query") { ${many(101, (i) => `a${i}: name`)} } }`,
  },
  'a flood of directives': { query: `{ __typename ${'@include(if: true) '.repeat(201)} }` },
  'a flood of directives nobody knows': { query: `{ __typename ${'@a '.repeat(1_000)} }` },
  'a flood of directives on operation and variables': {
    query: `query (${many(50, (i) => `$v${i}: Int @a @b`)}) ${'@c '.repeat(150)} { __typename }`,
  },
  'a flood of directives on fragments': {
    query: `{ ${many(101, () => '...f @a')} } fragment f on Query @b { __typename @c }`,
  },
  'a fragment that spreads itself': {
    query: '{ ...f } fragment f on Query { __typename ...f }',
  },
  'fragments that spread each other': {
    query:
      '{ ...a } fragment a on Query { ...b } fragment b on Query { ...c } fragment c on Query { ...a }',
  },
  'circular fragments that nothing spreads': {
    query: '{ __typename } fragment a on Query { ...b } fragment b on Query { ...a }',
  },
  'fragments that multiply': {
    query: `{ ...f0 } ${many(30, (i) => `fragment f${i} on Query { ...f${i + 1} ...f${i + 1} }`)} fragment f30 on Query { __typename }`,
  },
  'fragments that multiply below fields': {
    query: `{ ...f0 } ${many(15, (i) => `fragment f${i} on Query { a: viewer { ...g } ...f${i + 1} ...f${i + 1} }`)} fragment f15 on Query { __typename } fragment g on Viewer { role }`,
  },
  'a great many fragments': {
    query: `{ ${many(150, (i) => `...f${i}`)} } ${many(150, (i) => `fragment f${i} on Query { __typename }`)}`,
  },
  'a great many operations': {
    query: many(150, (i) => `query q${i} { __typename }`),
    operationName: 'q0',
  },
  'a great many variables': {
    query: `query (${many(101, (i) => `$v${i}: Int`)}) { __typename }`,
  },
  'a great many fields at the root': {
    query: `{ ${many(101, () => '__typename')} }`,
  },
  'one field again and again': {
    query: `{ viewer { ${many(1_000, () => 'role')} } }`,
  },
  'one field again and again, with another below': {
    query: `{ ${many(20, () => `viewer { ${many(20, () => 'user { id }')} }`)} }`,
  },
  'one field again and again, by inline fragments': {
    query: `{ viewer { ${many(300, () => '... on Viewer { role }')} } }`,
  },
  'inline fragments within each other': { query: nested(100, 'id') },
  'a great many tokens': { query: `{ services(after: "x" ${'first: 1 '.repeat(2_000)}) { x } }` },
  'a list within lists': {
    query: `{ nodes(ids: ${'['.repeat(150)}1${']'.repeat(150)}) { id } }`,
  },
  'an object within objects': {
    query: `{ services(filter: ${'{ a: '.repeat(150)}1${' }'.repeat(150)}) { totalCount } }`,
  },
  'a default value within lists': {
    query: `query ($ids: [ID!] = ${'['.repeat(150)}1${']'.repeat(150)}) { nodes(ids: $ids) { id } }`,
  },
  'lists so deep that a parser has no room left': { query: `{ a(b: ${'['.repeat(4_900)}` },
  'fields so deep that a parser has no room left': {
    query: '{a'.repeat(1_600) + '}'.repeat(1_600),
  },
}

test.each(Object.keys(attacks))('%s: TOO_COMPLEX on every door', async (name) => {
  const attack = attacks[name] ?? { query: '' }
  for (const [door, ask] of Object.entries(doors)) {
    const { data, errors, status } = await ask(app.stranger, attack)
    expect({ door, errors, data: data ?? null }).toEqual({
      door,
      data: null,
      errors: [
        expect.objectContaining({ extensions: expect.objectContaining({ code: 'TOO_COMPLEX' }) }),
      ],
    })
    expect(status ?? 200).toBeLessThan(500)
  }
})

test('a syntax error stays what it is, with one code on all doors', async () => {
  for (const ask of Object.values(doors)) {
    const { errors } = await ask(app.admin, { query: '{ viewer {' })
    expect(errors?.[0]?.message).toMatch(/^Syntax Error/)
    expect(errors?.[0]?.extensions).toEqual({ code: 'BAD_REQUEST' })
  }
})

test('what tools and frontends send passes', async () => {
  const ordinary = [
    getIntrospectionQuery(),
    getIntrospectionQuery({
      descriptions: true,
      specifiedByUrl: true,
      directiveIsRepeatable: true,
      schemaDescription: true,
      inputValueDeprecation: true,
      oneOf: true,
    }),
    `query List($count: Int = 20, $cursor: String) {
      services(first: $count, after: $cursor) {
        edges { cursor node { __typename ...Card_service id } }
        pageInfo { endCursor hasNextPage }
      }
    }
    fragment Card_service on Service {
      id name status __isNode: __typename
      events(last: 5) { nodes { number at actor { name user { id name } } changes { field } } }
      ... on ProcessService { deployment { id name } version { id label } instances { id status } ...Scale }
    }
    fragment Scale on ProcessService { id scale { desired } }`,
    `{ ${many(60, (i) => `s${i}: service(id: "svc_x${i}") { ...f }`)} } ${many(1, () => 'fragment f on Service { id name status }')}`,
  ]
  for (const query of ordinary)
    for (const ask of Object.values(doors)) {
      const { data, errors } = await ask(app.admin, { query })
      expect({ query, errors }).toEqual({ query, errors: undefined })
      expect(data).toBeTruthy()
    }
})

const lists = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth))
const objects = (depth: number): unknown =>
  JSON.parse('{"a":'.repeat(depth) + '1' + '}'.repeat(depth))

/** JSON.stringify calls itself, so the body is written by hand. */
async function sent(depth: number): Promise<unknown> {
  const query = '{ __typename }'
  const body = `{"query":${JSON.stringify(query)},"variables":{"value":${'['.repeat(depth)}${']'.repeat(depth)}}}`
  const headers = { 'content-type': 'application/json', ...app.admin.headers }
  const response = await fetch(`${app.url}/graphql`, { method: 'POST', headers, body })
  return response.json()
}

const tooDeep = { errors: [{ extensions: { code: 'TOO_COMPLEX' } }] }

test('variables nested 100,000 deep are a typed error', async () => {
  expect(await sent(100_000)).toMatchObject(tooDeep)
})

test('variables nested too deep are refused on every door, whether or not they are used', async () => {
  const query =
    'query ($ids: [ID!]!, $filter: ServiceFilter) { nodes(ids: $ids) { id } services(filter: $filter) { totalCount } }'
  for (const ask of Object.values(doors))
    for (const variables of [
      { ids: lists(101) },
      { ids: [], filter: objects(101) },
      { ids: [], other: objects(1_000) },
    ])
      expect(await ask(app.admin, { query, variables })).toMatchObject(tooDeep)
})

test('JSON passes to a service and back as deep as it may be, and deeper answers are refused', async () => {
  const files = {
    'main.mjs': `export const handler = async (request) => {
      const { depth, ...rest } = await request.json()
      return new Response(depth ? '['.repeat(depth) + ']'.repeat(depth) : JSON.stringify(rest), { headers: { 'content-type': 'application/json' } })
    }`,
  }
  const { id } = await runningService(app.admin, files, { image: 'node' })
  const query = `mutation ($input: InvokeServiceInput!) {
    invokeService(input: $input) { ... on InvokeServiceSuccess { json } ... on UserError { code message } }
  }`
  const call = async (json: unknown): Promise<unknown> =>
    (await doors['POST']!(app.admin, { query, variables: { input: { id, json } } })).data
  expect(await call({ a: lists(98) })).toEqual({ invokeService: { json: { a: lists(98) } } })
  for (const depth of [101, 3_000, 100_000])
    expect(await call({ depth })).toMatchObject({ invokeService: { code: 'UNAVAILABLE' } })
})
