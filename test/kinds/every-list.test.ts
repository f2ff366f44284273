import { getNamedType } from 'graphql'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { plainTypes } from '../../testkit/plain.ts'
import { PASSWORD } from '../../testkit/seed/organizations.ts'
import { claim, seedQueue } from '../../testkit/seed/jobs.ts'
import { seedDeployment, seedVersion } from '../../testkit/seed/services.ts'
import { fieldsOf, isConnection, objectTypes } from '../../testkit/selection.ts'
import { sharedApp, type SharedApp } from '../../testkit/shared.ts'
import { send, succeed } from '../organizations/tenancy/send.ts'

/*
 * Every list that takes an ObjectOrder, with equal names where there may be any, names in other alphabets and in both
 * cases: its pages are the list, in each order and from both ends.
 */
const distinct = ['pear', 'Apple', 'fig', 'apple', '東京', 'été', 'Zoo']
const names = [...distinct, 'fig']
const emails = distinct.map(
  (name) => `${name.toLowerCase()}${name === 'Apple' ? 2 : ''}@example.com`,
)

/** Every list that takes an ObjectOrder, and the type of what is in it. */
const ordered = objectTypes.flatMap((type) =>
  fieldsOf(type)
    .filter((field) => isConnection(field))
    .filter(({ args }) => args.some((arg) => getNamedType(arg.type).name === 'ObjectOrder'))
    .map((field) => ({
      path: `${type.name}.${field.name}`,
      node: getNamedType(field.type).name.replace(/Connection$/, ''),
    })),
)

interface List {
  /** An object, by `id` and `name`. */
  readonly node: string
  /** What objects are called, in the order in which they are made. */
  readonly names: readonly string[]
  readonly make: (name: string, place: number) => Promise<unknown>
  /** The object whose list it is. */
  readonly within?: () => string
  /** Renames an object, or removes it where its name stays. */
  readonly move?: (id: string) => Promise<unknown>
}

let app: SharedApp
let deployment = ''
let version = ''
let queue = ''
beforeAll(async () => {
  app = await sharedApp()
  deployment = (await seedDeployment(app.admin)).id
  version = await seedVersion(app.admin, deployment, { 'main.py': '' })
  queue = await seedQueue(app.admin)
})
afterAll(() => app.close())

const done = (mutation: string, input: object): Promise<unknown> =>
  succeed(app.admin, mutation, input, 'replayed')

const kind = (type: string, more: () => object = () => ({})): List => ({
  node: 'id name',
  names,
  make: (name) => done(`create${type}`, { name, ...more() }),
  move: (id) => done(`update${type}`, { id, name: 'moved' }),
})
const setMember =
  (more: object): List['make'] =>
  (email) =>
    done('setMember', { email, role: 'VIEWER', ...more })
const inDeployment = (): string => `deployment(id: "${deployment}")`
const inOrganization = (): string => `organization(id: "${app.organizationId}")`
const asleep = { autoscale: true, desired: 0, min: 0, max: 1 }

/** The lists of what is made with a name alone. */
const plain = ordered.flatMap(({ path, node }) =>
  path.startsWith('Query.') && plainTypes.includes(node) ? [[path, kind(node)] as const] : [],
)

const lists: Readonly<Record<string, List>> = {
  ...Object.fromEntries(plain),
  'Query.routes': kind('Route', () => ({ serviceIds: [queue] })),
  'Query.services': kind('Service', () => ({ backend: { queue: { functions: [{}] } } })),
  'Query.workers': {
    node: 'id name',
    names: distinct,
    make: (worker) => claim(app.admin, queue, { worker }),
  },
  'Deployment.services': {
    ...kind('Service', () => ({ backend: { process: { versionId: version, scale: asleep } } })),
    within: inDeployment,
  },
  'Deployment.versions': {
    node: 'id name: label',
    names: distinct,
    within: inDeployment,
    make: (label) => done('createDeploymentVersion', { deploymentId: deployment, label }),
    move: (id) => done('deleteDeploymentVersion', { id }),
  },
  'Organization.invitations': {
    node: 'id name: email',
    // who is invited again has an invitation that was withdrawn
    names: [...emails, 'fig@example.com'],
    within: inOrganization,
    make: setMember({}),
  },
  'Organization.members': {
    node: 'user { id name email }',
    // few, since a password takes long to hash
    names: ['pear', 'Apple', 'fig', 'none@example.com', 'fig'],
    within: inOrganization,
    make: (name, place) =>
      setMember({ password: PASSWORD, ...(name.includes('@') ? {} : { name }) })(
        name.includes('@') ? name : `member${place}@example.com`,
        place,
      ),
  },
  'Organization.tokens': {
    node: 'id name',
    names,
    within: inOrganization,
    make: (name) => done('createToken', { name, role: 'VIEWER' }),
  },
}

