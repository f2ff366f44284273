import { afterAll, beforeAll, expect, test } from 'vitest'
import { graphql } from '../../testkit/generated/index.ts'
import { sharedApp, type SharedApp } from '../../testkit/shared.ts'
import { succeeded } from '../../testkit/outcome.ts'
import {
  board,
  claim,
  claimOne,
  complete,
  list,
  read,
  seedQueue,
  submit,
} from '../../testkit/seed/jobs.ts'
import { runningService } from '../../testkit/seed/services.ts'
import { until } from '../../testkit/until.ts'

const CheckIn = graphql(`
  mutation CheckIn($input: CheckInServiceInput!) {
    checkInService(input: $input) {
      __typename
      ... on CheckInServiceSuccess {
        service {
          isAvailable
          hasTimedOut
          status
        }
      }
      ... on UserError {
        message
      }
    }
  }
`)

const Processes = graphql(`
  mutation QueueProcesses($id: ID!) {
    startService(input: { id: $id }) {
      __typename
    }
    invokeService(input: { id: $id }) {
      __typename
    }
  }
`)

const DeleteQueue = graphql(`
  mutation DeleteQueue($id: ID!) {
    deleteService(input: { id: $id }) {
      __typename
      ... on DeleteServiceSuccess {
        service {
          status
        }
      }
    }
  }
`)

const UpdateQueue = graphql(`
  mutation UpdateQueue($input: UpdateServiceInput!) {
    updateService(input: $input) {
      __typename
      ... on UpdateServiceSuccess {
        service {
          name
          ... on QueueService {
            concurrency
            functions {
              name
            }
          }
        }
      }
      ... on UserError {
        message
      }
    }
  }
`)

const Usage = graphql(`
  query JobsStored {
    viewer {
      organization {
        usage {
          jobsStored
        }
      }
    }
    workers {
      nodes {
        name
        services {
          id
        }
      }
    }
  }
`)

let app: SharedApp
beforeAll(async () => {
  app = await sharedApp()
})
afterAll(() => app.close())

test('a queue keeps its contract as it was given, and says what may be done', async () => {
  const schema = {
    $schema: 'http://json-schema.org/draft-04/schema#',
    z: 1,
    a: [2],
    type: 'object',
  }
  const queue = await seedQueue(
    app.admin,
    [
      { name: 'fit', parametersSchema: schema },
      { name: 'predict', resultSchema: true },
    ],
    { concurrency: 3, timeoutSeconds: 60 },
  )
  const service = await board(app.admin, queue)
  expect(service).toMatchObject({
    status: 'UNAVAILABLE',
    concurrency: 3,
    timeoutSeconds: 60,
    isAvailable: false,
    hasTimedOut: false,
    viewerActions: ['UPDATE', 'DELETE', 'SUBMIT_JOB'],
    functions: [
      { name: 'fit', draft: 'DRAFT_04', resultSchema: null },
      { name: 'predict', draft: 'DRAFT_2020_12', parametersSchema: null, resultSchema: true },
    ],
  })
  expect(JSON.stringify(service.functions[0]?.parametersSchema)).toBe(JSON.stringify(schema))
  expect(await app.admin.request(Processes, { id: queue })).toEqual({
    startService: { __typename: 'ValidationError' },
    invokeService: { __typename: 'WrongState' },
  })
})

test('counters, statistics and reasons to wait follow what happens', async () => {
  const queue = await seedQueue(app.admin)
  const later = new Date(Date.now() + 3_600_000).toISOString()
  const [first, second, scheduled] = [
    await submit(app.admin, queue),
    await submit(app.admin, queue),
    await submit(app.admin, queue, { runAfter: later }),
  ]
  const waiting = await board(app.admin, queue)
  expect(waiting.jobCounts).toMatchObject({ queued: 3, running: 0, succeeded: 0 })
  expect(waiting.jobCounts.oldestQueuedAt).not.toBe(null)
  expect(waiting.jobs.nodes).toEqual([
    { id: first.id, waitingFor: { reason: 'NO_WORKER', position: 1, until: null } },
    { id: second.id, waitingFor: { reason: 'NO_WORKER', position: 2, until: null } },
    {
      id: scheduled.id,
      waitingFor: { reason: 'SCHEDULED', position: null, until: expect.any(String) },
    },
  ])
  const lease = await claimOne(app.admin, queue, { worker: 'busy' })
  const claimed = await board(app.admin, queue)
  expect(claimed.jobs.nodes.map(({ waitingFor }) => waitingFor?.reason)).toEqual([
    undefined,
    'NO_FREE_WORKER',
    'SCHEDULED',
  ])
  expect(claimed.jobs.nodes[1]?.waitingFor?.position).toBe(1)
  expect(claimed.workers).toEqual([
    { name: 'busy', isConnected: true, leases: { nodes: [{ id: first.id }] } },
  ])
  await complete(app.admin, lease)
  const done = await board(app.admin, queue)
  expect(done.jobCounts).toMatchObject({ queued: 2, running: 0, succeeded: 1 })
  const sums = done.jobStats.reduce(
    (sum, step) => ({
      submitted: sum.submitted + step.submitted,
      succeeded: sum.succeeded + step.succeeded,
    }),
    { submitted: 0, succeeded: 0 },
  )
  expect(sums).toEqual({ submitted: 3, succeeded: 1 })
  const { viewer, workers } = await app.admin.request(Usage)
  expect(viewer.organization.usage.jobsStored).toBe((await list(app.admin, {})).totalCount)
  expect(workers.nodes).toContainEqual({ name: 'busy', services: [{ id: queue }] })
})

