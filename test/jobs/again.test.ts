import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedApp, type SharedApp } from '../../testkit/shared.ts'
import { Amend, CancelMany, Retry, RetryMany } from '../../testkit/operations/jobs.ts'
import { DeleteService } from '../../testkit/operations/services.ts'
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
import type { AmendJobInput, JobStatus } from '../../testkit/generated/graphql.ts'

let app: SharedApp
beforeAll(async () => {
  app = await sharedApp()
})
afterAll(() => app.close())

const amend = async (input: AmendJobInput) => (await app.admin.request(Amend, { input })).amendJob

test('a finished job is run again as a new one that remembers the first', async () => {
  const queue = await seedQueue(app.admin)
  const { id } = await submit(app.admin, queue, { parameters: { x: 1 }, priority: 3 })
  const { retryJob: early } = await app.admin.request(Retry, { input: { id } })
  expect(early.__typename).toBe('WrongState')
  await fail(app.admin, await claimOne(app.admin, queue))
  const input = { id, idempotencyKey: 'once' }
  const { retryJob } = await app.admin.request(Retry, { input })
  const { job } = succeeded(retryJob, 'RetryJobSuccess')
  expect(job).toMatchObject({
    status: 'QUEUED',
    parameters: { x: 1 },
    priority: 3,
    retryOf: { id },
    root: { id },
  })
  const { retryJob: repeated } = await app.admin.request(Retry, { input })
  expect(succeeded(repeated, 'RetryJobSuccess').job.id).toBe(job.id)
  expect((await list(app.admin, { rootIds: [id] })).nodes.map((one) => one.id)).toEqual([
    job.id,
    id,
  ])
})

test('an amendment leads from every state to every state, and ends the lease', async () => {
  const queue = await seedQueue(app.admin)
  const { id } = await submit(app.admin, queue)
  const lease = await claimOne(app.admin, queue)
  expect(await amend({ id, status: 'SUCCEEDED', result: { by: 'hand' } })).toMatchObject({
    job: { status: 'SUCCEEDED', result: { by: 'hand' } },
  })
  expect(await complete(app.admin, lease, 1)).toMatchObject({ __typename: 'StaleLease' })
  const states = ['QUEUED', 'RUNNING', 'FAILED', 'CANCELED', 'RUNNING', 'QUEUED'] as const
  for (const status of states)
    expect(await amend({ id, status, reason: 'a try' })).toMatchObject({
      job: { status, result: { by: 'hand' } },
    })
  const again = await claimOne(app.admin, queue)
  expect(again.jobId).toBe(id)
  await complete(app.admin, again, 2)
  const job = await read(app.admin, id)
  expect(job).toMatchObject({ status: 'SUCCEEDED', result: 2 })
  const folded = job.events.nodes
    .flatMap(({ changes }) => changes)
    .filter(({ field }) => field === 'status')
    .map(({ to }) => to)
  expect(folded.at(-1)).toBe('SUCCEEDED')
  expect(job.events.nodes.map(({ number }) => number)).toEqual(
    Array.from({ length: job.revision }, (_, n) => n + 1),
  )
})

test('an amendment with a result that does not fit changes nothing', async () => {
  const queue = await seedQueue(app.admin, [{ resultSchema: { type: 'number' } }])
  const { id, revision } = await submit(app.admin, queue)
  expect(await amend({ id, status: 'SUCCEEDED', result: 'no' })).toMatchObject({
    __typename: 'ValidationError',
  })
  expect(await read(app.admin, id)).toMatchObject({ status: 'QUEUED', revision })
})

test('no amendment lets two jobs of a lane run', async () => {
  const queue = await seedQueue(app.admin)
  const [one = '', two = ''] = await submitMany(app.admin, queue, [{ lane: 'l' }, { lane: 'l' }])
  expect(await amend({ id: one, status: 'RUNNING' })).toMatchObject({ job: { status: 'RUNNING' } })
  expect(await amend({ id: two, status: 'RUNNING' })).toMatchObject({ __typename: 'Conflict' })
  expect(await claim(app.admin, queue)).toEqual([])
})

