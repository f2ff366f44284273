import { afterAll, beforeAll, expect, test } from 'vitest'
import type { JobFilter, JobOrder, JobsQuery } from '../../testkit/generated/graphql.ts'
import { CancelMany, Jobs } from '../../testkit/operations/jobs.ts'
import { succeeded } from '../../testkit/outcome.ts'
import {
  cancel,
  claimOne,
  complete,
  fail,
  list,
  read,
  seedQueue,
  submit,
  submitMany,
} from '../../testkit/seed/jobs.ts'
import { sharedApp, type SharedApp } from '../../testkit/shared.ts'
import { until } from '../../testkit/until.ts'

let app: SharedApp
beforeAll(async () => {
  app = await sharedApp()
})
afterAll(() => app.close())

const idsOf = async (filter: JobFilter) =>
  (await list(app.admin, filter)).nodes.map(({ id }) => id).toSorted()

test('jobs are found by their ids and addresses, and what is not there finds nothing', async () => {
  const queue = await seedQueue(app.admin)
  const ids = await submitMany(app.admin, queue, [{}, {}, { addresses: [`topchef:${queue}`] }])
  const unknown = 'job_01k000000000000000000000zz'
  expect(await idsOf({ ids: [ids[0]!, `topchef:${queue}`, unknown] })).toEqual(
    [ids[0]!, ids[2]!].toSorted(),
  )
  expect(await idsOf({ ids: [unknown] })).toEqual([])
  expect(await idsOf({ ids: [] })).toEqual([])
})

test('jobs are found by the worker that has, or had, their newest attempt', async () => {
  const queue = await seedQueue(app.admin)
  const ids = await submitMany(app.admin, queue, [{ maxAttempts: 2 }, {}, {}])
  const [a, b] = [`a ${queue}`, `b ${queue}`]
  const first = await claimOne(app.admin, queue, { worker: a })
  const second = await claimOne(app.admin, queue, { worker: b })
  await complete(app.admin, second, 1)
  expect(await idsOf({ workers: [a] })).toEqual([first.jobId])
  expect(await idsOf({ workers: [b] })).toEqual([second.jobId])
  expect(await idsOf({ workers: [a, b, a] })).toEqual([first.jobId, second.jobId].toSorted())
  expect(await idsOf({ workers: [a, b], statuses: ['SUCCEEDED'] })).toEqual([second.jobId])
  expect(await idsOf({ workers: [a, b], serviceIds: [queue] })).toHaveLength(2)
  expect(await idsOf({ workers: [] })).toEqual([])
  await fail(app.admin, first)
  const third = await claimOne(app.admin, queue, { worker: a })
  await complete(app.admin, third, 1)
  const again = await claimOne(app.admin, queue, { worker: b, waitSeconds: 20 })
  expect(again.jobId).toBe(ids[0])
  expect(await idsOf({ workers: [b] })).toEqual([again.jobId, second.jobId].toSorted())
})

test('jobs are found by their lane, waiting or ended', async () => {
  const queue = await seedQueue(app.admin)
  const [a, b] = [`a ${queue}`, `b ${queue}`]
  const ids = await submitMany(app.admin, queue, [{ lane: a }, { lane: a }, { lane: b }, {}])
  await complete(app.admin, await claimOne(app.admin, queue), 1)
  expect(await idsOf({ lanes: [a] })).toEqual(ids.slice(0, 2).toSorted())
  expect(await idsOf({ lanes: [a, b], serviceIds: [queue] })).toEqual(ids.slice(0, 3).toSorted())
  expect(await idsOf({ lanes: [a], statuses: ['SUCCEEDED'] })).toHaveLength(1)
})

