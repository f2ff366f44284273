import { afterAll, beforeAll, expect, test } from 'vitest'
import { graphql } from '../../testkit/generated/index.ts'
import type { KindsOrderedQueryVariables } from '../../testkit/generated/graphql.ts'
import { succeeded } from '../../testkit/outcome.ts'
import { sharedApp, type SharedApp } from '../../testkit/shared.ts'

const Ordered = graphql(`
  query KindsOrdered(
    $orderBy: ObjectOrder
    $first: Int
    $last: Int
    $after: String
    $before: String
    $offset: Int
  ) {
    deployments(
      orderBy: $orderBy
      first: $first
      last: $last
      after: $after
      before: $before
      offset: $offset
    ) {
      totalCount
      nodes {
        id
        name
      }
      pageInfo {
        ...Page
      }
    }
  }
`)
const Make = graphql(`
  mutation KindsOrderedMake($name: String!) {
    createDeployment(input: { name: $name }) {
      __typename
      ... on CreateDeploymentSuccess {
        deployment {
          id
        }
      }
    }
  }
`)
const Rename = graphql(`
  mutation KindsOrderedRename($id: ID!, $name: String!) {
    updateDeployment(input: { id: $id, name: $name }) {
      __typename
    }
  }
`)

const made = ['pear', 'Apple', 'fig', 'apple', 'été', 'Zoo']
const byName = ['Apple', 'apple', 'fig', 'pear', 'Zoo', 'été']
const ids = new Map<string, string>()

let app: SharedApp
beforeAll(async () => {
  app = await sharedApp()
  for (const name of made) {
    const { createDeployment } = await app.admin.request(Make, { name })
    ids.set(name, succeeded(createDeployment, 'CreateDeploymentSuccess').deployment.id)
  }
})
afterAll(() => app.close())

const ask = async (variables: KindsOrderedQueryVariables) =>
  (await app.admin.request(Ordered, variables)).deployments
const namesIn = ({ nodes }: { nodes: readonly { name: string }[] }) => nodes.map(({ name }) => name)

test('a list is the oldest first, and by age or by name both ways where that is asked for', async () => {
  const listed = async (field: 'NAME' | 'CREATED_AT', direction: 'ASC' | 'DESC') =>
    namesIn(await ask({ orderBy: { field, direction } }))
  expect(namesIn(await ask({}))).toEqual(made)
  expect(await listed('CREATED_AT', 'ASC')).toEqual(made)
  expect(await listed('CREATED_AT', 'DESC')).toEqual(made.toReversed())
  expect(await listed('NAME', 'ASC')).toEqual(byName)
  expect(await listed('NAME', 'DESC')).toEqual(byName.toReversed())
})

test.each([
  ['NAME', 'ASC', byName],
  ['NAME', 'DESC', byName.toReversed()],
  ['CREATED_AT', 'ASC', made],
  ['CREATED_AT', 'DESC', made.toReversed()],
] as const)('by %s %s the pages of both ways are the list', async (field, direction, all) => {
  const orderBy = { field, direction }
  const forward: string[] = []
  for (let after: string | null = null, more = true; more;) {
    const page: Awaited<ReturnType<typeof ask>> = await ask({ orderBy, first: 2, after })
    forward.push(...namesIn(page))
    ;({ endCursor: after, hasNextPage: more } = page.pageInfo)
    expect(page.totalCount).toBe(all.length)
  }
  expect(forward).toEqual(all)
  const backward: string[] = []
  for (let before: string | null = null, more = true; more;) {
    const page: Awaited<ReturnType<typeof ask>> = await ask({ orderBy, last: 2, before })
    backward.unshift(...namesIn(page))
    ;({ startCursor: before, hasPreviousPage: more } = page.pageInfo)
  }
  expect(backward).toEqual(all)
  expect(namesIn(await ask({ orderBy, first: 2, offset: 3 }))).toEqual(all.slice(3, 5))
})

test('a cursor keeps its place when its object is called otherwise meanwhile', async () => {
  const orderBy = { field: 'NAME', direction: 'ASC' } as const
  const { pageInfo } = await ask({ orderBy, first: 3 })
  const id = ids.get('fig') ?? ''
  await app.admin.request(Rename, { id, name: 'aaa' })
  expect(namesIn(await ask({ orderBy, after: pageInfo.endCursor }))).toEqual(byName.slice(3))
  await app.admin.request(Rename, { id, name: 'fig' })
})

test('a cursor of another order, or of none, is refused', async () => {
  const orderBy = { field: 'NAME', direction: 'ASC' } as const
  const { pageInfo } = await ask({ orderBy, first: 1 })
  const byAge = await ask({ first: 1 })
  const nul = `n1.${Buffer.from('\0').toString('base64url')}`
  for (const variables of [
    { after: pageInfo.endCursor },
    ...[byAge.pageInfo.endCursor, 'n1.=', nul, ''].map((after) => ({ orderBy, after })),
  ])
    expect([variables, (await app.admin.execute(Ordered, variables)).errors]).toMatchObject([
      variables,
      [{ extensions: { code: 'BAD_CURSOR' } }],
    ])
})
