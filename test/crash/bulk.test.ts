import { afterAll, beforeAll, expect, test } from 'vitest'
import { graphql } from '../../testkit/generated/index.ts'
import { testDatabase, type TestDatabase } from '../../testkit/database/database.ts'
import { CancelMany, RetryMany } from '../../testkit/operations/jobs.ts'
import { succeeded } from '../../testkit/outcome.ts'
import { isSoak } from '../../testkit/random.ts'
import { board, seedQueue, submitMany } from '../../testkit/seed/jobs.ts'
import { TestServer } from '../../testkit/server.ts'
import { until } from '../../testkit/until.ts'

/*
 * A job that is done to many others is cut off by kill -9 in the middle: the server that comes again
 * goes on with it at once, and what it tells at its end is what all attempts did.
 */
const JOBS = 2_000
const A_CALL = 1_000
/** How many are canceled when the server is killed. */
const KILLS = isSoak ? [300, 1_100] : [700]

let database: TestDatabase
let server: TestServer
let queue: string
beforeAll(async () => {
  database = await testDatabase()
  server = new TestServer(database)
  await server.start()
  queue = await seedQueue(server.admin)
  for (let n = 0; n < JOBS; n += A_CALL)
    await submitMany(
      server.admin,
      queue,
      Array.from({ length: A_CALL }, () => ({})),
    )
})
afterAll(async () => {
  await server.end('SIGKILL')
  await database.drop()
})

const BulkJob = graphql(`
  query CrashBulkJob($id: ID!) {
    job(id: $id) {
      status
      attempt
      result
      progress {
        fraction
        message
      }
      attempts {
        outcome
      }
    }
  }
`)

const bulkJob = async (id: string) => (await server.admin.request(BulkJob, { id })).job
const counts = async () => (await board(server.admin, queue)).jobCounts

/** Kills the server each time that so many have been done, and waits for the end of the job. */
async function killWhile(
  id: string,
  done: () => Promise<number>,
  at: readonly number[],
): Promise<void> {
  for (const count of at) {
    await until(async () => (await done()) >= count)
    await server.end('SIGKILL')
    await server.start()
  }
  await until(async () => (await bulkJob(id))?.status === 'SUCCEEDED')
}

const whole = {
  status: 'SUCCEEDED',
  result: { done: JOBS },
  progress: { fraction: 1, message: `${JOBS} of ${JOBS}` },
}

test('cancelJobs goes on after a kill, and tells how many all its attempts have canceled', async () => {
  const input = { filter: { serviceIds: [queue] } }
  const { cancelJobs } = await server.admin.request(CancelMany, { input })
  const { job, matched } = succeeded(cancelJobs, 'CancelJobsSuccess')
  expect(matched).toBe(JOBS)
  await killWhile(job.id, async () => (await counts()).canceled, KILLS)
  const ended = await bulkJob(job.id)
  expect(ended).toMatchObject(whole)
  expect(ended?.attempts.map(({ outcome }) => outcome)).toContain('LOST')
  expect(await counts()).toMatchObject({ canceled: JOBS, queued: 0 })
})

test('retryJobs goes on after a kill, runs none twice, and tells how many all its attempts have run again', async () => {
  const input = { filter: { serviceIds: [queue], statuses: ['CANCELED' as const] } }
  const { retryJobs } = await server.admin.request(RetryMany, { input })
  const { job, matched } = succeeded(retryJobs, 'RetryJobsSuccess')
  expect(matched).toBe(JOBS)
  await killWhile(job.id, async () => (await counts()).queued, [500])
  expect(await bulkJob(job.id)).toMatchObject(whole)
  expect(await counts()).toMatchObject({ canceled: JOBS, queued: JOBS })
})
