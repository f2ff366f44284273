import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { WorkerStopped } from '../../src/worker/index.ts'
import { sharedApp, type SharedApp } from '../../testkit/shared.ts'
import { jobBecomes, read, seedQueue, submit, submitMany } from '../../testkit/seed/jobs.ts'
import { until } from '../../testkit/until.ts'
import { gate, kinds, signaled, stopAll, work } from './support.ts'

let app: SharedApp
beforeAll(async () => {
  app = await sharedApp()
})
afterEach(stopAll)
afterAll(() => app.close())

test('a worker that stops lets handlers end, and claims nothing more', async () => {
  const queue = await seedQueue(app.admin)
  const [first = '', second = ''] = await submitMany(app.admin, queue, [{}, {}])
  const { opened, open } = gate()
  const { worker, events } = work(app.admin, queue, () => opened)
  await until(() => events.length === 1)
  const stopped = worker.stop()
  open()
  await stopped
  expect((await read(app.admin, first)).status).toBe('SUCCEEDED')
  expect(await read(app.admin, second)).toMatchObject({ status: 'QUEUED', attempt: 0 })
  expect(kinds(events)).toEqual(['claimed', 'stopping', 'succeeded', 'stopped'])
})

test('a worker that waits for jobs stops at once, by the signal it was given too', async () => {
  const queue = await seedQueue(app.admin)
  const stop = new AbortController()
  const { worker } = work(app.admin, queue, () => {}, { signal: stop.signal })
  stop.abort()
  await worker.finished
  const { id } = await submit(app.admin, queue)
  work(app.admin, queue, () => 'by another')
  await jobBecomes(app.admin, id, 'SUCCEEDED')
  expect((await read(app.admin, id)).attempts).toHaveLength(1)
})

test('what is not done when the grace is over is given back unharmed', async () => {
  const queue = await seedQueue(app.admin)
  const { id } = await submit(app.admin, queue)
  let reason: unknown
  const { worker, events } = work(
    app.admin,
    queue,
    async ({ signal }) => {
      reason = await signaled(signal)
      signal.throwIfAborted()
    },
    { graceSeconds: 0 },
  )
  await until(() => events.length === 1)
  await worker.stop()
  expect(reason).toBeInstanceOf(WorkerStopped)
  const job = await read(app.admin, id)
  expect(job).toMatchObject({ status: 'QUEUED', attempts: [{ outcome: 'PREEMPTED' }] })
  work(app.admin, queue, () => 'done')
  await jobBecomes(app.admin, id, 'SUCCEEDED')
})

test('a handler that does not heed its signal is left, and its job given back', async () => {
  const queue = await seedQueue(app.admin)
  const { id } = await submit(app.admin, queue)
  const { worker, events } = work(app.admin, queue, () => new Promise(() => {}), {
    graceSeconds: 0,
  })
  await until(() => events.length === 1)
  await worker.stop()
  expect(await read(app.admin, id)).toMatchObject({ status: 'QUEUED' })
  expect(kinds(events)).toEqual(['claimed', 'stopping', 'released', 'stopped'])
})

test('a worker that is not let in, or has no such service, stops and says why', async () => {
  const queue = await seedQueue(app.admin)
  const unknown = work(app.admin, 'nobody', () => {}).worker
  await expect(unknown.finished).rejects.toMatchObject({ name: 'Refused', code: 'NOT_FOUND' })
  const { worker, events } = work(app.admin, queue, () => {}, { token: 'wrong' })
  await expect(worker.finished).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
  expect(kinds(events)).toEqual(['refused', 'stopping', 'stopped'])
  expect(() => work(app.admin, queue, () => {}, { concurrency: 0 })).toThrow('from 1 to 1000')
})
