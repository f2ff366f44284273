import { afterAll, beforeAll, expect, test } from 'vitest'
import { graphql } from '../../testkit/generated/index.ts'
import { Amend, CancelMany } from '../../testkit/operations/jobs.ts'
import { stop } from '../../testkit/operations/services.ts'
import { claim, claimOne, complete, fail, seedQueue, submit } from '../../testkit/seed/jobs.ts'
import { becomes, runningService } from '../../testkit/seed/services.ts'
import { sharedApp, type SharedApp } from '../../testkit/shared.ts'

const Waiting = graphql(`
  query WaitingFor($id: ID!) {
    job(id: $id) {
      waitingFor {
        reason
        message
        position
        until
      }
    }
  }
`)

let app: SharedApp
beforeAll(async () => {
  app = await sharedApp()
})
afterAll(() => app.close())

const waiting = async (id: string) =>
  (await app.admin.request(Waiting, { id })).job?.waitingFor ?? null

/** A queue that a worker has just asked for jobs. */
async function workedQueue(more: { concurrency?: number } = {}): Promise<string> {
  const queue = await seedQueue(app.admin, undefined, more)
  await claim(app.admin, queue)
  return queue
}

const LATER = '2999-01-01T00:00:00.000000Z'

test('without a worker a job waits for one, whatever its place', async () => {
  const queue = await seedQueue(app.admin)
  const [first, second] = [await submit(app.admin, queue), await submit(app.admin, queue)]
  const message = 'No worker of its queue was seen in the last minute.'
  const reason = 'NO_WORKER'
  expect(await waiting(first.id)).toEqual({ reason, message, position: 1, until: null })
  expect(await waiting(second.id)).toEqual({ reason, message, position: 2, until: null })
})

test('with a worker the next job waits for it to be free, the others for their turn', async () => {
  const queue = await workedQueue()
  const [first, second] = [await submit(app.admin, queue), await submit(app.admin, queue)]
  expect(await waiting(first.id)).toEqual({
    reason: 'NO_FREE_WORKER',
    message: 'It is next in its queue, and waits for a free worker.',
    position: 1,
    until: null,
  })
  expect(await waiting(second.id)).toEqual({
    reason: 'ITS_TURN',
    message: 'Other jobs of its queue come first.',
    position: 2,
    until: null,
  })
  const lease = await claimOne(app.admin, queue)
  expect(await waiting(lease.jobId)).toBe(null)
  expect(await waiting(second.id)).toMatchObject({ reason: 'NO_FREE_WORKER', position: 1 })
  await complete(app.admin, lease)
  expect(await waiting(lease.jobId)).toBe(null)
})

test('a job that is scheduled for later has no place, and takes none from others', async () => {
  const queue = await workedQueue()
  const scheduled = await submit(app.admin, queue, { runAfter: LATER, priority: 5 })
  const { id } = await submit(app.admin, queue)
  expect(await waiting(scheduled.id)).toEqual({
    reason: 'SCHEDULED',
    message: 'It is scheduled for later.',
    position: null,
    until: LATER,
  })
  expect(await waiting(id)).toMatchObject({ reason: 'NO_FREE_WORKER', position: 1 })
})

test('a job that has failed waits for its next try, and an amended one again for its time', async () => {
  const queue = await workedQueue()
  const { id } = await submit(app.admin, queue, { maxAttempts: 9 })
  await fail(app.admin, await claimOne(app.admin, queue))
  expect(await waiting(id)).toEqual({
    reason: 'BACKOFF',
    message: 'Its last attempt failed. It is tried again after a pause.',
    position: null,
    until: expect.any(String),
  })
  const scheduled = await submit(app.admin, queue, { runAfter: LATER })
  for (const status of ['RUNNING', 'QUEUED'] as const)
    await app.admin.request(Amend, { input: { id: scheduled.id, status } })
  expect(await waiting(scheduled.id)).toMatchObject({ reason: 'SCHEDULED', until: LATER })
})

test('a job of a lane waits for those before it, and while one of them runs for the lane', async () => {
  const queue = await workedQueue()
  const first = await submit(app.admin, queue, { lane: 'l', maxAttempts: 9 })
  const second = await submit(app.admin, queue, { lane: 'l' })
  const free = await submit(app.admin, queue)
  expect(await waiting(first.id)).toMatchObject({
    reason: 'NO_FREE_WORKER',
    message: 'It is next in its lane, and waits for a free worker.',
    position: 1,
  })
  expect(await waiting(second.id)).toMatchObject({
    reason: 'ITS_TURN',
    message: 'Other jobs of its lane come first, one at a time.',
    position: 2,
  })
  expect(await waiting(free.id)).toMatchObject({
    message: 'It is next among the jobs without a lane, and waits for a free worker.',
    position: 1,
  })
  const lease = await claimOne(app.admin, queue)
  expect(lease.jobId).toBe(first.id)
  expect(await waiting(second.id)).toEqual({
    reason: 'LANE_BUSY',
    message: 'Another job of its lane runs: a lane runs one job at a time.',
    position: 1,
    until: null,
  })
  await fail(app.admin, lease)
  // it keeps its place in its lane while it waits to be tried again
  expect(await waiting(second.id)).toMatchObject({ reason: 'ITS_TURN', position: 2 })
})

test('a job waits while its service runs as many as it may', async () => {
  const queue = await workedQueue({ concurrency: 1 })
  const [running, next, other] = await Promise.all([1, 2, 3].map(() => submit(app.admin, queue)))
  const lease = await claimOne(app.admin, queue)
  const rest = [running, next, other].filter((job) => job?.id !== lease.jobId)
  expect(await Promise.all(rest.map((job) => waiting(job?.id ?? '')))).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ reason: 'CONCURRENCY', position: 1 }),
      expect.objectContaining({ reason: 'CONCURRENCY', position: 2 }),
    ]),
  )
  await complete(app.admin, lease)
  expect(
    (await Promise.all(rest.map((job) => waiting(job?.id ?? '')))).map((w) => w?.reason),
  ).toEqual(expect.arrayContaining(['NO_FREE_WORKER', 'ITS_TURN']))
})

test('a job of a service whose processes do not run waits for them', async () => {
  const files = { 'main.mjs': 'export const handler = () => new Response("1")' }
  const { id: service } = await runningService(app.admin, files, { image: 'node' })
  await stop(app.admin, service)
  await becomes(app.admin, service, 'STOPPED')
  const { id } = await submit(app.admin, service)
  expect(await waiting(id)).toEqual({
    reason: 'SERVICE_NOT_RUNNING',
    message: 'Its service does not run.',
    position: null,
    until: null,
  })
})

test('a job that the server does itself waits for no worker', async () => {
  const queue = await seedQueue(app.admin)
  const { cancelJobs } = await app.admin.request(CancelMany, {
    input: { filter: { serviceIds: [queue] } },
  })
  const job = 'job' in cancelJobs ? cancelJobs.job : undefined
  const seen = await waiting(job?.id ?? '')
  expect([undefined, 'NO_FREE_WORKER', 'ITS_TURN']).toContain(seen?.reason)
})
