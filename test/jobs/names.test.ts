import { afterAll, beforeAll, expect, test } from 'vitest'
import { graphql } from '../../testkit/generated/index.ts'
import { testApp, type TestApp } from '../../testkit/app.ts'
import { Amend, Retry, Submit, SubmitMany } from '../../testkit/operations/jobs.ts'
import { succeeded } from '../../testkit/outcome.ts'
import { claimOne, complete, list, read, seedQueue, submit } from '../../testkit/seed/jobs.ts'
import { seedOrganization } from '../../testkit/seed/organizations.ts'
import { until } from '../../testkit/until.ts'

let app: TestApp
beforeAll(async () => {
  app = await testApp()
})
afterAll(() => app.close())

const Named = graphql(`
  query NamedJob($id: ID!) {
    job(id: $id) {
      id
      status
      addresses {
        front
        text
        path
      }
      topchef: annotations(front: TOPCHEF)
      abeja: annotations(front: ABEJA)
      project {
        id
      }
    }
  }
`)

const CreateProject = graphql(`
  mutation ProjectOfJobs($name: String!) {
    createProject(input: { name: $name }) {
      __typename
      ... on CreateProjectSuccess {
        project {
          id
          handle
        }
      }
    }
  }
`)

const named = async (id: string) => (await app.admin.request(Named, { id })).job

test('a job is found by the address it was given, in place of the computed one', async () => {
  const queue = await seedQueue(app.admin)
  const { id } = await submit(app.admin, queue, { addresses: ['topchef:brought along'] })
  expect(await named('topchef:brought along')).toMatchObject({
    id,
    addresses: [{ front: 'TOPCHEF', text: 'brought along', path: '/topchef/jobs/brought%20along' }],
  })
  const plain = await submit(app.admin, queue)
  expect((await named(plain.id))?.addresses).toMatchObject([{ text: expect.stringMatching(/-/) }])
})

test('what a dialect keeps with a job is given back as it came, and each front has its own', async () => {
  const queue = await seedQueue(app.admin)
  const value = { z: 1, a: ['\u0000', '\ud800', null], status: 'packaging' }
  const { id } = await submit(app.admin, queue, {
    annotations: [
      { front: 'ABEJA', value: 'first' },
      { front: 'TOPCHEF', value },
      { front: 'ABEJA', value: null },
      { front: 'ABEJA', value: 'last' },
    ],
  })
  const job = await named(id)
  expect(job).toMatchObject({ abeja: 'last' })
  expect(JSON.stringify(job?.topchef)).toBe(JSON.stringify(value))
})

test('an address that is taken is a conflict, and none of the jobs is stored', async () => {
  const queue = await seedQueue(app.admin)
  const first = await submit(app.admin, queue, { addresses: ['abeja:17', 'topchef:x'] })
  const huge = 'x'.repeat(300_000) // in Storage, from where it is taken back
  const jobs = [
    { serviceId: queue, parameters: huge },
    { serviceId: queue, addresses: ['topchef:y', 'abeja:17'] },
  ]
  const { submitJobs } = await app.admin.request(SubmitMany, { input: { jobs } })
  expect(submitJobs).toMatchObject({
    __typename: 'Conflict',
    message: 'The address "abeja:17" is taken.',
  })
  expect((await list(app.admin, { serviceIds: [queue] })).nodes).toMatchObject([
    { id: first.id, status: 'QUEUED' },
  ])
  expect(await named('topchef:y')).toBe(null)
})

test('two jobs of one call are not given one address, nor one job two of a front', async () => {
  const queue = await seedQueue(app.admin)
  const twice = [{ addresses: ['abeja:a'] }, { addresses: ['topchef:a', 'abeja:a'] }]
  const jobs = twice.map((one) => ({ serviceId: queue, ...one }))
  const { submitJobs } = await app.admin.request(SubmitMany, { input: { jobs } })
  expect(submitJobs).toMatchObject({ issues: [{ path: ['jobs', '1', 'addresses', '1'] }] })
  for (const addresses of [['abeja:b', 'abeja:c'], ['nowhere:1'], ['topchef:']]) {
    const input = { serviceId: queue, addresses }
    expect((await app.admin.request(Submit, { input })).submitJob).toMatchObject({
      issues: [{ path: expect.arrayContaining(['addresses']) }],
    })
  }
})

