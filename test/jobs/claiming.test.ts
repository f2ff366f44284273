import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedApp, type SharedApp } from '../../testkit/shared.ts'
import { Viewer } from '../../testkit/operations/organizations.ts'
import {
  claim,
  claimOne,
  complete,
  read,
  seedQueue,
  submit,
  submitMany,
} from '../../testkit/seed/jobs.ts'
import { seedToken } from '../../testkit/seed/organizations.ts'

let app: SharedApp
beforeAll(async () => {
  app = await sharedApp()
})
afterAll(() => app.close())

test('jobs are claimed by priority, and those of one priority in the order they were submitted', async () => {
  const queue = await seedQueue(app.admin)
  const ids = await submitMany(app.admin, queue, [
    { priority: 0 },
    { priority: 5 },
    { priority: 0 },
    { priority: 5 },
    { priority: -1 },
  ])
  const leases = await claim(app.admin, queue, { max: 10 })
  expect(leases.map(({ job }) => ids.indexOf(job.id))).toEqual([1, 3, 0, 2, 4])
})

test('a claim takes no more than it asks for, and of several queues', async () => {
  const [one, two] = [await seedQueue(app.admin), await seedQueue(app.admin)]
  await submitMany(app.admin, one, [{}, {}, {}])
  await submitMany(app.admin, two, [{ priority: 1 }, {}])
  const first = await claim(app.admin, one, { serviceIds: [one, two], max: 2 })
  expect(first.map(({ job }) => job.priority)).toEqual([1, 0])
  expect(await claim(app.admin, one, { serviceIds: [one, two], max: 100 })).toHaveLength(3)
})

test('the same claim gets the same leases again, and never others', async () => {
  const queue = await seedQueue(app.admin)
  await submitMany(app.admin, queue, [{}, {}, {}])
  const claimId = randomUUID()
  const first = await claim(app.admin, queue, { claimId, max: 2 })
  expect(first).toHaveLength(2)
  expect(await claim(app.admin, queue, { claimId, max: 2 })).toEqual(first)
  const [lease] = first
  await complete(app.admin, { jobId: lease?.job.id ?? '', fence: lease?.fence ?? '' })
  expect(await claim(app.admin, queue, { claimId, max: 2 })).toEqual(first.slice(1))
  expect(await claim(app.admin, queue, { max: 9 })).toHaveLength(1)
})

test('equal claims at the same moment are given the same', async () => {
  const queue = await seedQueue(app.admin)
  await submitMany(
    app.admin,
    queue,
    Array.from({ length: 40 }, () => ({})),
  )
  const claimId = randomUUID()
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => claim(app.admin, queue, { claimId, max: 3 })),
  )
  const given = answers.map((leases) => leases.map(({ fence }) => fence).join())
  expect(new Set(given).size).toBe(1)
  expect(await claim(app.admin, queue, { max: 100 })).toHaveLength(37)
})

test('fifty claimers at once are given every job once', async () => {
  const queue = await seedQueue(app.admin)
  const ids = await submitMany(
    app.admin,
    queue,
    Array.from({ length: 200 }, () => ({})),
  )
  const given: string[] = []
  const claimAll = async (): Promise<void> => {
    for (;;) {
      const leases = await claim(app.admin, queue, { max: 3 })
      if (leases.length === 0) return
      given.push(...leases.map(({ job }) => job.id))
    }
  }
  await Promise.all(Array.from({ length: 50 }, claimAll))
  expect(given.toSorted()).toEqual(ids.toSorted())
})

test('a claim waits for a job, and is woken by it', async () => {
  const queue = await seedQueue(app.admin)
  const waiting = claim(app.admin, queue, { waitSeconds: 20 })
  const { id } = await submit(app.admin, queue)
  expect((await waiting).map(({ job }) => job.id)).toEqual([id])
})

test('a claim whose caller has gone takes nothing', async () => {
  const queue = await seedQueue(app.admin)
  const gone = new AbortController()
  const query = `mutation ($input: ClaimJobsInput!) { claimJobs(input: $input) { __typename } }`
  const input = { serviceIds: [queue], worker: 'gone', claimId: randomUUID(), waitSeconds: 20 }
  const asking = fetch(`${app.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...app.admin.headers },
    body: JSON.stringify({ query, variables: { input } }),
    signal: gone.signal,
  }).catch(() => {})
  await new Promise((resolve) => setTimeout(resolve, 300))
  gone.abort()
  await asking
  const stayer = claim(app.admin, queue, { waitSeconds: 20 })
  const { id } = await submit(app.admin, queue)
  expect((await stayer).map(({ job }) => job.id)).toEqual([id])
})

test('a job is not claimed before its time', async () => {
  const queue = await seedQueue(app.admin)
  const runAfter = new Date(Date.now() + 1_500)
  const { id } = await submit(app.admin, queue, { runAfter: runAfter.toISOString() })
  expect(await claim(app.admin, queue)).toEqual([])
  const lease = await claimOne(app.admin, queue, { waitSeconds: 20 })
  expect(lease.jobId).toBe(id)
  const [, claimed] = (await read(app.admin, id)).events.nodes
  expect(claimed?.kind).toBe('CLAIMED')
})

test('a worker needs no more than the role WORKER, and may read nothing', async () => {
  const queue = await seedQueue(app.admin)
  const { viewer } = await app.admin.request(Viewer)
  const { secret } = await seedToken(app.admin, viewer.organization.id, 'WORKER')
  const worker = app.client(secret)
  const job = await submit(app.admin, queue, { parameters: [1] })
  const lease = await claimOne(worker, queue)
  expect(lease.job.parameters).toEqual([1])
  expect(await complete(worker, lease, 2)).toMatchObject({ job: { status: 'SUCCEEDED' } })
  await expect(read(worker, job.id)).rejects.toThrow()
})
