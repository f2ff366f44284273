import { afterAll, beforeAll, expect, test } from 'vitest'
import { graphql } from '../../../testkit/generated/index.ts'
import { testApp, type TestApp } from '../../../testkit/app.ts'
import { Amend, Cancel } from '../../../testkit/operations/jobs.ts'
import {
  claim,
  claimOne,
  complete,
  fail,
  read,
  seedQueue,
  submit,
} from '../../../testkit/seed/jobs.ts'
import { seedOrganization } from '../../../testkit/seed/organizations.ts'
import { seed } from '../../../testkit/seed/chain.ts'
import { Topchef, uuidOf } from '../../../testkit/fronts/topchef.ts'

/* The front and GraphQL are two ways to the same things, whose states have words in both (contract topchef 7). */

let app: TestApp
let topchef: Topchef
beforeAll(async () => {
  app = await testApp()
  topchef = Topchef.of(app.admin)
})
afterAll(() => app.close())

/** The address of what a path names. */
const addressIn = (path: string) => `topchef:${path.split('/').at(-1)}`

const Address = graphql(`
  query TopchefAddress($id: ID!) {
    service(id: $id) {
      address(front: TOPCHEF)
    }
  }
`)
const pathOf = async (id: string) =>
  `/services/${(await app.admin.request(Address, { id })).service?.address}`

const Events = graphql(`
  query TopchefEvents($id: ID!) {
    job(id: $id) {
      function
      events {
        nodes {
          kind
          actor {
            front
          }
        }
      }
    }
  }
`)

const eventsOf = async (job: string) => {
  const found = (await app.admin.request(Events, { id: addressIn(job) })).job
  return (found?.events.nodes ?? []).map(({ kind, actor }) => [kind, actor.front])
}

test('a job submitted here is claimed by a worker with a lease, and seen here as it goes on', async () => {
  const service = await topchef.service()
  const job = await topchef.job(service, { value: 7 })
  const lease = await claimOne(app.admin, addressIn(service))
  expect(lease.job).toMatchObject({ parameters: { value: 7 } })
  expect((await topchef.did('GET', job)).data['status']).toBe('WORKING')
  expect((await topchef.call('GET', `${service}/queue`)).status).toBe(204)
  // its results must fit what was said here
  expect(await complete(app.admin, lease, { sum: 'x' })).toMatchObject({
    __typename: 'ValidationError',
  })
  await complete(app.admin, lease, { sum: 14 })
  expect((await topchef.did('GET', job)).data).toMatchObject({
    status: 'COMPLETED',
    results: { sum: 14 },
  })
  expect(await eventsOf(job)).toEqual([
    ['QUEUED', 'TOPCHEF'],
    ['CLAIMED', null],
    ['SUCCEEDED', null],
  ])
})

test('a job submitted by GraphQL is worked on here, which its events tell', async () => {
  const id = await seedQueue(app.admin)
  const service = await pathOf(id)
  const { id: jobId } = await submit(app.admin, id, { parameters: { a: 1 } })
  const { data } = await topchef.did('GET', `${service}/jobs/next`)
  expect(data['parameters']).toEqual({ a: 1 })
  const job = `/jobs/${data.id}`
  await topchef.did('PATCH', job, { status: 'WORKING' })
  expect(await claim(app.admin, id)).toEqual([])
  await topchef.did('PATCH', job, { status: 'COMPLETED', results: { b: 2 } })
  expect(await read(app.admin, jobId)).toMatchObject({ status: 'SUCCEEDED', result: { b: 2 } })
  expect(await eventsOf(job)).toEqual([
    ['QUEUED', null],
    ['AMENDED', 'TOPCHEF'],
    ['AMENDED', 'TOPCHEF'],
  ])
})

test('a status written here takes a job from a worker that has a lease', async () => {
  const service = await topchef.service()
  const job = await topchef.job(service)
  const lease = await claimOne(app.admin, addressIn(service))
  await topchef.did('PATCH', job, { status: 'REGISTERED' })
  expect(await complete(app.admin, lease, {})).toMatchObject({ __typename: 'StaleLease' })
  expect((await topchef.did('GET', `${service}/jobs/next`)).data.id).toBe(job.slice(6))
})

test('every state has a word: what failed and what was canceled are ERROR, what is to end works', async () => {
  const service = await topchef.service()
  const shown = async (job: string) => (await topchef.did('GET', job)).data['status']
  const failed = await topchef.job(service)
  await fail(app.admin, await claimOne(app.admin, addressIn(service)), { isRetryable: false })
  expect(await shown(failed)).toBe('ERROR')
  const running = await topchef.job(service)
  await claimOne(app.admin, addressIn(service))
  await app.admin.request(Cancel, { input: { id: addressIn(running) } })
  expect(await shown(running)).toBe('WORKING')
  const canceled = await topchef.job(service)
  await app.admin.request(Cancel, { input: { id: addressIn(canceled) } })
  expect(await shown(canceled)).toBe('ERROR')
  expect(await topchef.did('PATCH', canceled, { status: 'REGISTERED' })).toMatchObject({
    status: 'REGISTERED',
  })
})

test('of a queue with several functions the first is shown and called', async () => {
  const first = { name: 'first', parametersSchema: { required: ['a'] } }
  const service = await pathOf(await seedQueue(app.admin, [first, { name: 'second' }]))
  const { data } = await topchef.did('GET', service)
  expect(data).toMatchObject({
    job_registration_schema: { required: ['a'] },
    job_result_schema: {},
  })
  expect((await topchef.call('POST', `${service}/jobs`, { parameters: {} })).status).toBe(400)
  const job = await topchef.job(service, { a: 1 })
  const found = await app.admin.request(Events, { id: addressIn(job) })
  expect(found.job?.function).toBe('first')
})

