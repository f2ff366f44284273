import { afterAll, beforeAll, expect, test } from 'vitest'
import { graphql } from '../../testkit/generated/index.ts'
import type {
  ConsolesSearchQuery,
  ConsolesSearchQueryVariables,
} from '../../testkit/generated/graphql.ts'
import { testApp, type TestApp } from '../../testkit/app.ts'
import type { Client } from '../../testkit/client.ts'
import { CreateDeployment } from '../../testkit/operations/deployments.ts'
import { DeleteService, update } from '../../testkit/operations/services.ts'
import { succeeded } from '../../testkit/outcome.ts'
import { claimOne, complete, seedQueue, submit } from '../../testkit/seed/jobs.ts'
import { member, seedOrganization, seedToken } from '../../testkit/seed/organizations.ts'
import { seedService, seedVersion } from '../../testkit/seed/services.ts'

const Search = graphql(`
  query ConsolesSearch(
    $text: String!
    $first: Int
    $last: Int
    $after: String
    $before: String
    $offset: Int
    $count: Boolean = false
  ) {
    search(
      text: $text
      first: $first
      last: $last
      after: $after
      before: $before
      offset: $offset
    ) {
      nodes {
        title
        detail
        node {
          __typename
          id
          ... on Addressable {
            addresses {
              front
              text
            }
          }
        }
      }
      pageInfo {
        hasNextPage
        hasPreviousPage
        startCursor
        endCursor
      }
      totalCount @include(if: $count)
    }
  }
`)

type Found = ConsolesSearchQuery['search']

let app: TestApp
let ours: { id: string; admin: Client }
let theirs: { id: string; admin: Client }
beforeAll(async () => {
  app = await testApp()
  ours = await seedOrganization(app)
  theirs = await seedOrganization(app)
})
afterAll(() => app.close())

test('a job is found by its function and its labels, its id and what fronts call it', async () => {
  const word = `fit-${Date.now()}`
  const queue = await seedQueue(ours.admin, [{ name: word }, { name: 'other' }])
  const labels = [{ name: 'team', value: `red-${word}` }]
  const { id } = await submit(ours.admin, queue, { function: word, addresses: [`abeja:${word}.7`] })
  const labeled = await submit(ours.admin, queue, { function: 'other', labels })
  const [hit] = (await search(id.toUpperCase())).nodes
  expect(hit).toMatchObject({ title: word, node: { __typename: 'Job', id } })
  expect(hit?.detail).toMatch(/, QUEUED$/)
  expect(await ids(word)).toEqual([id, labeled.id])
  expect(await ids(`team=red-${word}`)).toEqual([labeled.id])
  expect(await ids(`abeja:${word}.7`)).toEqual([id])
  await complete(ours.admin, await claimOne(ours.admin, queue))
  expect((await search(id)).nodes[0]?.detail).toMatch(/, SUCCEEDED$/)
  expect(await ids(word, {}, theirs.admin)).toEqual([])
})

const search = async (
  text: string,
  more: Partial<ConsolesSearchQueryVariables> = {},
  client = ours.admin,
): Promise<Found> => (await client.request(Search, { text, ...more })).search
const titles = async (...args: Parameters<typeof search>): Promise<string[]> =>
  (await search(...args)).nodes.map(({ title }) => title)
const ids = async (...args: Parameters<typeof search>): Promise<string[]> =>
  (await search(...args)).nodes.map(({ node }) => node.id)

async function deployment(name: string, more: object = {}, client = ours.admin): Promise<string> {
  const { createDeployment } = await client.request(CreateDeployment, { input: { name, ...more } })
  return succeeded(createDeployment, 'CreateDeploymentSuccess').deployment.id
}

test('what is called just so comes first, then what begins with it, then what contains it, newest first', async () => {
  for (const name of ['Big Apple', 'apple', 'Apples', 'pineapple', 'pear', 'APPLE'])
    await deployment(name)
  expect(await titles('Apple')).toEqual(['APPLE', 'apple', 'Apples', 'pineapple', 'Big Apple'])
  expect(await titles(' apple  ')).toEqual(['APPLE', 'apple', 'Apples', 'pineapple', 'Big Apple'])
  expect((await search('apple-2')).nodes).toMatchObject([{ title: 'APPLE', detail: 'apple-2' }])
})