test('all that match are canceled, and all that failed run again, as jobs of their own', async () => {
  const queue = await seedQueue(app.admin)
  const other = await seedQueue(app.admin)
  const ids = await submitMany(
    app.admin,
    queue,
    Array.from({ length: 450 }, (_, n) => ({ labels: [{ name: 'half', value: `${n % 2}` }] })),
  )
  const kept = await submit(app.admin, other)
  const filter = { serviceIds: [queue], labels: [{ name: 'half', value: '1' }] }
  const { cancelJobs } = await app.admin.request(CancelMany, { input: { filter, reason: 'half' } })
  const canceling = succeeded(cancelJobs, 'CancelJobsSuccess')
  expect(canceling.matched).toBe(225)
  await until(async () => (await read(app.admin, canceling.job.id)).status === 'SUCCEEDED')
  expect(await read(app.admin, canceling.job.id)).toMatchObject({ result: { done: 225 } })
  expect((await board(app.admin, queue)).jobCounts).toMatchObject({ queued: 225, canceled: 225 })
  expect(await read(app.admin, kept.id)).toMatchObject({ status: 'QUEUED' })
  expect((await read(app.admin, ids[1] ?? '')).events.nodes.at(-1)?.kind).toBe('CANCELED')

  for (const { job, fence } of await claim(app.admin, queue, { max: 10 }))
    await fail(app.admin, { jobId: job.id, fence })
  const failed = { serviceIds: [queue] }
  const { retryJobs } = await app.admin.request(RetryMany, { input: { filter: failed } })
  const retrying = succeeded(retryJobs, 'RetryJobsSuccess')
  expect(retrying.matched).toBe(10)
  await until(async () => (await read(app.admin, retrying.job.id)).status === 'SUCCEEDED')
  expect((await board(app.admin, queue)).jobCounts).toMatchObject({ queued: 225, failed: 10 })
  const { retryJobs: nothing } = await app.admin.request(RetryMany, { input: { filter: failed } })
  expect(nothing).toMatchObject({ matched: 0 })
})

test('retryJobs runs what has failed, or has ended as the filter says, and nothing that was run again before', async () => {
  const queue = await seedQueue(app.admin)
  const labels = [{ name: 'of', value: queue }]
  const retryMany = async (statuses?: JobStatus[]) => {
    const input = { filter: { labels, statuses }, waitSeconds: 20 }
    const { retryJobs } = await app.admin.request(RetryMany, { input })
    const { matched, job } = succeeded(retryJobs, 'RetryJobsSuccess')
    expect((await read(app.admin, job.id)).result).toEqual({ done: matched })
    return matched
  }
  const failNext = async () => fail(app.admin, await claimOne(app.admin, queue))
  await submitMany(
    app.admin,
    queue,
    Array.from({ length: 4 }, () => ({ labels })),
  )
  await failNext()
  await failNext()
  await complete(app.admin, await claimOne(app.admin, queue), 1)
  await app.admin.request(CancelMany, {
    input: { filter: { serviceIds: [queue], statuses: ['QUEUED'] }, waitSeconds: 20 },
  })
  expect((await board(app.admin, queue)).jobCounts).toMatchObject({
    failed: 2,
    succeeded: 1,
    canceled: 1,
  })
  expect(await retryMany()).toBe(2)
  await failNext() // a run that fails too is run again, what it ran again is not
  expect(await retryMany(['FAILED', 'RUNNING', 'QUEUED'])).toBe(1)
  expect(await retryMany(['CANCELED'])).toBe(1)
  expect(await retryMany(['SUCCEEDED'])).toBe(1)
  expect(await retryMany(['SUCCEEDED', 'CANCELED', 'FAILED'])).toBe(0)
  await failNext()
  await app.admin.request(DeleteService, { input: { id: queue } })
  expect(await retryMany()).toBe(0)
})

test('of two retryJobs at once none runs again what the other does', async () => {
  const queue = await seedQueue(app.admin)
  await submitMany(
    app.admin,
    queue,
    Array.from({ length: 300 }, () => ({})),
  )
  const filter = { serviceIds: [queue] }
  await app.admin.request(CancelMany, { input: { filter, waitSeconds: 20 } })
  const ask = { filter: { ...filter, statuses: ['CANCELED' as const] }, waitSeconds: 20 }
  const both = await Promise.all(
    [1, 2].map(async () => {
      const { retryJobs } = await app.admin.request(RetryMany, { input: ask })
      const { job } = succeeded(retryJobs, 'RetryJobsSuccess')
      await until(async () => (await read(app.admin, job.id)).status === 'SUCCEEDED')
      return (await read(app.admin, job.id)).result as { done: number }
    }),
  )
  expect(both.reduce((sum, { done }) => sum + done, 0)).toBe(300)
  expect((await board(app.admin, queue)).jobCounts).toMatchObject({ queued: 300, canceled: 300 })
})