interface Node {
  readonly id: string
  readonly name: string
}
interface Page {
  readonly totalCount: number
  readonly nodes: readonly Node[]
  readonly edges: readonly { readonly cursor: string }[]
  readonly pageInfo: Readonly<Record<'hasNextPage' | 'hasPreviousPage', boolean>> &
    Readonly<Record<'startCursor' | 'endCursor', string | null>>
}
type Raw = Omit<Page, 'nodes'> & {
  readonly nodes: readonly (Node | { readonly user: Node & { readonly email: string } })[]
}

async function ask(path: string, args: object): Promise<Page> {
  const { within, node } = lists[path] ?? { node: '' }
  const field = path.split('.')[1] ?? ''
  const list = `list: ${field}(orderBy: $orderBy, first: $first, last: $last, after: $after, before: $before) {
    totalCount nodes { ${node} } edges { cursor }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }`
  const { data, errors } = await send(
    app.admin,
    `query ($orderBy: ObjectOrder, $first: Int, $last: Int, $after: String, $before: String) {
      ${within === undefined ? list : `of: ${within()} { ${list} }`} }`,
    args,
  )
  expect(errors).toBe(undefined)
  const { list: page } = (data?.['of'] ?? data) as { list: Raw }
  const nodes = page.nodes.map((one) => {
    if (!('user' in one)) return one
    const { id, name, email } = one.user
    return { id, name: name ?? email }
  })
  return { ...page, nodes }
}

const orders = (['CREATED_AT', 'NAME'] as const).flatMap((field) =>
  (['ASC', 'DESC'] as const).map((direction) => ({ field, direction })),
)

/** Names in the order of their characters, in lower case; equal ones by age. */
const byName = (one: Node, other: Node): number =>
  Buffer.compare(Buffer.from(one.name.toLowerCase()), Buffer.from(other.name.toLowerCase()))

test('these are all lists that take an ObjectOrder', () => {
  expect(plain.length).toBeGreaterThan(1)
  expect(ordered.map(({ path }) => path).toSorted()).toEqual(Object.keys(lists).toSorted())
})

test.each(Object.keys(lists))('the pages of %s are the list, in each order', async (path) => {
  const { names: made = [], make, move } = lists[path] ?? {}
  for (const [place, name] of made.entries()) await make?.(name, place)
  const { nodes: byAge } = await ask(path, {})
  expect(byAge.slice(-made.length).map(({ name }) => name)).toEqual(made)
  for (const orderBy of orders) {
    const up = orderBy.field === 'NAME' ? byAge.toSorted(byName) : byAge
    const all = orderBy.direction === 'ASC' ? up : up.toReversed()
    const forward: Node[] = []
    for (let after: string | null = null, more = true; more;) {
      const page: Page = await ask(path, { orderBy, first: 2, after })
      expect(page.totalCount).toBe(all.length)
      forward.push(...page.nodes)
      ;({ endCursor: after, hasNextPage: more } = page.pageInfo)
    }
    expect(forward, JSON.stringify(orderBy)).toEqual(all)
    const backward: Node[] = []
    for (let before: string | null = null, more = true; more;) {
      const page: Page = await ask(path, { orderBy, last: 3, before })
      backward.unshift(...page.nodes)
      ;({ startCursor: before, hasPreviousPage: more } = page.pageInfo)
    }
    expect(backward, JSON.stringify(orderBy)).toEqual(all)
  }
  // what a cursor stood at is called otherwise, or is gone: what follows is the same
  if (move === undefined) return
  const orderBy = { field: 'NAME', direction: 'ASC' }
  const list = byAge.toSorted(byName)
  const place = list.findLastIndex(({ name }) => name === 'fig')
  const { edges } = await ask(path, { orderBy })
  await move(list[place]?.id ?? '')
  const { nodes: rest } = await ask(path, { orderBy, after: edges[place]?.cursor })
  expect(rest.filter(({ name }) => name !== 'moved')).toEqual(list.slice(place + 1))
})
