import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { AmendJobInput } from '../../testkit/generated/graphql.ts'
import { graphql } from '../../testkit/generated/index.ts'
import { testApp, type TestApp } from '../../testkit/app.ts'
import { Amend } from '../../testkit/operations/jobs.ts'
import { Heartbeats } from '../../testkit/operations/workers.ts'
import { succeeded } from '../../testkit/outcome.ts'
import { amount, freshSeed } from '../../testkit/random.ts'
import {
  board,
  claim,
  claimOne,
  complete,
  fail,
  read,
  seedQueue,
  submit,
  submitMany,
} from '../../testkit/seed/jobs.ts'

/*
 * Free writes of status and result, as TopChef's workers make them: no lease, no order, and repeats are normal (contract
 * topchef 7).
 */

const Times = graphql(`
  query JobTimes($id: ID!) {
    job(id: $id) {
      startedAt
      finishedAt
      expiresAt
      progress {
        fraction
      }
    }
  }
`)

let app: TestApp
beforeAll(async () => {
  app = await testApp({ OPERATIONS_PER_SECOND: '0' })
})
afterAll(() => app.close())

const amend = async (input: AmendJobInput) => {
  const { amendJob } = await app.admin.request(Amend, { input })
  return succeeded(amendJob, 'AmendJobSuccess').job
}
const times = async (id: string) => (await app.admin.request(Times, { id })).job
const outcomes = async (id: string) =>
  (await read(app.admin, id)).attempts.map(({ outcome }) => outcome ?? null)

const STATUSES = ['QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED'] as const

test('every state leads to every state, to itself too', async () => {
  const queue = await seedQueue(app.admin)
  const ways = STATUSES.flatMap((from) => STATUSES.map((to) => [from, to] as const))
  const ids = await submitMany(
    app.admin,
    queue,
    ways.map(() => ({})),
  )
  const walked = ways.map(async ([from, to], n) => {
    const id = ids[n] ?? ''
    expect((await amend({ id, status: from })).status).toBe(from)
    expect((await amend({ id, status: to })).status).toBe(to)
  })
  await Promise.all(walked)
})

test('an attempt that was begun by an amendment ends as the next one says', async () => {
  const queue = await seedQueue(app.admin)
  const { id } = await submit(app.admin, queue)
  await amend({ id, status: 'RUNNING' })
  await amend({ id, status: 'RUNNING' }) // another worker has read the same head of the queue
  expect(await outcomes(id)).toEqual([null])
  expect(await times(id)).toMatchObject({ finishedAt: null })
  await amend({ id, status: 'SUCCEEDED', result: { y: 1 } })
  await amend({ id, status: 'RUNNING' })
  await amend({ id, status: 'FAILED' })
  await amend({ id, status: 'RUNNING' })
  await amend({ id, status: 'QUEUED' })
  expect(await outcomes(id)).toEqual(['SUCCEEDED', 'FAILED', 'CANCELED'])
  expect(await read(app.admin, id)).toMatchObject({ status: 'QUEUED', result: { y: 1 } })
})

test('whoever held a lease when a job was amended has lost it', async () => {
  const queue = await seedQueue(app.admin)
  const { id } = await submit(app.admin, queue)
  const lease = await claimOne(app.admin, queue)
  const beats = [{ jobId: lease.jobId, fence: lease.fence, fraction: 0.5 }]
  await app.admin.request(Heartbeats, { input: { worker: 'w', jobs: beats } })
  expect(await times(id)).toMatchObject({ progress: { fraction: 0.5 } })
  await amend({ id, status: 'RUNNING' })
  expect(await times(id)).toMatchObject({ progress: null })
  await amend({ id, status: 'SUCCEEDED' })
  expect((await complete(app.admin, lease, 1)).__typename).toBe('StaleLease')
  await fail(app.admin, lease) // lets go of what it has lost
  expect(await outcomes(id)).toEqual(['CANCELED', 'SUCCEEDED'])
  expect(await read(app.admin, id)).toMatchObject({ status: 'SUCCEEDED', result: null })
})

