import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { held, scaledService, scaling } from '../services/scaling.ts'
import { testDatabase, type TestDatabase } from '../../testkit/database/database.ts'
import { processesWith } from '../../testkit/machine/processes.ts'
import { becomes } from '../../testkit/seed/services.ts'
import { TestServer } from '../../testkit/server.ts'
import { until } from '../../testkit/until.ts'

vi.setConfig({ testTimeout: 90_000 })

let database: TestDatabase
let server: TestServer
beforeAll(async () => {
  database = await testDatabase()
  server = new TestServer(database, { SCALE_DOWN_SECONDS: '3' })
  await server.start()
})
afterAll(async () => {
  await server.end('SIGKILL')
  await until(async () => (await processesWith(database.dataDir)).length === 0)
  await database.drop()
})

const look = (id: string) => scaling(server.admin, id)

test('the next start of a server that was killed while it was scaled up goes on from there', async () => {
  const scale = { min: 1, max: 3, autoscale: true, targetInFlight: 1 }
  const service = await scaledService(server.admin, scale)
  const { id, invokeUrl } = service
  const asleep = await scaledService(server.admin, { ...scale, desired: 0, min: 0 })
  await becomes(server.admin, id, 'READY')
  const requests = Array.from({ length: 4 }, () => held(server.admin, invokeUrl))
  await until(async () => (await look(id)).ready === 3, { timeoutMs: 30_000 })
  const before = (await look(id)).events.at(-1)?.number ?? 0

  await server.end('SIGKILL')
  await Promise.allSettled(requests.map((one) => one.answer))
  await server.start()
  await becomes(server.admin, id, 'READY')
  expect((await held(server.admin, invokeUrl).end()).status).toBe(200)
  await until(async () => (await look(id)).instances.length === 1, { timeoutMs: 30_000 })
  const { events, decisions } = await look(id)
  const started = events.filter(
    ({ kind, number }) => kind === 'INSTANCE_STARTED' && number > before,
  )
  expect(new Set(started.map(({ instance }) => instance))).toEqual(new Set([0, 1, 2]))
  expect(decisions.at(-1)?.to).toBe(1)

  // one that sleeps is not woken by that
  const quiet = await look(asleep.id)
  expect(quiet).toMatchObject({ status: 'READY', scale: { desired: 0 }, instances: [] })
  expect((await held(server.admin, asleep.invokeUrl).end()).status).toBe(200)
})
