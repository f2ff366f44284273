import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedApp, type SharedApp } from '../../testkit/shared.ts'
import { claimOne, complete, read, seedQueue, submit } from '../../testkit/seed/jobs.ts'

let app: SharedApp
beforeAll(async () => {
  app = await sharedApp()
})
afterAll(() => app.close())

test('a job is submitted, claimed and completed, and says what happened to it', async () => {
  const queue = await seedQueue(app.admin)
  const job = await submit(app.admin, queue, {
    parameters: { b: 1, a: [null, 'ü'] },
    labels: [{ name: 'team', value: 'red' }],
  })
  expect(job).toMatchObject({ status: 'QUEUED', attempt: 0, result: null })
  const lease = await claimOne(app.admin, queue, { worker: 'first' })
  expect(lease).toMatchObject({ attempt: 1, jobId: job.id })
  expect(lease.job.parameters).toEqual({ b: 1, a: [null, 'ü'] })
  expect(lease.fence).toMatch(/^1\./)
  const outcome = await complete(app.admin, lease, { y: 2 })
  expect(outcome).toMatchObject({ job: { status: 'SUCCEEDED', result: { y: 2 } } })
  const done = await read(app.admin, job.id)
  expect(done.attempts).toEqual([{ number: 1, worker: 'first', outcome: 'SUCCEEDED', error: null }])
  expect(done.events.nodes.map(({ kind, number, actor }) => [number, kind, actor.name])).toEqual([
    [1, 'QUEUED', expect.stringMatching(/^token /)],
    [2, 'CLAIMED', 'first'],
    [3, 'SUCCEEDED', 'first'],
  ])
  expect(done.labels).toEqual([{ name: 'team', value: 'red' }])
})

test('a function that the service does not have: the message names those it has', async () => {
  const queue = await seedQueue(app.admin, [{ name: 'fit' }, { name: 'score' }])
  await expect(submit(app.admin, queue)).rejects.toThrow(
    /The service has no function \\*"default\\*"\. It has \\*"fit\\*" and \\*"score\\*"\./,
  )
})
