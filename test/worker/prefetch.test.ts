import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { sharedApp, type SharedApp } from '../../testkit/shared.ts'
import { cancel, jobBecomes, read, seedQueue, submitMany } from '../../testkit/seed/jobs.ts'
import { until } from '../../testkit/until.ts'
import { gate, kinds, stopAll, work } from './support.ts'

let app: SharedApp
beforeAll(async () => {
  app = await sharedApp()
})
afterEach(stopAll)
afterAll(() => app.close())

/** A worker with one handler, which waits, and two jobs claimed ahead, of five. */
async function working() {
  const queue = await seedQueue(app.admin)
  const jobs = await submitMany(
    app.admin,
    queue,
    Array.from({ length: 5 }, (_, n) => ({ parameters: n })),
  )
  const { opened, open } = gate()
  const called: unknown[] = []
  const handler = async ({ parameters }: { parameters: unknown }) => {
    called.push(parameters)
    await opened
    return parameters
  }
  const { worker, events } = work(app.admin, queue, handler, { prefetch: 2, leaseSeconds: 9 })
  for (const id of jobs.slice(0, 3)) await jobBecomes(app.admin, id, 'RUNNING')
  await until(() => called.length === 1)
  return { jobs, open, called, worker, events }
}

const statuses = async (ids: readonly string[]) =>
  Promise.all(ids.map(async (id) => (await read(app.admin, id)).status))

test('jobs are claimed ahead, so many and no more, and done one at a time in their order', async () => {
  const { jobs, open, called } = await working()
  expect(called).toEqual([0])
  expect(await statuses(jobs)).toEqual(['RUNNING', 'RUNNING', 'RUNNING', 'QUEUED', 'QUEUED'])
  open()
  for (const id of jobs) await jobBecomes(app.admin, id, 'SUCCEEDED')
  expect(called).toEqual([0, 1, 2, 3, 4])
})

test('a worker that stops gives back at once what it has not begun, unharmed', async () => {
  const { jobs, open, called, worker, events } = await working()
  const stopped = worker.stop()
  for (const id of jobs.slice(1)) await jobBecomes(app.admin, id, 'QUEUED')
  open()
  await stopped
  expect(called).toEqual([0])
  expect(await statuses(jobs)).toEqual(['SUCCEEDED', 'QUEUED', 'QUEUED', 'QUEUED', 'QUEUED'])
  expect(kinds(events).filter((kind) => kind === 'released')).toHaveLength(2)
})

test('a job that is canceled before its turn never reaches the handler', async () => {
  const { jobs, open, called, events } = await working()
  const [, second = ''] = jobs
  await cancel(app.admin, second)
  await until(() => kinds(events).includes('cancel-requested')) // with the next heartbeat
  open()
  await jobBecomes(app.admin, second, 'CANCELED')
  for (const id of jobs.filter((one) => one !== second))
    await jobBecomes(app.admin, id, 'SUCCEEDED')
  expect(called).toEqual([0, 2, 3, 4])
})
