import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedApp, type SharedApp } from '../../testkit/shared.ts'
import { amount } from '../../testkit/random.ts'
import {
  claim,
  claimOne,
  complete,
  fail,
  read,
  seedQueue,
  submit,
  submitMany,
} from '../../testkit/seed/jobs.ts'
import { until } from '../../testkit/until.ts'

/** How many claim at once, and how many jobs there are for each lane or place: what meets is chance. */
const CLAIMERS = amount({ share: 12, whole: 50 })
const JOBS_EACH = amount({ share: 8, whole: 20 })

let app: SharedApp
beforeAll(async () => {
  app = await sharedApp()
})
afterAll(() => app.close())

test('jobs of one lane run one at a time, in their order, beside those of others', async () => {
  const queue = await seedQueue(app.admin)
  const ids = await submitMany(app.admin, queue, [
    { lane: 'a' },
    { lane: 'a' },
    { lane: 'b' },
    {},
    { lane: 'a', priority: 1 },
  ])
  const places = (leases: { job: { id: string } }[]) => leases.map(({ job }) => ids.indexOf(job.id))
  const first = await claim(app.admin, queue, { max: 10 })
  expect(places(first)).toEqual([4, 2, 3])
  expect(await claim(app.admin, queue, { max: 10 })).toEqual([])
  const [head] = first
  const waiting = claim(app.admin, queue, { max: 10, waitSeconds: 20 })
  await complete(app.admin, { jobId: head?.job.id ?? '', fence: head?.fence ?? '' })
  expect(places(await waiting)).toEqual([0])
})

test('a job that is to be tried again keeps its place in its lane', async () => {
  const queue = await seedQueue(app.admin)
  const [first] = await submitMany(app.admin, queue, [{ lane: 'l', maxAttempts: 2 }, { lane: 'l' }])
  await fail(app.admin, await claimOne(app.admin, queue))
  expect(await claim(app.admin, queue)).toEqual([])
  expect((await claimOne(app.admin, queue, { waitSeconds: 20 })).jobId).toBe(first)
})

test('many claimers at once never run two of a lane', async () => {
  const queue = await seedQueue(app.admin)
  const jobs = 3 * JOBS_EACH
  await submitMany(
    app.admin,
    queue,
    Array.from({ length: jobs }, (_, n) => ({ lane: `lane ${n % 3}`, priority: n % 2 })),
  )
  const running = new Map<string, number>()
  let done = 0
  let most = 0
  const claimAll = async (): Promise<void> => {
    while (done < jobs) {
      for (const { job, fence } of await claim(app.admin, queue, { max: 2, waitSeconds: 1 })) {
        const lane = job.lane ?? ''
        running.set(lane, (running.get(lane) ?? 0) + 1)
        most = Math.max(most, running.get(lane) ?? 0)
        await Promise.resolve()
        running.set(lane, (running.get(lane) ?? 0) - 1)
        await complete(app.admin, { jobId: job.id, fence })
        done += 1
      }
    }
  }
  await Promise.all(Array.from({ length: CLAIMERS }, claimAll))
  expect(most).toBe(1)
})

test('the limit of a queue is never exceeded, with many claimers at once', async () => {
  const queue = await seedQueue(app.admin, [{}], { concurrency: 4 })
  const jobs = 4 * JOBS_EACH
  await submitMany(
    app.admin,
    queue,
    Array.from({ length: jobs }, () => ({})),
  )
  let running = 0
  let most = 0
  let done = 0
  const claimAll = async (): Promise<void> => {
    while (done < jobs) {
      for (const { job, fence } of await claim(app.admin, queue, { max: 3, waitSeconds: 1 })) {
        running += 1
        most = Math.max(most, running)
        await new Promise((resolve) => setTimeout(resolve, 1))
        running -= 1
        await complete(app.admin, { jobId: job.id, fence })
        done += 1
      }
    }
  }
  await Promise.all(Array.from({ length: CLAIMERS }, claimAll))
  expect(most).toBeLessThanOrEqual(4)
  expect(done).toBe(jobs)
})

test('what leaves the running makes room under the limit, and wakes who waits for it', async () => {
  const queue = await seedQueue(app.admin, [{}], { concurrency: 1 })
  const [, second] = await submitMany(app.admin, queue, [{}, {}])
  const first = await claimOne(app.admin, queue)
  const waiting = claim(app.admin, queue, { waitSeconds: 20 })
  await complete(app.admin, first)
  expect((await waiting).map(({ job }) => job.id)).toEqual([second])
})

test('a lease that is lost frees its lane', async () => {
  const queue = await seedQueue(app.admin)
  const { id } = await submit(app.admin, queue, { lane: 'x' })
  const next = await submit(app.admin, queue, { lane: 'x' })
  await claimOne(app.admin, queue, { leaseSeconds: 1 })
  await until(async () => (await read(app.admin, id)).status === 'FAILED')
  expect((await claimOne(app.admin, queue)).jobId).toBe(next.id)
})