test('parameters and results that are no objects are shown as they are', async () => {
  const id = await seedQueue(app.admin)
  const service = await pathOf(id)
  const made = await submit(app.admin, id, { parameters: [1, 'x'] })
  const input = { id: made.id, status: 'SUCCEEDED' as const, result: 5 }
  await app.admin.request(Amend, { input })
  const { data } = await topchef.did('GET', `${service}/jobs`)
  expect(data[0]).toMatchObject({ parameters: [1, 'x'], results: 5, status: 'COMPLETED' })
})

const Hidden = graphql(`
  query TopchefHidden {
    services {
      nodes {
        __typename
        id
        isBuiltIn
        name
      }
    }
  }
`)
const CancelMany = graphql(`
  mutation TopchefBuiltIn($filter: JobFilter!) {
    cancelJobs(input: { filter: $filter }) {
      ... on CancelJobsSuccess {
        job {
          id
          service {
            id
            isBuiltIn
          }
        }
      }
    }
  }
`)

test('what is built in, what is no queue, and the jobs of both are not there', async () => {
  const files = { 'main.mjs': 'export const handler = () => new Response()' }
  const made = seed(app.admin).deployment().version(files, { image: 'node' }).service()
  const { id: running } = await made.made()
  const called = await submit(app.admin, running)
  // a built-in job
  const { cancelJobs } = await app.admin.request(CancelMany, { filter: { functions: ['none'] } })
  const built = 'job' in cancelJobs ? cancelJobs.job : undefined
  if (!built?.service.isBuiltIn) throw new Error('This is no built-in job.')
  const { services } = await app.admin.request(Hidden)
  const hidden = services.nodes.filter((one) => one.isBuiltIn || one.__typename !== 'QueueService')
  expect(hidden.length).toBeGreaterThan(1)
  const { data } = await topchef.did('GET', '/services')
  const uuids = hidden.map(({ id }) => uuidOf(id))
  expect(data.map(({ id }) => id).filter((id) => uuids.includes(id))).toEqual([])
  for (const id of uuids)
    for (const [method, path] of [
      ['GET', ''],
      ['PATCH', ''],
      ['GET', '/jobs'],
      ['POST', '/jobs'],
      ['GET', '/queue'],
      ['GET', '/jobs/next'],
      ['POST', '/jobs/next'],
    ] as const) {
      const body = method === 'GET' ? undefined : { parameters: {}, name: 'x' }
      const { status } = await topchef.call(method, `/services/${id}${path}`, body)
      expect(status, `${method} ${path}`).toBe(404)
    }
  const jobs = (await topchef.did('GET', '/jobs')).data.map(({ id }) => id)
  for (const job of [built, called].map(({ id }) => uuidOf(id))) {
    expect(jobs).not.toContain(job)
    for (const method of ['GET', 'PATCH', 'PUT']) {
      const body = method === 'GET' ? undefined : { status: 'ERROR' }
      expect((await topchef.call(method, `/jobs/${job}`, body)).status).toBe(404)
    }
  }
})

test('an object that brought its old id keeps it', async () => {
  const old = '495d76dd-a323-4fd5-9c3c-5a1a0c1e2f3d'
  const id = await seedQueue(app.admin)
  const made = await submit(app.admin, id, { addresses: [`topchef:${old}`] })
  const { data } = await topchef.did('GET', `/jobs/${old.toUpperCase()}`)
  expect(data.id).toBe(old)
  expect((await topchef.did('GET', '/jobs')).data.at(-1)?.id).toBe(old)
  await topchef.did('PATCH', `/jobs/${old}`, { status: 'COMPLETED' })
  expect((await read(app.admin, made.id)).status).toBe('SUCCEEDED')
})

const listed = async (one: Topchef) =>
  (await one.did('GET', '/services')).data.map(({ id }) => `/services/${id}`)

test('another organization sees none of it, and its own alone', async () => {
  const [first, other] = [await seedOrganization(app), await seedOrganization(app)].map((one) =>
    Topchef.of(one.admin),
  )
  if (first === undefined || other === undefined) throw new Error('Both were made.')
  const service = await first.service()
  const job = await first.job(service)
  for (const path of ['/services', '/jobs']) expect((await other.did('GET', path)).data).toEqual([])
  for (const [method, path, body] of [
    ['GET', service, undefined],
    ['PATCH', service, undefined],
    ['POST', `${service}/jobs`, { parameters: { value: 1 } }],
    ['POST', `${service}/jobs/next`, undefined],
    ['GET', job, undefined],
    ['PATCH', job, { status: 'ERROR' }],
  ] as const)
    expect((await other.call(method, path, body)).status, path).toBe(404)
  const own = await other.service()
  expect(await listed(other)).toEqual([own])
  expect(await listed(first)).toEqual([service])
  expect((await first.did('GET', job)).data['status']).toBe('REGISTERED')
})

test('whoever is a member of several organizations makes services in the oldest', async () => {
  const { admin } = await seedOrganization(app) // which makes the admin of this server a member
  const service = await topchef.service()
  expect((await Topchef.of(admin).call('GET', service)).status).toBe(404)
  expect((await topchef.call('GET', service)).status).toBe(200)
})
