import { afterAll, beforeAll, expect, test } from 'vitest'
import { testApp, type TestApp } from '../../testkit/app.ts'
import { seed } from '../../testkit/seed/chain.ts'
import { doors, type Operation } from './doors.ts'

let app: TestApp
beforeAll(async () => {
  app = await testApp({ MAX_COST: '5000' })
})
afterAll(() => app.close())

/** What an operation is said to cost, which is the same on every door. */
async function costOf(operation: Operation): Promise<unknown> {
  const costs = new Set<string>()
  for (const ask of Object.values(doors)) {
    const { extensions } = await ask(app.admin, operation)
    costs.add(JSON.stringify(extensions?.['cost']))
  }
  expect([...costs]).toHaveLength(1)
  const cost = JSON.parse([...costs][0] ?? 'null') as { requested: number; limit: number } // compared below
  expect(cost.limit).toBe(5_000)
  return cost.requested
}

const services = (size: string, below: string): string => `{ services${size} { ${below} } }`

test.each<[string, Operation, number]>([
  ['leaves are free', { query: '{ __typename }' }, 0],
  ['an object counts 1', { query: '{ viewer { role } }' }, 1],
  ['so does each object below it', { query: '{ viewer { user { id } token { id } } }' }, 3],
  ['a page multiplies what is in it', { query: services('(first: 20)', 'nodes { id }') }, 21],
  [
    'what is asked of the list itself counts once',
    { query: services('(first: 20)', 'totalCount pageInfo { endCursor } nodes { id }') },
    22,
  ],
  [
    'edges count, and the nodes in them',
    { query: services('(last: 20)', 'edges { node { id } }') },
    41,
  ],
  ['a page has 100 when nothing is said', { query: services('', 'nodes { id }') }, 101],
  ['null is nothing said', { query: services('(first: null)', 'nodes { id }') }, 101],
  [
    'pages within pages multiply',
    { query: services('(first: 10)', 'nodes { events(first: 5) { nodes { actor { name } } } }') },
    1 + 10 * (1 + 1 + 5 * 2),
  ],
  ['a list without pages counts as 10', { query: '{ viewer { memberships { role } } }' }, 11],
  ['nodes count as many as they are', { query: '{ nodes(ids: ["a", "b", "c"]) { id } }' }, 3],
  [
    'several times the same field is one',
    {
      query:
        '{ viewer { user { id } } ...f ...f } fragment f on Query { viewer { user { name } } }',
    },
    2,
  ],
  ['aliases are fields of their own', { query: '{ a: viewer { role } b: viewer { role } }' }, 2],
  [
    'what is skipped is free',
    {
      query: '{ viewer { user @skip(if: true) { id } ... @include(if: false) { token { id } } } }',
    },
    1,
  ],
  [
    'a mutation counts 10 more',
    { query: 'mutation { createUpload(input: { name: "" }) { __typename } }' },
    11,
  ],
])('%s', async (_rule, operation, cost) => {
  expect(await costOf(operation)).toBe(cost)
})

test('variables are counted as they come with each request', async () => {
  const query = `query List($count: Int = 3, $ids: [ID!]! = ["a"], $more: Boolean = false) {
    services(first: $count) { nodes { id } }
    nodes(ids: $ids) { id }
    viewer @include(if: $more) { role }
  }`
  expect(await costOf({ query })).toBe(1 + 3 + 1)
  expect(await costOf({ query, variables: { count: 50 } })).toBe(1 + 50 + 1)
  expect(await costOf({ query, variables: { count: null } })).toBe(1 + 100 + 1)
  expect(await costOf({ query, variables: { ids: ['a', 'b', 'c'], more: true } })).toBe(
    1 + 3 + 3 + 1,
  )
})

test('of several operations the one that runs is counted', async () => {
  const query = 'query small { viewer { role } } query large { services { nodes { id } } }'
  expect(await costOf({ query, operationName: 'small' })).toBe(1)
  expect(await costOf({ query, operationName: 'large' })).toBe(101)
})

test('what costs too much does not run on any door, and is told its cost and the limit', async () => {
  const query =
    'query ($count: Int) { services(first: $count) { nodes { events(first: 100) { nodes { number } } } } }'
  const cost = { requested: 1 + 100 * (1 + 1 + 100), limit: 5_000 }
  for (const [door, ask] of Object.entries(doors)) {
    const answer = await ask(app.admin, { query, variables: { count: 100 } })
    expect({ door, ...answer }).toMatchObject({
      door,
      errors: [
        { message: expect.stringContaining('MAX_COST'), extensions: { code: 'TOO_COMPLEX', cost } },
      ],
      extensions: { cost },
    })
    expect(answer.data ?? null).toBeNull()
    expect((await ask(app.admin, { query, variables: { count: 10 } })).errors).toBeUndefined()
  }
})

test('a mutation that costs too much is not done', async () => {
  const create = `mutation { ${Array.from({ length: 100 }, (_none, i) => `a${i}: createDeployment(input: { name: "costly ${i}" }) { ... on CreateDeploymentSuccess { deployment { services { nodes { id } } } } }`).join(' ')} }`
  const { errors } = await doors['POST']!(app.admin, { query: create })
  expect(errors?.[0]?.extensions?.['code']).toBe('TOO_COMPLEX')
  const { data } = await doors['POST']!(app.admin, {
    query: '{ deployments(filter: { text: "costly" }) { totalCount } }',
  })
  expect(data).toEqual({ deployments: { totalCount: 0 } })
})

test('a subscription that costs too much does not begin; deliveries do not repeat the cost', async () => {
  const { id } = await seed(app.admin).deployment().version({ a: '' }).service().made()
  const follow = (below: string): Operation => ({
    query: `subscription ($id: ID!) { serviceChanged(serviceId: $id) { cursor ${below} } }`,
    variables: { id },
  })
  const costly =
    'service { events(first: 1000) { nodes { actor { user { id } } changes { field } } } }'
  const socket = doors['WebSocket']!
  for (const ask of [socket, doors['SSE']!]) {
    const { errors } = await ask(app.admin, follow(costly))
    expect(errors?.[0]?.extensions?.['code']).toBe('TOO_COMPLEX')
  }
  const { data, extensions } = await socket(app.admin, follow('service { id }'))
  expect(data).toMatchObject({ serviceChanged: { service: { id } } })
  expect(Object.keys(extensions ?? {})).toEqual(['cursor'])
})