test('a queue whose workers are silent has timed out, until one checks in', async () => {
  const queue = await seedQueue(app.admin, [{}], { timeoutSeconds: 1 })
  await claim(app.admin, queue)
  await until(async () => (await board(app.admin, queue)).status === 'READY')
  await until(async () => (await board(app.admin, queue)).status === 'UNAVAILABLE')
  expect(await board(app.admin, queue)).toMatchObject({ hasTimedOut: true, isAvailable: false })
  const input = { id: queue, isAvailable: true }
  const { checkInService } = await app.admin.request(CheckIn, { input })
  expect(succeeded(checkInService, 'CheckInServiceSuccess').service).toEqual({
    isAvailable: true,
    hasTimedOut: false,
    status: 'READY',
  })
  await until(async () => (await board(app.admin, queue)).hasTimedOut)
  expect((await board(app.admin, queue)).isAvailable).toBe(true)
})

test('a queue is changed, and jobs keep what they were submitted under', async () => {
  const queue = await seedQueue(app.admin, [{ name: 'a', resultSchema: { type: 'string' } }])
  await submit(app.admin, queue, { function: 'a' })
  const input = {
    id: queue,
    name: 'renamed',
    backend: { queue: { functions: [{ name: 'b' }], concurrency: 1 } },
  }
  const { updateService } = await app.admin.request(UpdateQueue, { input })
  expect(updateService).toMatchObject({
    service: { name: 'renamed', concurrency: 1, functions: [{ name: 'b' }] },
  })
  const lease = await claimOne(app.admin, queue)
  expect(await complete(app.admin, lease, 1)).toMatchObject({ __typename: 'ValidationError' })
  expect(await complete(app.admin, lease, 'x')).toMatchObject({ job: { status: 'SUCCEEDED' } })
})

test('a deleted queue takes its waiting jobs with it, which stay readable', async () => {
  const queue = await seedQueue(app.admin)
  const { id } = await submit(app.admin, queue)
  const { deleteService } = await app.admin.request(DeleteQueue, { id: queue })
  expect(deleteService).toMatchObject({ service: { status: 'STOPPED' } })
  await until(async () => (await read(app.admin, id)).status === 'CANCELED')
})

test('a job is gone for every reader when it has expired, and its place in the counters with it', async () => {
  const queue = await seedQueue(app.admin)
  const { id } = await submit(app.admin, queue, { retainSeconds: 0 })
  await complete(app.admin, await claimOne(app.admin, queue))
  await expect(read(app.admin, id)).rejects.toThrow('There is no job')
  expect((await list(app.admin, { serviceIds: [queue] })).nodes).toEqual([])
  await until(async () => (await board(app.admin, queue)).jobCounts.succeeded === 0)
})

test('a job of a service that runs as processes is done by calling it', async () => {
  const source = `
export async function handler(request) {
  const { x, status } = await request.json()
  if (status) return Response.json({ why: 'asked' }, { status })
  return Response.json({ doubled: x * 2 })
}`
  const service = await runningService(app.admin, { 'main.mjs': source }, { image: 'node' })
  const done = async (parameters: object) => {
    const { id } = await submit(app.admin, service.id, { parameters, maxAttempts: 2 })
    await until(async () => !['QUEUED', 'RUNNING'].includes((await read(app.admin, id)).status))
    return read(app.admin, id)
  }
  const [doubled, unfit, failed] = await Promise.all(
    [{ x: 21 }, { status: 404 }, { status: 500 }].map(done),
  )
  expect(doubled).toMatchObject({
    status: 'SUCCEEDED',
    result: { doubled: 42 },
    attempts: [{ number: 1, outcome: 'SUCCEEDED' }],
  })
  expect(unfit).toMatchObject({
    status: 'FAILED',
    error: { kind: 'BAD_INPUT', message: 'The service answered 404.' },
    attempts: [{ number: 1, outcome: 'FAILED' }],
  })
  expect(failed).toMatchObject({
    status: 'FAILED',
    error: { kind: 'RAISED' },
    attempts: [{ outcome: 'FAILED' }, { outcome: 'FAILED' }],
  })
})
