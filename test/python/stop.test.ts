import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedApp, type SharedApp } from '../../testkit/shared.ts'
import { isAlive } from '../../testkit/machine/alive.ts'
import { cancel } from '../../testkit/seed/jobs.ts'
import { until } from '../../testkit/until.ts'
import { crewAt, type Crew } from './crew.ts'
import { gateIn } from './worker.ts'

/* How jobs and workers in Python end: by whom they are canceled, killed, stopped. */

let app: SharedApp
let crew: Crew
beforeAll(async () => {
  app = await sharedApp()
  crew = await crewAt(app)
})
afterAll(async () => {
  await crew.close()
  await app.close()
})

test.concurrent('a canceled job ends where its function looks, and one that does not look may finish', async () => {
  const service = await crew.queue()
  const gate = gateIn(crew.folder)
  const heeding = await crew.call(service, 'wait', { gate: gate.path })
  const deaf = await crew.call(service, 'deaf', { gate: gate.path })
  crew.work(service, { 'lease-seconds': 6, concurrency: 2 })
  await crew.says(heeding, 'waiting 1')
  await crew.says(deaf, 'waiting 1')
  await cancel(app.admin, heeding)
  await cancel(app.admin, deaf)
  expect((await crew.becomes(heeding, 'CANCELED')).attempts).toMatchObject([
    { outcome: 'CANCELED' },
  ])
  await gate.open()
  await crew.becomes(deaf, 'SUCCEEDED')
})

test.concurrent('what a killed worker had is done by another, and the log says by whom', async () => {
  const service = await crew.queue()
  const gate = gateIn(crew.folder)
  const id = await crew.call(service, 'wait', { gate: gate.path }, { maxAttempts: 2 })
  const first = crew.work(service, { 'lease-seconds': 2, name: 'first' })
  await crew.says(id, 'waiting 1')
  await first.end('SIGKILL')
  const second = crew.work(service, { name: 'second' })
  await crew.says(id, 'waiting 2')
  await gate.open()
  const job = await crew.becomes(id, 'SUCCEEDED')
  expect(job.result).toEqual({ by: second.pid })
  expect(job.attempts).toMatchObject([
    { worker: 'first', outcome: 'LOST' },
    { worker: 'second', outcome: 'SUCCEEDED' },
  ])
})

test.concurrent('a worker that slept through its lease drops its late result', async () => {
  const service = await crew.queue()
  const gate = gateIn(crew.folder)
  const id = await crew.call(service, 'deaf', { gate: gate.path }, { maxAttempts: 2 })
  const first = crew.work(service, { 'lease-seconds': 2 })
  await crew.says(id, 'waiting 1')
  first.kill('SIGSTOP')
  const second = crew.work(service)
  await crew.says(id, 'waiting 2')
  first.kill('SIGCONT')
  await until(() => first.output.includes('is no longer held'))
  await gate.open()
  expect((await crew.becomes(id, 'SUCCEEDED')).result).toEqual({ by: second.pid })
  await until(() => first.output.includes('was dropped'))
  expect(isAlive(first.pid)).toBe(true)
})

test.concurrent('SIGTERM ends a worker when its job is done; it takes no other', async () => {
  const service = await crew.queue()
  const gate = gateIn(crew.folder)
  const id = await crew.call(service, 'wait', { gate: gate.path })
  const worker = crew.work(service)
  await crew.says(id, 'waiting 1')
  const next = await crew.call(service, 'echo')
  worker.kill('SIGTERM')
  await until(() => worker.output.includes('1 jobs to finish'))
  await gate.open()
  expect(await worker.end()).toBe(0)
  expect((await crew.look(id)).status).toBe('SUCCEEDED')
  expect((await crew.look(next)).status).toBe('QUEUED')
})

test.concurrent('an idle worker ends at once', async () => {
  const service = await crew.queue()
  const worker = crew.work(service)
  await crew.becomes(await crew.call(service, 'echo'), 'SUCCEEDED')
  expect(await worker.end('SIGTERM')).toBe(0)
  expect(worker.output).toContain('no job to finish')
})

test.concurrent.each([
  { how: 'when its grace is over', signals: ['SIGTERM'], grace: 0.2, code: 0 },
  { how: 'at a second SIGTERM', signals: ['SIGTERM', 'SIGTERM'], grace: 600, code: 143 },
  { how: 'at SIGINT', signals: ['SIGINT'], grace: 600, code: 130 },
] as const)('a worker gives its jobs back unharmed $how', async ({ signals, grace, code }) => {
  const service = await crew.queue()
  const gate = gateIn(crew.folder)
  const id = await crew.call(service, 'deaf', { gate: gate.path })
  const worker = crew.work(service, { 'grace-seconds': grace })
  await crew.says(id, 'waiting 1')
  for (const signal of signals) {
    worker.kill(signal)
    if (signals.length > 1) await until(() => worker.output.includes('1 jobs to finish'))
  }
  expect(await worker.end()).toBe(code)
  expect(worker.output).toContain('gave back 1 jobs')
  await gate.open()
  crew.work(service)
  expect((await crew.becomes(id, 'SUCCEEDED')).attempts).toMatchObject([
    { outcome: 'PREEMPTED' },
    { outcome: 'SUCCEEDED' },
  ])
})