test('labels mean any of them, and allLabels all', async () => {
  const queue = await seedQueue(app.admin)
  const red = { name: 'team', value: `red ${queue}` }
  const big = { name: 'size', value: `big ${queue}` }
  const ids = await submitMany(app.admin, queue, [
    { labels: [red] },
    { labels: [big] },
    { labels: [red, big] },
    {},
  ])
  expect(await idsOf({ labels: [red, big] })).toEqual(ids.slice(0, 3).toSorted())
  expect(await idsOf({ allLabels: [red, big] })).toEqual([ids[2]])
  expect(await idsOf({ serviceIds: [queue], labels: [] })).toEqual([])
  expect(await idsOf({ serviceIds: [queue], allLabels: [] })).toEqual([])
})

test('an empty list of whichever criterion cancels nothing', async () => {
  const queue = await seedQueue(app.admin)
  await submit(app.admin, queue)
  const none = ['ids', 'rootIds', 'serviceIds', 'functions', 'statuses', 'workers', 'lanes']
  for (const field of [...none, 'labels', 'allLabels', 'fronts']) {
    const filter = { serviceIds: [queue], [field]: [] }
    const { cancelJobs } = await app.admin.request(CancelMany, { input: { filter } })
    expect([field, succeeded(cancelJobs, 'CancelJobsSuccess').matched]).toEqual([field, 0])
  }
})

test('a text is found in parameters and in the message of an error, in upper or lower case', async () => {
  const queue = await seedQueue(app.admin)
  const [one, two] = [
    await submit(app.admin, queue, { parameters: { city: 'Kyōto Station' } }),
    await submit(app.admin, queue, { parameters: { city: 'Osaka' } }),
  ]
  const serviceIds = [queue]
  await claimOne(app.admin, queue)
  await fail(app.admin, await claimOne(app.admin, queue), { message: 'No 100% STATION_found' })
  expect(await idsOf({ serviceIds, text: 'KYŌTO' })).toEqual([one.id])
  expect(await idsOf({ serviceIds, text: 'station' })).toEqual([one.id, two.id].toSorted())
  expect(await idsOf({ serviceIds, errorText: 'station' })).toEqual([two.id])
  // nothing in it is a pattern
  expect(await idsOf({ serviceIds, errorText: '100% station_' })).toEqual([two.id])
  expect(await idsOf({ serviceIds, errorText: '1%station' })).toEqual([])
})

test('all criteria must hold', async () => {
  const queue = await seedQueue(app.admin)
  const [a, b] = await submitMany(app.admin, queue, [{ lane: 'a' }, { lane: 'b' }])
  await cancel(app.admin, a ?? '')
  const day = { from: '2000-01-01T00:00:00Z', to: '2999-01-01T00:00:00Z' }
  const never = { from: '2000-01-01T00:00:00Z', to: '2001-01-01T00:00:00Z' }
  expect(await idsOf({ serviceIds: [queue], createdAt: day })).toHaveLength(2)
  expect(await idsOf({ serviceIds: [queue], createdAt: never })).toEqual([])
  expect(await idsOf({ serviceIds: [queue], finishedAt: day })).toEqual([a])
  expect(
    await idsOf({ ids: [a ?? '', b ?? ''], statuses: ['QUEUED'], fronts: ['TOPCHEF'] }),
  ).toEqual([b])
  expect(await idsOf({ ids: [a ?? '', b ?? ''], fronts: [] })).toEqual([])
})

test('a list that is too long, and a text that is, is refused in a query and in a mutation', async () => {
  const many = Array.from({ length: 101 }, (_, n) => `x${n}`)
  const label = many.map((value) => ({ name: 'n', value }))
  for (const [field, filter] of Object.entries({
    ids: { ids: many },
    rootIds: { rootIds: many },
    serviceIds: { serviceIds: many },
    functions: { functions: many },
    workers: { workers: many },
    lanes: { lanes: many },
    labels: { labels: label },
    allLabels: { allLabels: label },
    text: { text: 'x'.repeat(1_001) },
    errorText: { errorText: 'x'.repeat(1_001) },
  })) {
    const { errors } = await app.admin.execute(Jobs, { filter })
    expect(errors, field).toMatchObject([
      {
        message: expect.stringMatching(`^\`filter.${field}\`: At most (100 entries|1000 char)`),
        extensions: { code: 'BAD_REQUEST' },
      },
    ])
    const { cancelJobs } = await app.admin.request(CancelMany, { input: { filter } })
    expect(cancelJobs).toMatchObject({
      __typename: 'ValidationError',
      issues: [{ path: ['filter', field] }],
    })
  }
})