test('the same call with a key gives its job the address once', async () => {
  const queue = await seedQueue(app.admin)
  const input = { serviceId: queue, addresses: ['abeja:once'], idempotencyKey: 'named-once' }
  const first = succeeded(
    (await app.admin.request(Submit, { input })).submitJob,
    'SubmitJobSuccess',
  )
  const again = succeeded(
    (await app.admin.request(Submit, { input })).submitJob,
    'SubmitJobSuccess',
  )
  expect(again).toMatchObject({ replayed: true, job: { id: first.job.id } })
})

test('an amendment sets and removes annotations, tells whose, and alone takes the job from nobody', async () => {
  const queue = await seedQueue(app.admin)
  const annotations = [{ front: 'TOPCHEF' as const, value: 1 }]
  const { id } = await submit(app.admin, queue, { annotations, addresses: ['abeja:amended'] })
  const lease = await claimOne(app.admin, queue)
  const { amendJob } = await app.admin.request(Amend, {
    input: {
      id,
      annotations: [
        { front: 'TOPCHEF', value: null },
        { front: 'ABEJA', value: { finer: 'packaging' } },
      ],
    },
  })
  expect(amendJob).toMatchObject({ job: { status: 'RUNNING', attempt: 1 } })
  expect(await named(id)).toMatchObject({ topchef: null, abeja: { finer: 'packaging' } })
  expect((await read(app.admin, id)).events.nodes.at(-1)).toMatchObject({
    kind: 'AMENDED',
    changes: [{ field: 'annotations.TOPCHEF' }, { field: 'annotations.ABEJA' }],
  })
  expect(await complete(app.admin, lease, 1)).toMatchObject({ job: { status: 'SUCCEEDED' } })
  const { retryJob } = await app.admin.request(Retry, { input: { id } })
  const { job } = succeeded(retryJob, 'RetryJobSuccess')
  expect(await named(job.id)).toMatchObject({ abeja: null, addresses: [{ front: 'TOPCHEF' }] })
})

test('what a job was called is free again when the job is gone', async () => {
  const queue = await seedQueue(app.admin)
  const again = { addresses: ['abeja:again'], annotations: [{ front: 'ABEJA' as const, value: 1 }] }
  await submit(app.admin, queue, { ...again, retainSeconds: 0 })
  await complete(app.admin, await claimOne(app.admin, queue))
  expect(await named('abeja:again')).toBe(null)
  const input = { serviceId: queue, ...again }
  const submitted = async () => (await app.admin.request(Submit, { input })).submitJob
  await until(async () => (await submitted()).__typename === 'SubmitJobSuccess')
  expect(await named('abeja:again')).toMatchObject({ abeja: 1 })
})

test('a job is part of a project of its own organization, and so is what runs it again', async () => {
  const { createProject } = await app.admin.request(CreateProject, { name: 'of jobs' })
  const { project } = succeeded(createProject, 'CreateProjectSuccess')
  const queue = await seedQueue(app.admin)
  const { id } = await submit(app.admin, queue, { projectId: project.handle })
  expect(await named(id)).toMatchObject({ project: { id: project.id } })
  expect(await named((await submit(app.admin, queue)).id)).toMatchObject({ project: null })
  await complete(app.admin, await claimOne(app.admin, queue))
  const { retryJob } = await app.admin.request(Retry, { input: { id } })
  const { job } = succeeded(retryJob, 'RetryJobSuccess')
  expect(await named(job.id)).toMatchObject({ project: { id: project.id } })
  const other = await seedOrganization(app)
  const made = await other.admin.request(CreateProject, { name: 'elsewhere' })
  const foreign = succeeded(made.createProject, 'CreateProjectSuccess').project.id
  for (const projectId of [foreign, 'elsewhere']) {
    const input = { serviceId: queue, projectId }
    expect((await app.admin.request(Submit, { input })).submitJob.__typename).toBe('NotFound')
  }
})
