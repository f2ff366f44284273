import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { Client } from '../../testkit/client.ts'
import { testDatabase, type TestDatabase } from '../../testkit/database/database.ts'
import { awayAnswers, interposed } from '../../testkit/interposed.ts'
import { TestServer } from '../../testkit/server.ts'
import { until } from '../../testkit/until.ts'
import { crewAt, type Crew } from './crew.ts'
import { forgetfulProxy } from './forgetful.ts'
import { gateIn } from './worker.ts'

/* Workers in Python whose server is away, or whose way to it breaks. */

let database: TestDatabase
let server: TestServer
let crew: Crew
beforeAll(async () => {
  database = await testDatabase()
  server = new TestServer(database)
  await server.start()
  crew = await crewAt(server)
})
afterEach(() => crew.endAll())
afterAll(async () => {
  await crew.close()
  await server.end('SIGTERM')
  await database.drop()
})

test('a job outlives the server it came from: its log and its result are delivered to the next', async () => {
  const service = await crew.queue()
  const gate = gateIn(crew.folder)
  const id = await crew.call(service, 'wait', { gate: gate.path })
  const worker = crew.work(service)
  await crew.says(id, 'waiting 1')
  await server.end('SIGKILL')
  await gate.open()
  await until(() => worker.output.includes('cannot be reached'))
  await server.start()
  const job = await crew.becomes(id, 'SUCCEEDED')
  expect(job.attempts).toMatchObject([{ number: 1, outcome: 'SUCCEEDED' }])
  expect(await crew.logOf(id)).toEqual(['waiting 1'])
  const next = await crew.call(service, 'echo')
  await crew.becomes(next, 'SUCCEEDED')
  expect(worker.output).toContain('the server answers again')
})

test('what a proxy answers, and what the server says of what it needs, is an outage: told once, and waited out', async () => {
  const service = await crew.queue()
  const proxy = await interposed(server.url)
  const gate = gateIn(crew.folder)
  const id = await crew.call(service, 'wait', { gate: gate.path })
  const there = new Client(proxy.url, server.admin.token)
  const worker = crew.workAt(there, service, { 'lease-seconds': 60, concurrency: 2 })
  await crew.says(id, 'waiting 1')
  for (const [status, body] of awayAnswers) await proxy.answer(status, body)
  await gate.open()
  for (const [status, body] of awayAnswers.slice(0, 2)) await proxy.answer(status, body)
  proxy.pass()
  const { attempts } = await crew.becomes(id, 'SUCCEEDED')
  expect(attempts).toMatchObject([{ number: 1, outcome: 'SUCCEEDED' }])
  await until(() => worker.output.includes('the server answers again'))
  expect(worker.output.match(/trying again|answers again/g)).toHaveLength(2)
  await worker.end('SIGKILL')
  await proxy.close()
})

test('where the first answer to every call gets lost each job is done once all the same, and its log is whole', async () => {
  const service = await crew.queue()
  const proxy = await forgetfulProxy(server.url)
  const ids = await Promise.all(
    Array.from({ length: 20 }, () => crew.call(service, 'lines', { count: 3, size: 1 })),
  )
  const worker = crew.workAt(new Client(proxy.url, server.admin.token), service, {
    concurrency: 2,
  })
  for (const id of ids) {
    const { attempts } = await crew.becomes(id, 'SUCCEEDED')
    expect(attempts).toMatchObject([{ outcome: 'SUCCEEDED' }])
    expect(await crew.logOf(id)).toEqual(['0 x', '1 x', '2 x'])
  }
  for (const operation of ['claimJobs', 'appendJobLog', 'completeJob'])
    expect(proxy.lost).toContain(operation)
  await worker.end('SIGKILL')
  await proxy.close()
})