test('jobs that are ticked are canceled with one mutation; with one that is not there, none is', async () => {
  const queue = await seedQueue(app.admin)
  const ids = await submitMany(
    app.admin,
    queue,
    Array.from({ length: 18 }, () => ({})),
  )
  const [kept = '', ...ticked] = ids
  const unknown = ['job_01k000000000000000000000zy', 'job_01k000000000000000000000zz']
  const refused = await app.admin.request(CancelMany, {
    input: { filter: { ids: [kept, ...unknown, ...ticked] } },
  })
  expect(refused.cancelJobs).toMatchObject({
    __typename: 'NotFound',
    message: expect.stringContaining(unknown[0] ?? ''),
  })
  const { cancelJobs } = await app.admin.request(CancelMany, {
    input: { filter: { ids: ticked }, waitSeconds: 20 },
  })
  const { matched, job } = succeeded(cancelJobs, 'CancelJobsSuccess')
  expect(matched).toBe(17)
  await until(async () => (await read(app.admin, job.id)).status === 'SUCCEEDED')
  expect((await read(app.admin, job.id)).result).toEqual({ done: 17 })
  expect(await idsOf({ serviceIds: [queue], statuses: ['CANCELED'] })).toEqual(ticked.toSorted())
  expect((await read(app.admin, kept)).status).toBe('QUEUED')
})

test('jobs are listed by how long they took, page by page, without those that have not ended', async () => {
  const queue = await seedQueue(app.admin)
  await submitMany(
    app.admin,
    queue,
    Array.from({ length: 8 }, () => ({})),
  )
  const leases = []
  for (let n = 0; n < 7; n += 1) leases.push(await claimOne(app.admin, queue))
  const [running, ...ended] = leases
  for (const lease of ended) await complete(app.admin, lease, 1)
  for (const filter of [{ serviceIds: [queue] }, { workers: ['w'], serviceIds: [queue] }])
    for (const direction of ['ASC', 'DESC'] as const) {
      const orderBy: JobOrder = { field: 'DURATION', direction }
      const seen: string[] = []
      let after: string | null = null
      do {
        const { jobs }: JobsQuery = await app.admin.request(Jobs, {
          filter,
          orderBy,
          first: 2,
          after,
        })
        expect(jobs.totalCount).toBe(6)
        seen.push(...jobs.nodes.map(({ id }) => id))
        after = jobs.pageInfo.hasNextPage ? jobs.pageInfo.endCursor : null
      } while (after !== null)
      expect(seen).not.toContain(running?.jobId)
      expect(seen.toSorted()).toEqual(ended.map(({ jobId }) => jobId).toSorted())
      const took = await Promise.all(seen.map(durationOf))
      expect(took).toEqual(took.toSorted((a, b) => (direction === 'ASC' ? a - b : b - a)))
    }
  const { jobs } = await app.admin.request(Jobs, { orderBy: { field: 'DURATION' }, first: 100 })
  expect(jobs.nodes.map(({ id }) => id)).toEqual(expect.arrayContaining(ended.map((e) => e.jobId)))
})

async function durationOf(id: string): Promise<number> {
  const query = 'query ($id: ID!) { job(id: $id) { startedAt finishedAt } }'
  const response = await fetch(`${app.admin.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...app.admin.headers },
    body: JSON.stringify({ query, variables: { id } }),
  })
  const { data } = (await response.json()) as {
    data: { job: { startedAt: string; finishedAt: string } }
  }
  return Date.parse(data.job.finishedAt) - Date.parse(data.job.startedAt)
}