test('deployments, versions, services and tokens are found by name, handle, label, id and address', async () => {
  const dep = await deployment('Fruit Stand', {
    handle: 'stand',
    addresses: ['abeja:1410805969256'],
  })
  const ver = await seedVersion(ours.admin, dep, { 'main.py': '' }, { label: 'Harvest-7' })
  const svc = await seedService(ours.admin, ver)
  await update(ours.admin, { id: svc.id, name: 'Fruit Scale' })
  const { token } = await seedToken(ours.admin, ours.id, 'VIEWER')

  expect(await ids('fruit')).toEqual([dep, svc.id])
  expect(await ids('STAND')).toEqual([dep])
  expect(await ids('harvest')).toEqual([ver])
  expect(await ids(token.name)).toEqual([token.id])
  for (const id of [dep, ver, svc.id, token.id]) {
    expect(await ids(id)).toEqual([id])
    expect(await ids(id.toUpperCase())).toEqual([id])
    expect(await ids(id.slice(0, -3))).toEqual([])
  }
  const [hit] = (await search(svc.id)).nodes
  const address =
    hit?.node.__typename === 'ProcessService' ? hit.node.addresses[0]?.text : undefined
  expect(address).toMatch(/^ser-/)
  expect(await ids(address ?? '')).toEqual([svc.id])
  expect(await ids(`abeja:${address}`)).toEqual([svc.id])
  expect(await ids(`topchef:${address}`)).toEqual([])
  expect(await ids('1410805969256')).toEqual([dep])
  expect(await ids('abeja:1410805969256')).toEqual([dep])

  await ours.admin.request(DeleteService, { input: { id: svc.id } })
  expect(await ids('fruit')).toEqual([dep])
  expect(await ids(svc.id)).toEqual([])
})

test('what means something in a pattern is looked for as it stands', async () => {
  for (const name of ['100% sure', '100 sure', 'a_b', 'axb', 'back\\slash']) await deployment(name)
  expect(await titles('100%')).toEqual(['100% sure'])
  expect(await titles('a_b')).toEqual(['a_b'])
  expect(await titles('k\\s')).toEqual(['back\\slash'])
  expect(await titles('%')).toEqual([])
  expect(await titles("'; DROP TABLE")).toEqual([])
})

test('no text finds nothing, one character what is called just so, and NUL is refused', async () => {
  await deployment('Z')
  await deployment('Zz')
  expect(await search('', { count: true })).toMatchObject({ nodes: [], totalCount: 0 })
  expect(await titles('   ')).toEqual([])
  expect(await titles('z')).toEqual(['Z'])
  expect(await titles('🙂')).toEqual([])
  for (const text of ['z\0', '\ud800', 'x'.repeat(601)]) {
    const { errors } = await ours.admin.execute(Search, { text })
    expect(errors?.[0]?.extensions?.['code']).toBe('BAD_REQUEST')
  }
})

test('pages go both ways over all hits, each once, and count them when asked', async () => {
  for (let n = 0; n < 11; n += 1) await deployment(n % 2 ? `page ${n}` : `a page ${n}`)
  const all = await ids('page', { first: 100 })
  expect(all).toHaveLength(11)
  expect((await search('page', { first: 1, count: true })).totalCount).toBe(11)
  const forward: string[] = []
  for (let after: string | null = null; ;) {
    const page: Found = await search('page', { first: 4, after })
    forward.push(...page.nodes.map(({ node }) => node.id))
    if (!page.pageInfo.hasNextPage) break
    after = page.pageInfo.endCursor
  }
  expect(forward).toEqual(all)
  const backward: string[] = []
  for (let before: string | null = null; ;) {
    const page: Found = await search('page', { last: 4, before })
    backward.unshift(...page.nodes.map(({ node }) => node.id))
    if (!page.pageInfo.hasPreviousPage) break
    before = page.pageInfo.startCursor
  }
  expect(backward).toEqual(all)
  expect(await ids('page', { first: 3, offset: 4 })).toEqual(all.slice(4, 7))
  for (const after of ['nonsense', 's9.dep.1', 's0.dep.zzzzzzzzzzzzzzzz']) {
    const { errors } = await ours.admin.execute(Search, { text: 'page', after })
    expect(errors?.[0]?.extensions?.['code']).toBe('BAD_CURSOR')
  }
})

test('nobody finds what is foreign, and a token finds no more than its role may see', async () => {
  const secret = await deployment('Only Ours')
  const { token } = await seedToken(ours.admin, ours.id, 'VIEWER')
  for (const text of ['only ours', 'only-ours', secret, token.id, token.name, ours.id])
    expect(await search(text, { count: true }, theirs.admin)).toMatchObject({
      nodes: [],
      totalCount: 0,
    })
  const viewer = await member(app, ours.id, 'VIEWER')
  expect(await ids('only ours', {}, viewer)).toEqual([secret])
  expect(await ids(token.name, {}, viewer)).toEqual([])
  expect(await ids(token.id, {}, viewer)).toEqual([])
  const worker = await member(app, ours.id, 'WORKER')
  expect(await ids('only ours', {}, worker)).toEqual([])
  const { errors } = await app.stranger.execute(Search, { text: 'only ours' })
  expect(errors?.[0]?.extensions?.['code']).toBe('UNAUTHENTICATED')
})
