import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Prisma } from '../../src/generated/prisma/client.ts'
import { ServiceId } from '../../src/services/index.ts'
import { JobId, sweepOrphans } from '../../src/job-engine/index.ts'
import { streamApp, type StreamApp } from '../../testkit/stream-app.ts'
import { Heartbeats } from '../../testkit/operations/workers.ts'
import {
  claimOne,
  complete,
  list,
  read,
  seedQueue,
  submit,
  submitMany,
} from '../../testkit/seed/jobs.ts'
import { until } from '../../testkit/until.ts'

const JOBS = 300

let app: StreamApp
beforeAll(async () => {
  app = await streamApp()
})
afterAll(() => app.close())

/** What was done to a table since the database was made, as the database counts it. */
async function counters(table: string) {
  const [row] = await app.database.query<{ inserted: bigint; read: bigint }>(Prisma.sql`
    SELECT n_tup_ins AS inserted, seq_tup_read + idx_tup_fetch AS read FROM pg_stat_user_tables WHERE relname = ${table}`)
  return { inserted: Number(row?.inserted ?? 0), read: Number(row?.read ?? 0) }
}

const submitTo = (queue: string, count: number) =>
  submitMany(
    app.admin,
    queue,
    Array.from({ length: count }, () => ({})),
  )

test('in a database that is new, where nothing is known of its tables, no job costs the reading of all others', async () => {
  const queue = await seedQueue(app.admin)
  const work = async (jobs: number): Promise<void> => {
    await submitTo(queue, jobs)
    const leases: Awaited<ReturnType<typeof claimOne>>[] = []
    for (let n = 0; n < jobs; n += 1) leases.push(await claimOne(app.admin, queue))
    for (const lease of leases) {
      const beats = [{ jobId: lease.jobId, fence: lease.fence }]
      await app.admin.request(Heartbeats, { input: { worker: 'w', jobs: beats } })
      await complete(app.admin, lease, { done: true })
    }
  }
  // statements are prepared, and their plans made, while there is next to nothing
  await work(20)
  await work(JOBS)
  // each connection counts what it has done when it is idle for a moment
  await until(async () => (await counters('JobAttempt')).inserted >= JOBS + 20)
  for (const table of ['Job', 'JobAttempt', 'JobEvent'])
    expect((await counters(table)).read, table).toBeLessThan((JOBS * JOBS) / 10)
})

test('of very many jobs a page by ids, by worker, by lane or by state reads few', async () => {
  const queue = await seedQueue(app.admin)
  const { id } = await submit(app.admin, queue, { lane: 'of one' })
  await complete(app.admin, await claimOne(app.admin, queue, { worker: 'of one' }), 1)
  const others = await submit(app.admin, queue, { lane: 'of many' })
  await complete(app.admin, await claimOne(app.admin, queue, { worker: 'of many' }), 1)
  const row = await app.database.prisma.job.findUniqueOrThrow({
    where: { id: JobId.read(others.id) ?? '' },
  })
  const { serial: _serial, ...copy } = row
  const MANY = 20_000
  for (let from = 0; from < MANY; from += 2_000)
    await app.database.prisma.job.createMany({
      data: Array.from({ length: 2_000 }, (_, n) => ({
        ...copy,
        error: Prisma.DbNull,
        labels: [],
        creator: {},
        id: JobId.make(),
        // newer than the one that is looked for
        createdAt: new Date(row.createdAt.getTime() + from + n + 1),
      })),
    })
  // what has been done so far is counted first
  for (let seen = -1; seen !== (await counters('Job')).read; await pause(1_500))
    seen = (await counters('Job')).read
  for (const filter of [
    { ids: [id] },
    { workers: ['of one'] },
    { lanes: ['of one'] },
    { workers: ['of one'], serviceIds: [queue] },
    { workers: ['of many'], statuses: ['SUCCEEDED' as const] },
    { statuses: ['SUCCEEDED' as const] },
  ]) {
    const before = (await counters('Job')).read
    const query = 'query ($filter: JobFilter) { jobs(filter: $filter, first: 20) { nodes { id } } }'
    const response = await fetch(`${app.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...app.admin.headers },
      body: JSON.stringify({ query, variables: { filter } }),
    })
    expect(await response.text()).toContain('"id":"job_')
    await until(async () => (await counters('Job')).read > before)
    expect((await counters('Job')).read - before, JSON.stringify(filter)).toBeLessThan(1_000)
  }
  expect((await list(app.admin, { ids: [id] })).nodes).toMatchObject([{ id }])
})

test('the jobs of a service that was deleted are ended without a look at those that wait elsewhere', async () => {
  const queue = await seedQueue(app.admin)
  const deleted = await seedQueue(app.admin)
  const [orphan = 'none'] = await submitTo(deleted, 1)
  // a submission that meets the deletion leaves such a job behind
  const id = ServiceId.read(deleted)
  await app.database.query(
    Prisma.sql`UPDATE "Service" SET "deletedAt" = now() WHERE id = ${id}::uuid`,
  )
  await submitTo(queue, JOBS)
  expect(await sweepOrphans(app.platform)).toBe(1)
  expect(await read(app.admin, orphan)).toMatchObject({ status: 'CANCELED' })

  const jobsRead = await app.database.transaction(async (client) => {
    const database: typeof app.database = {
      ...app.database,
      query: (sql) => app.database.query(sql, { client }),
    }
    const readSoFar = async () => {
      const [row] = await database.query<{ count: bigint }>(Prisma.sql`
        SELECT seq_tup_read + idx_tup_fetch AS count FROM pg_stat_xact_user_tables WHERE relname = 'Job'`)
      return Number(row?.count ?? 0)
    }
    const before = await readSoFar()
    expect(await sweepOrphans({ ...app.platform, database })).toBe(0)
    return (await readSoFar()) - before
  })
  expect(jobsRead).toBeLessThan(20)
})
