import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { testDatabase, type TestDatabase } from '../../testkit/database/database.ts'
import { isAlive } from '../../testkit/machine/alive.ts'
import { processesWith } from '../../testkit/machine/processes.ts'
import { look, remove, stop, update } from '../../testkit/operations/services.ts'
import { countedIn, dense } from '../../testkit/seed/counted.ts'
import { command, counter, node, python } from '../../testkit/seed/programs.ts'
import {
  becomes,
  linesOf,
  runningService,
  seedService,
  seedVersion,
} from '../../testkit/seed/services.ts'
import { TestServer } from '../../testkit/server.ts'
import { until } from '../../testkit/until.ts'

vi.setConfig({ testTimeout: 90_000 })

let database: TestDatabase
let server: TestServer
beforeAll(async () => {
  database = await testDatabase()
  server = new TestServer(database)
  await server.start()
})
afterAll(async () => {
  await server.end('SIGKILL')
  await until(async () => (await processesWith(database.dataDir)).length === 0)
  await database.drop()
})

const restart = async () => {
  await server.end('SIGKILL')
  await server.start()
}
const statusOf = async (id: string) => (await look(server.admin, id))?.status
const call = (url: string) => fetch(url, { headers: server.admin.headers })

test('nothing outlives a killed server, and its next start brings everything back as it was wanted', async () => {
  const running = await Promise.all(
    [python, node, command].map(({ files, ...how }) => runningService(server.admin, files, how)),
  )
  const [first] = running
  const resting = await runningService(server.admin, python.files)
  await stop(server.admin, resting.id)
  await becomes(server.admin, resting.id, 'STOPPED')
  const before = await processesWith(database.dataDir)
  expect(before.length).toBeGreaterThanOrEqual(6)

  await server.end('SIGKILL')
  await until(() => !before.some(isAlive), { timeoutMs: 5_000 })
  expect(await processesWith(database.dataDir)).toEqual([])

  await server.start()
  for (const { id } of running) await becomes(server.admin, id, 'READY')
  const answers = running.map(async ({ invokeUrl }) => (await call(invokeUrl)).text())
  expect(await Promise.all(answers)).toEqual(['python', 'node', 'command'])
  expect(await statusOf(resting.id)).toBe('STOPPED')
  const service = await look(server.admin, first?.id ?? '')
  expect(service?.instances).toEqual([{ ordinal: 0, status: 'READY', restarts: 0 }])
  for (const { id } of [...running, resting]) {
    const now = await look(server.admin, id)
    expect(now?.events.nodes.map(({ number }) => number)).toEqual(dense(now?.revision ?? 0))
    await remove(server.admin, id)
  }
  await until(async () => (await processesWith(database.dataDir)).length === 1) // the server itself
})

test('from its first answer on, a server that was killed tells READY only of what has a process', async () => {
  const { id } = await runningService(server.admin, python.files)
  const { admin } = server
  const told: Awaited<ReturnType<typeof look>>[] = []
  const isUp = () => told.at(-1)?.status === 'READY'
  await server.end('SIGKILL')
  const started = server.start()
  await until(
    async () => {
      await look(admin, id).then(
        (service) => told.push(service),
        () => {}, // it does not listen yet
      )
      return isUp()
    },
    { timeoutMs: 60_000 },
  )
  await started
  expect(told[0]?.status).toBe('SCALING')
  for (const service of told)
    if (service?.status === 'READY')
      expect(service.instances.map(({ status }) => status)).toEqual(['READY'])
  await remove(server.admin, id)
})

test('what was under way when the server was killed is finished by the next one', async () => {
  const { admin } = server
  const slow = { 'main.py': `import time\ntime.sleep(1)\n${python.files['main.py']}` }
  const deaf = {
    'run.sh': `trap '' TERM\n${command.files['run.sh'].replace('& wait', '')}`,
    'server.py': command.files['server.py'].replace(
      /^signal.*\n/m,
      'signal.signal(signal.SIGTERM, signal.SIG_IGN)\n',
    ),
  }
  const [rolling, stopping, deleted] = await Promise.all([
    runningService(admin, python.files),
    runningService(admin, deaf, { command: 'sh run.sh' }),
    runningService(admin, deaf, { command: 'sh run.sh' }),
  ])
  const next = await seedVersion(admin, rolling.deploymentId, slow)
  const starting = await seedService(admin, next)
  await update(admin, { id: rolling.id, backend: { process: { versionId: next } } })
  await stop(admin, stopping.id)
  await remove(admin, deleted.id)
  expect(await statusOf(starting.id)).toBe('STARTING')
  expect(await statusOf(rolling.id)).toBe('SCALING')
  expect(await statusOf(stopping.id)).toBe('STOPPING')

  await restart()
  await becomes(server.admin, stopping.id, 'STOPPED')
  await becomes(server.admin, starting.id, 'READY')
  await becomes(server.admin, rolling.id, 'READY')
  const rolled = await look(server.admin, rolling.id)
  expect([rolled?.version.id, rolled?.targetVersion]).toEqual([next, null])
  expect(await look(server.admin, deleted.id)).toBeNull()
  expect(await (await call(rolling.invokeUrl)).text()).toBe('python')
  for (const { id } of [rolling, starting]) await remove(server.admin, id)
  await until(async () => (await processesWith(database.dataDir)).length === 1)
})

test('what a process had printed when the server was killed is in its log exactly once', async () => {
  const service = await runningService(server.admin, counter.files)
  for (let round = 0; round < 2; round += 1) {
    const length = (await linesOf(server.admin, service.id)).length
    await until(async () => (await linesOf(server.admin, service.id)).length > length + 20)
    await restart()
    await becomes(server.admin, service.id, 'READY')
  }
  await stop(server.admin, service.id)
  await becomes(server.admin, service.id, 'STOPPED')
  const lines = await linesOf(server.admin, service.id)
  expect(lines.map(({ number }) => number)).toEqual(dense(lines.length))
  const counted = countedIn(lines)
  expect(counted.size).toBe(3)
  for (const numbers of counted.values()) expect(numbers).toEqual(dense(numbers.length))
})

test('a process that is killed is started again, and the log says so', async () => {
  const service = await runningService(server.admin, python.files)
  const shown = await processesWith(service.id)
  for (const pid of shown) process.kill(pid, 'SIGKILL')
  await until(async () => (await look(server.admin, service.id))?.instances[0]?.restarts === 1)
  await becomes(server.admin, service.id, 'READY')
  expect(await (await call(service.invokeUrl)).text()).toBe('python')
  const texts = (await linesOf(server.admin, service.id)).map(({ text }) => text)
  expect(texts).toEqual([
    'python up',
    'instance 0 was ended by SIGKILL; starting it again in 0.5 s',
    'python up',
  ])
  await remove(server.admin, service.id)
})
