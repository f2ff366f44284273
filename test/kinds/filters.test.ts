import { afterAll, beforeAll, expect, test } from 'vitest'
import { graphql } from '../../testkit/generated/index.ts'
import type { KindsFilteredQueryVariables } from '../../testkit/generated/graphql.ts'
import { claim } from '../../testkit/seed/jobs.ts'
import { seedVersion } from '../../testkit/seed/services.ts'
import { sharedApp, type SharedApp } from '../../testkit/shared.ts'
import { succeed } from '../organizations/tenancy/send.ts'

const Filtered = graphql(`
  query KindsFiltered(
    $deployments: DeploymentFilter
    $projects: ProjectFilter
    $routes: RouteFilter
    $services: ServiceFilter
    $workers: WorkerFilter
    $activity: ActivityFilter
  ) {
    deployments(filter: $deployments) {
      totalCount
      nodes {
        name
      }
    }
    projects(filter: $projects) {
      totalCount
      nodes {
        name
      }
    }
    routes(filter: $routes) {
      totalCount
      nodes {
        name
      }
    }
    services(filter: $services) {
      totalCount
      nodes {
        name
      }
    }
    workers(filter: $workers) {
      totalCount
      nodes {
        name
      }
    }
    activity(filter: $activity, first: 1) {
      totalCount
    }
  }
`)
const Actors = graphql(`
  query KindsActors {
    activity(filter: { actions: ["createRoute"] }, first: 1) {
      nodes {
        actor {
          name
        }
      }
    }
  }
`)

let app: SharedApp
const deployments: string[] = []
const queues: string[] = []
beforeAll(async () => {
  app = await sharedApp()
  const { admin } = app
  for (const name of ['Pear', 'pear tree', 'fig']) {
    const made = await succeed(admin, 'createDeployment', { name }, 'deployment { id handle }')
    deployments.push((made['deployment'] as { id: string }).id) // selected just above
    await succeed(admin, 'createProject', { name }, 'replayed')
  }
  for (const [place, name] of ['first', 'second', 'third'].entries()) {
    const input = { name, backend: { queue: { functions: [{}] } } }
    const made = await succeed(admin, 'createService', input, 'service { id }')
    queues.push((made['service'] as { id: string }).id) // selected just above
    await claim(admin, queues[place] ?? '', { worker: `worker of ${name}` })
  }
  for (const [place, name] of ['alpha', 'beta', 'gamma'].entries()) {
    const deploymentId = deployments[place] ?? ''
    const versionId = await seedVersion(admin, deploymentId, { 'main.py': '' })
    const process = { versionId, scale: { autoscale: true, desired: 0, min: 0, max: 1 } }
    const input = { name: `${name} process`, backend: { process } }
    const made = await succeed(admin, 'createService', input, 'service { id }')
    const serviceIds = [(made['service'] as { id: string }).id] // selected just above
    await succeed(admin, 'createRoute', { name, deploymentId, serviceIds }, 'replayed')
  }
})
afterAll(() => app.close())

type List = 'deployments' | 'projects' | 'routes' | 'services' | 'workers'

/** The names in a list, which is counted alike. */
async function found(list: List, variables: KindsFilteredQueryVariables): Promise<string[]> {
  const { [list]: page } = await app.admin.request(Filtered, variables)
  expect(page.totalCount).toBe(page.nodes.length)
  return page.nodes.map(({ name }) => name)
}

test('names are exact and any of them, and a text is a part of a name or handle in any case', async () => {
  for (const list of ['deployments', 'projects'] as const) {
    expect(await found(list, { [list]: { names: ['fig', 'Pear', 'none'] } })).toEqual([
      'Pear',
      'fig',
    ])
    expect(await found(list, { [list]: { names: ['FIG'] } })).toEqual([])
    expect(await found(list, { [list]: { text: 'PEAR' } })).toEqual(['Pear', 'pear tree'])
    expect(await found(list, { [list]: { text: 'r-t' } })).toEqual(['pear tree']) // its handle
    expect(await found(list, { [list]: { text: 'pear', names: ['Pear', 'fig'] } })).toEqual([
      'Pear',
    ])
  }
  expect(await found('routes', { routes: { names: ['gamma', 'alpha'] } })).toEqual([
    'alpha',
    'gamma',
  ])
  expect(await found('routes', { routes: { text: 'BET' } })).toEqual(['beta'])
  expect(await found('services', { services: { names: ['third', 'first'] } })).toEqual([
    'first',
    'third',
  ])
  expect(await found('services', { services: { text: 'IR', names: ['first'] } })).toEqual(['first'])
})