test('a job that has ended keeps the time of its end when it is told so again, or given a result', async () => {
  const queue = await seedQueue(app.admin)
  const { id } = await submit(app.admin, queue)
  await amend({ id, status: 'SUCCEEDED' })
  const ended = await times(id)
  expect(ended?.finishedAt).toBeTruthy()
  await amend({ id, status: 'SUCCEEDED' })
  expect((await amend({ id, result: 7 })).result).toBe(7)
  expect(await times(id)).toEqual(ended)
  await amend({ id, status: 'QUEUED' })
  expect(await times(id)).toMatchObject({ finishedAt: null, expiresAt: null })
})

test('a result leaves a queued job where and when it waits', async () => {
  const queue = await seedQueue(app.admin)
  const runAfter = new Date(Date.now() + 3_600_000).toISOString()
  const { id } = await submit(app.admin, queue, { runAfter })
  expect(await amend({ id, result: { early: true } })).toMatchObject({
    status: 'QUEUED',
    result: { early: true },
  })
  await amend({ id, status: 'QUEUED' })
  expect(await claim(app.admin, queue)).toEqual([])
})

test('a job that is queued again has its old place', async () => {
  const queue = await seedQueue(app.admin)
  const ids = await submitMany(app.admin, queue, [{}, {}, {}, {}])
  const [first = '', , third = ''] = ids
  for (const id of [third, first]) {
    await amend({ id, status: 'SUCCEEDED', result: {} })
    await amend({ id, status: 'QUEUED' })
  }
  const leases = await claim(app.admin, queue, { max: 4 })
  expect(leases.map(({ job }) => job.id)).toEqual(ids)
})

test('results beyond what a row holds take the place of each other', async () => {
  const queue = await seedQueue(app.admin)
  const { id } = await submit(app.admin, queue)
  for (const letter of ['a', 'b', 'c']) {
    const result = letter.repeat(300_000)
    await amend({ id, result })
    expect((await read(app.admin, id)).result).toBe(result)
  }
})

test('of many who amend a job at once each is heard', async () => {
  const many = amount({ share: 8, whole: 20 })
  const queue = await seedQueue(app.admin)
  const { id } = await submit(app.admin, queue)
  await Promise.all(
    Array.from({ length: many }, async (_, n) => {
      for (const status of STATUSES) await amend({ id, status, result: { n, status } })
    }),
  )
  const job = await read(app.admin, id)
  const told = job.events.nodes.filter(({ kind }) => kind === 'AMENDED')
  expect(told).toHaveLength(4 * many)
  expect(told.every(({ changes }) => changes.some(({ field }) => field === 'result'))).toBe(true)
  expect(job.revision).toBe(4 * many + 1)
  const counts = { queued: 0, running: 0, succeeded: 0, failed: 0, canceled: 0 }
  const name = job.status.toLowerCase()
  expect((await board(app.admin, queue)).jobCounts).toMatchObject({ ...counts, [name]: 1 })
})

const step = fc.record({
  job: fc.nat(2),
  status: fc.option(fc.constantFrom(...STATUSES), { nil: undefined }),
  result: fc.option(fc.integer(), { nil: undefined }),
})

test('after any amendments jobs and counters are what the last of each says', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const queue = await seedQueue(app.admin)
      const ids = await submitMany(app.admin, queue, [{}, {}, {}])
      const model = ids.map(() => ({ status: 'QUEUED', result: null as number | null }))
      for (const { job, status, result } of steps) {
        const [id = '', one = model[0]] = [ids[job], model[job]]
        const amended = await amend({
          id,
          ...(status === undefined ? {} : { status }),
          ...(result === undefined ? {} : { result }),
        })
        if (one === undefined) throw new Error('no such job')
        one.status = status ?? one.status
        one.result = result ?? one.result
        expect(amended).toMatchObject(one)
      }
      const of = (status: string) => model.filter((one) => one.status === status).length
      const { jobCounts } = await board(app.admin, queue)
      expect(jobCounts).toMatchObject({
        queued: of('QUEUED'),
        running: of('RUNNING'),
        succeeded: of('SUCCEEDED'),
        failed: of('FAILED'),
        canceled: 0,
      })
      for (const [n, id] of ids.entries()) {
        const { attempts } = await read(app.admin, id)
        const open = attempts.filter(({ outcome }) => outcome == null)
        expect(open).toHaveLength(model[n]?.status === 'RUNNING' ? 1 : 0)
      }
    }),
    { numRuns: amount({ share: 3, whole: 60 }), seed: freshSeed() },
  )
})
