import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedApp, type SharedApp } from '../../testkit/shared.ts'
import { AppendLog, Heartbeats, Release } from '../../testkit/operations/workers.ts'
import {
  claim,
  claimOne,
  complete,
  fail,
  read,
  seedQueue,
  submit,
} from '../../testkit/seed/jobs.ts'
import { until } from '../../testkit/until.ts'

let app: SharedApp
beforeAll(async () => {
  app = await sharedApp()
})
afterAll(() => app.close())

const beat = async (...beats: { jobId: string; fence: string; fraction?: number }[]) => {
  const input = {
    worker: 'w',
    jobs: beats.map(({ jobId, fence, fraction }) => ({ jobId, fence, fraction })),
  }
  const { heartbeatJobs } = await app.admin.request(Heartbeats, { input })
  return heartbeatJobs
}

test('a job whose worker falls silent is claimed by another, and the first has lost it', async () => {
  const queue = await seedQueue(app.admin)
  const { id } = await submit(app.admin, queue, { maxAttempts: 2 })
  const first = await claimOne(app.admin, queue, { worker: 'first', leaseSeconds: 1 })
  const second = await claimOne(app.admin, queue, { worker: 'second', waitSeconds: 20 })
  expect(second).toMatchObject({ jobId: id, attempt: 2 })
  const { fence } = first
  for (const late of [
    await complete(app.admin, first, 'late'),
    await fail(app.admin, first),
    (
      await app.admin.request(AppendLog, {
        input: { jobId: id, fence, firstLine: 1, lines: ['x'] },
      })
    ).appendJobLog,
  ])
    expect(late).toMatchObject({ __typename: 'StaleLease', attempt: 2 })
  expect(await beat(first, second)).toMatchObject({
    heartbeats: [{ isHeld: false }, { isHeld: true, cancelRequested: false }],
  })
  await complete(app.admin, second, 'second')
  const job = await read(app.admin, id)
  expect(job).toMatchObject({ status: 'SUCCEEDED', result: 'second' })
  expect(job.attempts).toMatchObject([
    { worker: 'first', outcome: 'LOST', error: { kind: 'LOST' } },
    { worker: 'second', outcome: 'SUCCEEDED', error: null },
  ])
  expect(job.events.nodes.map(({ kind }) => kind)).toEqual([
    'QUEUED',
    'CLAIMED',
    'LOST',
    'REQUEUED',
    'CLAIMED',
    'SUCCEEDED',
  ])
  expect(job.logs.nodes).toEqual([])
})

test('a lost job without attempts left has failed for that reason', async () => {
  const queue = await seedQueue(app.admin)
  const { id } = await submit(app.admin, queue)
  await claimOne(app.admin, queue, { leaseSeconds: 1 })
  await until(async () => (await read(app.admin, id)).status === 'FAILED')
  expect(await read(app.admin, id)).toMatchObject({ error: { kind: 'LOST' } })
})

test('heartbeats keep a lease beyond its length, and tell how far the job is', async () => {
  const queue = await seedQueue(app.admin)
  const { id } = await submit(app.admin, queue)
  const lease = await claimOne(app.admin, queue, { leaseSeconds: 1 })
  const began = Date.now()
  for (let n = 0; Date.now() - began < 3_000; n += 1) {
    await beat({ ...lease, ...(n % 4 === 0 ? { fraction: n / 100 } : {}) })
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  expect(await complete(app.admin, lease)).toMatchObject({ job: { status: 'SUCCEEDED' } })
  const kinds = (await read(app.admin, id)).events.nodes.map(({ kind }) => kind)
  expect(kinds.filter((kind) => kind === 'PROGRESS').length).toBeGreaterThan(1)
  expect(kinds).not.toContain('LOST')
})

test('a report that is sent again is answered like the first', async () => {
  const queue = await seedQueue(app.admin)
  await submit(app.admin, queue)
  const lease = await claimOne(app.admin, queue)
  await complete(app.admin, lease, 1)
  expect(await complete(app.admin, lease, 1)).toMatchObject({ job: { result: 1, revision: 3 } })
  expect(await fail(app.admin, lease)).toMatchObject({ __typename: 'StaleLease' })
})

test('a claim without a lease is lost never, and by its time-out only', async () => {
  const queue = await seedQueue(app.admin)
  const { id } = await submit(app.admin, queue, { timeoutSeconds: 2 })
  const lease = await claimOne(app.admin, queue, { leaseSeconds: null })
  expect(lease.expiresAt).toBe(null)
  await until(async () => (await read(app.admin, id)).status === 'FAILED')
  const job = await read(app.admin, id)
  expect(job).toMatchObject({ error: { kind: 'TIMED_OUT' } })
  expect(job.attempts).toMatchObject([{ outcome: 'TIMED_OUT' }])
})

test('a job that is given back loses nothing and is claimed again at once', async () => {
  const queue = await seedQueue(app.admin)
  const { id } = await submit(app.admin, queue)
  const lease = await claimOne(app.admin, queue)
  const { jobId, fence } = lease
  const input = { jobs: [{ jobId, fence }] }
  const { releaseJobs } = await app.admin.request(Release, { input })
  expect(releaseJobs).toMatchObject({ jobs: [{ status: 'QUEUED', attempt: 1 }] })
  const again = await claimOne(app.admin, queue)
  expect(again.attempt).toBe(2)
  expect((await read(app.admin, id)).attempts).toMatchObject([
    { outcome: 'PREEMPTED' },
    { outcome: null },
  ])
  expect((await app.admin.request(Release, { input })).releaseJobs).toMatchObject({ jobs: [] })
  expect(await fail(app.admin, again)).toMatchObject({ job: { status: 'FAILED' } })
})

test('a failure is tried again while attempts are left, unless it is not retryable', async () => {
  const queue = await seedQueue(app.admin)
  const { id } = await submit(app.admin, queue, { maxAttempts: 3 })
  const first = await claimOne(app.admin, queue)
  expect(await fail(app.admin, first, { message: 'first', detail: { at: 1 } })).toMatchObject({
    job: { status: 'QUEUED', error: { kind: 'RAISED', message: 'first', detail: { at: 1 } } },
  })
  expect(await claim(app.admin, queue)).toEqual([])
  const second = await claimOne(app.admin, queue, { waitSeconds: 20 })
  expect(await fail(app.admin, second, { isRetryable: false })).toMatchObject({
    job: { status: 'FAILED' },
  })
  expect((await read(app.admin, id)).attempts).toMatchObject([
    { outcome: 'FAILED', error: { message: 'first' } },
    { outcome: 'FAILED', error: { message: 'no' } },
  ])
})

const large = (letter: string): string => letter.repeat(300_000)

test('a large result stays the one that was accepted, whatever is sent after it', async () => {
  const queue = await seedQueue(app.admin)
  const { id } = await submit(app.admin, queue)
  const lease = await claimOne(app.admin, queue)
  const stranger = { jobId: id, fence: '../../1.x/y' }
  expect(await complete(app.admin, stranger, large('x'))).toMatchObject({
    __typename: 'StaleLease',
  })
  expect(await complete(app.admin, lease, large('a'))).toMatchObject({
    __typename: 'CompleteJobSuccess',
  })
  for (const fence of [lease.fence, stranger.fence])
    await complete(app.admin, { jobId: id, fence }, large('b'))
  expect((await read(app.admin, id)).result).toBe(large('a'))
})