test('an empty list finds nothing, and what is null is not asked', async () => {
  expect(await found('deployments', { deployments: { names: [] } })).toEqual([])
  expect(await found('routes', { routes: { deploymentIds: [] } })).toEqual([])
  expect(await found('workers', { workers: { serviceIds: [] } })).toEqual([])
  for (const services of [{ names: [] }, { fronts: [] }, { deploymentIds: [] }, { kinds: [] }])
    expect(await found('services', { services })).toEqual([])
  expect(await found('services', { services: { names: null, fronts: null } })).toHaveLength(6)
  expect(await found('workers', { workers: null })).toHaveLength(3)
})

test('routes and services of any of several deployments, by id or handle; one that is not there has none', async () => {
  const [pear = '', , fig = ''] = deployments
  const of = (...deploymentIds: string[]) => found('routes', { routes: { deploymentIds } })
  expect(await of(pear, fig)).toEqual(['alpha', 'gamma'])
  expect(await of('fig', 'nothing')).toEqual(['gamma'])
  expect(await of('nothing')).toEqual([])
  expect(await found('services', { services: { deploymentIds: ['fig', pear] } })).toEqual([
    'alpha process',
    'gamma process',
  ])
})

test('workers of any of several queues, and by their names', async () => {
  const [first = '', , third = ''] = queues
  const of = (...serviceIds: string[]) => found('workers', { workers: { serviceIds } })
  expect(await of(first, third)).toEqual(['worker of first', 'worker of third'])
  expect(await of('second', 'nothing')).toEqual(['worker of second'])
  expect(await found('workers', { workers: { names: ['worker of third'] } })).toEqual([
    'worker of third',
  ])
  const both = { serviceIds: [first], names: ['worker of third'] }
  expect(await found('workers', { workers: both })).toEqual([])
})

/** How many services these fronts know. */
const by = async (...fronts: ('ABEJA' | 'TOPCHEF')[]) =>
  (await found('services', { services: { fronts } })).length

test('services that any of several fronts knows', async () => {
  expect(await by('TOPCHEF')).toBe(3) // queues
  expect(await by('ABEJA')).toBe(3) // processes
  expect(await by('ABEJA', 'TOPCHEF', 'ABEJA')).toBe(6)
})

test('activities by any of several actors', async () => {
  const { activity } = await app.admin.request(Actors)
  const [name = ''] = activity.nodes.map(({ actor }) => actor.name)
  const count = async (actors: string[]) => {
    const filter = { actors, actions: ['createRoute', 'createProject'] }
    return (await app.admin.request(Filtered, { activity: filter })).activity.totalCount
  }
  expect(await count([name, 'nobody'])).toBe(6)
  expect(await count(['nobody'])).toBe(0)
  expect(await count([])).toBe(0)
})

/** Lists of the filters of lists, each with an entry of it. */
const lists: readonly (readonly [keyof KindsFilteredQueryVariables, object])[] = [
  ['deployments', { names: 'n' }],
  ['projects', { names: 'n' }],
  ['routes', { names: 'n', deploymentIds: 'd' }],
  [
    'services',
    { names: 'n', deploymentIds: 'd', kinds: 'QUEUE', statuses: 'READY', fronts: 'ABEJA' },
  ],
  ['workers', { names: 'n', serviceIds: 's' }],
  ['activity', { actions: 'a', actors: 'a', subjectIds: 's' }],
]

test.each(
  lists.flatMap(([list, fields]) =>
    Object.entries(fields).map(([field, one]) => [list, field, one as string] as const),
  ),
)('%s by %s: a hundred values, and no more', async (list, field, one) => {
  const ask = (count: number) =>
    app.admin.execute(Filtered, { [list]: { [field]: Array(count).fill(one) } })
  expect((await ask(100)).errors).toBeUndefined()
  expect((await ask(101)).errors).toMatchObject([
    {
      message: `\`filter.${field}\`: At most 100 entries.`,
      path: [list],
      extensions: { code: 'BAD_REQUEST' },
    },
  ])
})

const Logged = graphql(`
  query KindsLogged($id: ID!, $filter: LogFilter) {
    node(id: $id) {
      ... on QueueService {
        logs(filter: $filter) {
          totalCount
        }
      }
    }
  }
`)

test.each(['sources', 'instances', 'attempts'] as const)(
  'a log by %s: a hundred values, and no more',
  async (field) => {
    const { services } = await app.admin.request(Queues)
    const id = services.nodes[0]?.id ?? ''
    const ask = (count: number) =>
      app.admin.execute(Logged, {
        id,
        filter: { [field]: Array(count).fill(field === 'sources' ? 'STDOUT' : 1) },
      })
    expect((await ask(100)).errors).toBeUndefined()
    expect((await ask(101)).errors).toMatchObject([
      { message: `\`filter.${field}\`: At most 100 entries.` },
    ])
  },
)

const Queues = graphql(`
  query KindsQueues {
    services(filter: { kinds: [QUEUE] }, first: 1) {
      nodes {
        id
      }
    }
  }
`)
