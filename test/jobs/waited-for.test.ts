import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedApp, type SharedApp } from '../../testkit/shared.ts'
import { CancelMany, Retry } from '../../testkit/operations/jobs.ts'
import { Release } from '../../testkit/operations/workers.ts'
import { succeeded } from '../../testkit/outcome.ts'
import {
  board,
  claim,
  claimOne,
  complete,
  fail,
  list,
  read,
  seedQueue,
  submit,
  submitMany,
} from '../../testkit/seed/jobs.ts'
import { until } from '../../testkit/until.ts'
import type { SubmitJobInput } from '../../testkit/generated/graphql.ts'

let app: SharedApp
beforeAll(async () => {
  app = await sharedApp()
})
const answers: Promise<unknown>[] = []
afterAll(async () => {
  await Promise.all(answers)
  await app.close()
})

/** Submits a job whose end is waited for, and answers when it is in its queue. It keeps its place when nobody waits. */
async function awaited(queue: string, more: Partial<SubmitJobInput> = {}) {
  const known = async () => (await list(app.admin, { serviceIds: [queue] })).nodes
  const before = new Set((await known()).map(({ id }) => id))
  const answer = submit(app.admin, queue, { waitSeconds: 1, ...more })
  answers.push(answer)
  const added = async () => (await known()).find(({ id }) => !before.has(id))
  await until(async () => (await added()) !== undefined)
  return { id: (await added())?.id ?? '', answer }
}

const claimed = async (queue: string, max = 10) =>
  (await claim(app.admin, queue, { max })).map(({ job }) => job.id)

test('a job that somebody waits for goes before others of its priority, and after those of a higher one', async () => {
  const queue = await seedQueue(app.admin)
  const [low, high] = await submitMany(app.admin, queue, [{}, { priority: 1 }])
  const { id, answer } = await awaited(queue, { waitSeconds: 30 })
  const second = await awaited(queue)
  const places = (await board(app.admin, queue)).jobs.nodes
  const leases = await claim(app.admin, queue, { max: 10 })
  expect(leases.map(({ job }) => job.id)).toEqual([high, id, second.id, low])
  expect(places.map((job) => job.id)).toEqual([low, high, id, second.id])
  const mine = leases.find(({ job }) => job.id === id)
  await complete(app.admin, { jobId: id, fence: mine?.fence ?? '' }, 'done')
  expect(await answer).toMatchObject({ id, status: 'SUCCEEDED', result: 'done' })
})

test('a job that somebody waits for says its place in the queue by that', async () => {
  const queue = await seedQueue(app.admin)
  await claim(app.admin, queue) // a worker was seen
  const first = await submit(app.admin, queue)
  const { id } = await awaited(queue)
  const places = (await board(app.admin, queue)).jobs.nodes
  expect(places.map((job) => [job.id, job.waitingFor?.position])).toEqual([
    [first.id, 2],
    [id, 1],
  ])
})

test('what somebody waits for keeps that place when it returns to the queue', async () => {
  const queue = await seedQueue(app.admin)
  const [first] = await submitMany(app.admin, queue, [{}, {}])
  const { id } = await awaited(queue)
  const lease = await claimOne(app.admin, queue)
  expect(lease.jobId).toBe(id)
  await app.admin.request(Release, { input: { jobs: [{ jobId: id, fence: lease.fence }] } })
  expect((await claimed(queue)).slice(0, 2)).toEqual([id, first])
})

test('within a lane nobody is overtaken by who waits, beside other lanes and under a limit', async () => {
  const queue = await seedQueue(app.admin, [{}], { concurrency: 3 })
  const [a1, free] = await submitMany(app.admin, queue, [{ lane: 'a' }, {}, { lane: 'b' }])
  const behind = await awaited(queue, { lane: 'a' })
  const head = await awaited(queue, { lane: 'c' })
  const [first, ...others] = await claim(app.admin, queue, { max: 3 })
  expect([first, ...others].map((lease) => lease?.job.id)).toEqual([head.id, a1, free])
  const lease = others.find(({ job }) => job.id === a1)
  await complete(app.admin, { jobId: a1 ?? '', fence: lease?.fence ?? '' })
  expect(await claimed(queue)).toEqual([behind.id])
})

test('a job that is run again is waited for too, and goes first', async () => {
  const queue = await seedQueue(app.admin)
  const { id } = await submit(app.admin, queue)
  await fail(app.admin, await claimOne(app.admin, queue))
  const other = await submit(app.admin, queue)
  const answer = app.admin.request(Retry, { input: { id, waitSeconds: 30 } })
  await until(async () => (await board(app.admin, queue)).jobCounts.queued === 2)
  const lease = await claimOne(app.admin, queue)
  expect(lease.jobId).not.toBe(other.id)
  await complete(app.admin, lease)
  const { job } = succeeded((await answer).retryJob, 'RetryJobSuccess')
  expect(job).toMatchObject({ id: lease.jobId, status: 'SUCCEEDED', retryOf: { id } })
})

test('the end of a job that does something to many can be waited for', async () => {
  const queue = await seedQueue(app.admin)
  const { id } = await submit(app.admin, queue)
  const input = { filter: { serviceIds: [queue] }, waitSeconds: 30 }
  const { cancelJobs } = await app.admin.request(CancelMany, { input })
  expect(cancelJobs).toMatchObject({ matched: 1, job: { status: 'SUCCEEDED' } })
  expect((await read(app.admin, id)).status).toBe('CANCELED')
  const tooLong = { ...input, waitSeconds: 31 }
  expect((await app.admin.request(CancelMany, { input: tooLong })).cancelJobs).toMatchObject({
    __typename: 'ValidationError',
  })
})
