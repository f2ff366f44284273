import { afterAll, beforeAll, expect, test } from 'vitest'
import { testApp, type TestApp } from '../../testkit/app.ts'
import { Heartbeats } from '../../testkit/operations/workers.ts'
import { amount, freshSeed, random } from '../../testkit/random.ts'
import {
  cancel,
  claim,
  claimOne,
  complete,
  fail,
  read,
  seedQueue,
  settled,
  submit,
} from '../../testkit/seed/jobs.ts'
import { until } from '../../testkit/until.ts'

let app: TestApp
beforeAll(async () => {
  app = await testApp({ CANCEL_GRACE_SECONDS: '1' })
})
afterAll(() => app.close())

test('a queued job ends at once and is never claimed', async () => {
  const queue = await seedQueue(app.admin)
  const { id } = await submit(app.admin, queue)
  expect(await cancel(app.admin, id, 'not needed')).toMatchObject({ job: { status: 'CANCELED' } })
  expect(await claim(app.admin, queue)).toEqual([])
  expect(await cancel(app.admin, id)).toMatchObject({
    __typename: 'WrongState',
    state: 'CANCELED',
    allowed: ['QUEUED', 'RUNNING'],
  })
})

test('a worker sees the request with its next heartbeat, and what it then reports ends the job', async () => {
  const queue = await seedQueue(app.admin)
  const { id } = await submit(app.admin, queue, { maxAttempts: 5 })
  const { jobId, fence } = await claimOne(app.admin, queue)
  expect(await cancel(app.admin, id)).toMatchObject({ job: { status: 'RUNNING' } })
  const input = { worker: 'w', jobs: [{ jobId, fence }] }
  const { heartbeatJobs } = await app.admin.request(Heartbeats, { input })
  expect(heartbeatJobs).toMatchObject({ heartbeats: [{ isHeld: true, cancelRequested: true }] })
  expect(await fail(app.admin, { jobId, fence })).toMatchObject({ job: { status: 'CANCELED' } })
  expect((await read(app.admin, id)).attempts).toMatchObject([{ outcome: 'CANCELED' }])
})

test('the job of a worker that does not heed it is canceled at the deadline, and a late success changes nothing', async () => {
  const queue = await seedQueue(app.admin)
  const { id } = await submit(app.admin, queue)
  const lease = await claimOne(app.admin, queue, { leaseSeconds: 60 })
  await cancel(app.admin, id)
  await until(async () => (await read(app.admin, id)).status === 'CANCELED')
  expect(await complete(app.admin, lease, 'late')).toMatchObject({ __typename: 'StaleLease' })
  expect(await read(app.admin, id)).toMatchObject({ status: 'CANCELED', result: null })
})

test('a success before the deadline is a success', async () => {
  const queue = await seedQueue(app.admin)
  const { id } = await submit(app.admin, queue)
  const lease = await claimOne(app.admin, queue)
  await cancel(app.admin, id)
  expect(await complete(app.admin, lease, 1)).toMatchObject({ job: { status: 'SUCCEEDED' } })
})

test('canceled at random moments, a job ends once and stays as it ended', async () => {
  const queue = await seedQueue(app.admin)
  const chance = random(freshSeed())
  const jobs = amount({ share: 40, whole: 200 })
  const ids: string[] = []
  const worker = async (): Promise<void> => {
    while (ids.length < jobs || (await claim(app.admin, queue)).length > 0)
      for (const { job, fence } of await claim(app.admin, queue, { waitSeconds: 1 }))
        await complete(app.admin, { jobId: job.id, fence })
  }
  const working = [worker(), worker()]
  for (let n = 0; n < jobs; n += 1) {
    const { id } = await submit(app.admin, queue)
    ids.push(id)
    if (chance() < 0.5) await new Promise((resolve) => setTimeout(resolve, chance() * 10))
    await cancel(app.admin, id)
  }
  await Promise.all(working)
  await settled(app.admin, queue)
  for (const id of ids) {
    const { status, events } = await read(app.admin, id)
    const ends = events.nodes.filter(({ changes }) =>
      changes.some(({ field, to }) => field === 'status' && to !== 'QUEUED' && to !== 'RUNNING'),
    )
    expect(ends).toHaveLength(1)
    expect(ends[0]?.changes[0]?.to).toBe(status)
  }
})
