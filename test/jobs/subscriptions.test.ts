import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedApp, type SharedApp } from '../../testkit/shared.ts'
import { Amend } from '../../testkit/operations/jobs.ts'
import { AppendLog } from '../../testkit/operations/workers.ts'
import {
  board,
  claimOne,
  complete,
  fail,
  read,
  seedQueue,
  submit,
  submitMany,
} from '../../testkit/seed/jobs.ts'
import { until } from '../../testkit/until.ts'

let app: SharedApp
beforeAll(async () => {
  app = await sharedApp()
})
afterAll(() => app.close())

interface Delivered {
  cursor: string
  end?: { lastNumber: number } | null
  job?: { status: string; revision: number } | null
  services?: { id: string; jobCounts: Record<string, number> }[]
  events?: { number: number; kind: string; job: { id: string } | null }[]
  lines?: { number: number; text: string }[]
  waiting?: number
}

/** Follows a subscription to its end; what is delivered is in the list at once. */
function follow(query: string, variables: Record<string, unknown>) {
  const socket = app.admin.socket()
  const seen: Delivered[] = []
  const done = (async () => {
    for await (const { data, errors } of socket.iterate<Record<string, Delivered>>({
      query,
      variables,
    })) {
      if (errors) throw new Error(JSON.stringify(errors))
      seen.push(...Object.values(data ?? {}))
    }
  })()
  return { seen, done, stop: async () => socket.dispose() }
}

const jobChanged = `subscription ($jobId: ID!, $after: String) {
  jobChanged(jobId: $jobId, after: $after) {
    cursor end { lastNumber } job { status revision } events { number kind job { id } } } }`
const jobLogs = `subscription ($jobId: ID!, $after: String) {
  jobLogs(jobId: $jobId, after: $after) { cursor end { lastNumber } lines { number text } } }`
const jobsChanged = `subscription ($serviceIds: [ID!], $after: String) {
  jobsChanged(serviceIds: $serviceIds, after: $after) {
    cursor services { id jobCounts { queued running succeeded failed } } events { number kind job { id } } } }`
const jobQueued = `subscription ($serviceIds: [ID!]!) { jobQueued(serviceIds: $serviceIds) { serviceId waiting } }`

const numbers = (seen: Delivered[]) =>
  seen.flatMap(({ events = [] }) => events.map((e) => e.number))

test('a queued job is followed to its end, with every event once, and the end says so', async () => {
  const queue = await seedQueue(app.admin)
  const { id } = await submit(app.admin, queue)
  const { seen, done } = follow(jobChanged, { jobId: id, after: 'start' })
  const lease = await claimOne(app.admin, queue)
  await complete(app.admin, lease, 1)
  await done
  expect(numbers(seen)).toEqual([1, 2, 3])
  expect(seen.at(-1)).toMatchObject({ end: { lastNumber: 3 }, job: { status: 'SUCCEEDED' } })
})

test('a follower that was cut off resumes from its cursor without a lost or repeated event', async () => {
  const queue = await seedQueue(app.admin)
  const { id, asOf } = await submit(app.admin, queue, { maxAttempts: 3 })
  const first = follow(jobChanged, { jobId: id, after: asOf })
  await fail(app.admin, await claimOne(app.admin, queue))
  await until(() => numbers(first.seen).length > 0)
  await first.stop()
  await first.done.catch(() => {})
  const after = first.seen.at(-1)?.cursor
  await complete(app.admin, await claimOne(app.admin, queue, { waitSeconds: 20 }))
  const second = follow(jobChanged, { jobId: id, after })
  await second.done
  expect([...numbers(first.seen), ...numbers(second.seen)]).toEqual([2, 3, 4, 5])
  expect(second.seen.at(-1)?.end).toEqual({ lastNumber: 5 })
})

test('the log of a job ends with the job, also when it is empty', async () => {
  const queue = await seedQueue(app.admin)
  const { id } = await submit(app.admin, queue)
  const { seen, done } = follow(jobLogs, { jobId: id, after: 'start' })
  const { jobId, fence } = await claimOne(app.admin, queue)
  for (const n of [1, 2, 3])
    await app.admin.request(AppendLog, {
      input: { jobId, fence, firstLine: n, lines: [`line ${n}`] },
    })
  await complete(app.admin, { jobId, fence })
  await done
  expect(seen.flatMap(({ lines = [] }) => lines.map(({ text }) => text))).toEqual([
    'line 1',
    'line 2',
    'line 3',
  ])
  expect(seen.at(-1)?.end).toEqual({ lastNumber: 3 })
  await submit(app.admin, queue)
  const silent = await claimOne(app.admin, queue)
  const empty = follow(jobLogs, { jobId: silent.jobId })
  await complete(app.admin, silent)
  await empty.done
  expect(empty.seen.at(-1)?.end).toEqual({ lastNumber: 0 })
})

test('all that happens to the jobs of a service is followed without a hole, from the list on', async () => {
  const queue = await seedQueue(app.admin)
  await submitMany(app.admin, queue, [{}, {}, {}])
  const { jobs } = await board(app.admin, queue)
  const { seen, stop, done } = follow(jobsChanged, { serviceIds: [queue], after: jobs.asOf })
  for (let n = 0; n < 3; n += 1) await complete(app.admin, await claimOne(app.admin, queue))
  await submit(app.admin, queue)
  await until(() => numbers(seen).length === 10)
  await stop()
  await done.catch(() => {})
  expect(numbers(seen)).toEqual(Array.from({ length: 10 }, (_, n) => n + 1))
  expect(seen.at(-1)?.services).toEqual([
    { id: queue, jobCounts: { queued: 1, running: 0, succeeded: 3, failed: 0 } },
  ])
})

test('a worker is woken when jobs wait', async () => {
  const queue = await seedQueue(app.admin)
  const { seen, stop, done } = follow(jobQueued, { serviceIds: [queue] })
  await submitMany(app.admin, queue, [{}, {}])
  await until(() => seen.some(({ waiting }) => waiting === 2))
  await stop()
  await done.catch(() => {})
})

test('a job that is amended goes on where its stream ended', async () => {
  const queue = await seedQueue(app.admin)
  const { id } = await submit(app.admin, queue)
  await complete(app.admin, await claimOne(app.admin, queue))
  const { asOf } = await read(app.admin, id)
  const ended = follow(jobChanged, { jobId: id, after: asOf })
  await ended.done
  const { end, cursor: after } = ended.seen.at(-1) ?? {}
  expect(end).toEqual({ lastNumber: 3 })
  for (const status of ['RUNNING', 'FAILED'] as const)
    await app.admin.request(Amend, { input: { id, status } })
  const reopened = follow(jobChanged, { jobId: id, after })
  await reopened.done
  expect(numbers(reopened.seen)).toEqual([4, 5])
  expect(reopened.seen.at(-1)?.end).toEqual({ lastNumber: 5 })
})
