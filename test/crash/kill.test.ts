import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testDatabase, type TestDatabase } from '../../testkit/database/database.ts'
import { type Gate, testGate } from '../../testkit/gate.ts'
import { isAlive } from '../../testkit/machine/alive.ts'
import { processesWith } from '../../testkit/machine/processes.ts'
import { details, look, remove, stop, update } from '../../testkit/operations/services.ts'
import { succeeded } from '../../testkit/outcome.ts'
import { amount, freshSeed, random } from '../../testkit/random.ts'
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
import { held, scaledService, scaling } from '../services/scaling.ts'

/*
 * A server that is ended by kill -9, with all that it was at, and what its next start makes of that. A start takes
 * seconds, so what does not disturb each other is killed together.
 */
let database: TestDatabase
let server: TestServer
let gate: Gate
beforeAll(async () => {
  database = await testDatabase()
  gate = await testGate()
  // what is to stop when the server is killed still does
  server = new TestServer(database, { SCALE_DOWN_SECONDS: '3', STOP_GRACE_SECONDS: '60' })
  await server.start()
})
afterAll(async () => {
  await server.end('SIGKILL')
  await until(async () => (await processesWith(database.dataDir)).length === 0)
  await database.drop()
  await gate.remove()
})

const statusOf = async (id: string) => (await look(server.admin, id))?.status
const call = (url: string) => fetch(url, { headers: server.admin.headers })
const isAlone = async () => (await processesWith(database.dataDir)).length === 1

/** Ends when it is killed, and not before. */
const deaf = {
  'run.sh': `trap '' TERM\n${command.files['run.sh'].replace('& wait', '')}`,
  'server.py': command.files['server.py'].replace(
    /^signal.*\n/m,
    'signal.signal(signal.SIGTERM, signal.SIG_IGN)\n',
  ),
}
const scale = { min: 1, max: 3, autoscale: true, targetInFlight: 1 }

/** What runs, what rests and what is under way when the server is killed. */
async function atWork() {
  const { admin } = server
  const gated = { 'main.py': `${gate.python}${python.files['main.py']}` }
  const deafly = () => runningService(admin, deaf, { command: 'sh run.sh' })
  await gate.open()
  const [running, resting, waiting, rolling, stopping, deleted, scaled, asleep] = await Promise.all(
    [
      Promise.all(
        [python, node, command].map(({ files, ...how }) => runningService(admin, files, how)),
      ),
      runningService(admin, python.files),
      runningService(admin, gated),
      runningService(admin, python.files),
      deafly(),
      deafly(),
      scaledService(admin, scale),
      scaledService(admin, { ...scale, desired: 0, min: 0 }),
    ],
  )
  await stop(admin, resting.id)
  await becomes(admin, resting.id, 'STOPPED')
  await becomes(admin, scaled.id, 'READY')
  const requests = Array.from({ length: 4 }, () => held(admin, scaled.invokeUrl))
  await until(async () => (await scaling(admin, scaled.id)).ready === 3)

  await gate.shut()
  const next = await seedVersion(admin, rolling.deploymentId, gated)
  const starting = await seedService(admin, next)
  await update(admin, { id: rolling.id, backend: { process: { versionId: next } } })
  await stop(admin, stopping.id)
  await remove(admin, deleted.id)
  expect(await statusOf(starting.id)).toBe('STARTING')
  expect(await statusOf(rolling.id)).toBe('SCALING')
  expect(await statusOf(stopping.id)).toBe('STOPPING')
  return {
    running,
    resting,
    waiting,
    rolling: { ...rolling, next },
    starting,
    stopping,
    deleted,
    scaled: {
      ...scaled,
      requests,
      number: (await scaling(admin, scaled.id)).events.at(-1)?.number,
    },
    asleep,
  }
}

describe('killed while much is under way', () => {
  let made: Awaited<ReturnType<typeof atWork>>
  let before: readonly number[]
  let after: readonly number[]
  /** What the next start told of the service that waits, from its first answer on. */
  const told: Awaited<ReturnType<typeof look>>[] = []
  beforeAll(async () => {
    made = await atWork()
    before = await processesWith(database.dataDir)
    await server.end('SIGKILL')
    await until(() => !before.some(isAlive))
    after = await processesWith(database.dataDir)
    await Promise.allSettled(made.scaled.requests.map(({ answer }) => answer))

    const { admin } = server
    const ask = (): Promise<unknown> =>
      look(admin, made.waiting.id).then(
        (service) => told.push(service),
        () => {}, // it does not listen yet
      )
    const started = server.start()
    await until(async () => (await ask(), told.length > 0))
    await gate.open()
    await until(async () => (await ask(), told.at(-1)?.status === 'READY'))
    await started
  })
  afterAll(async () => {
    const { running, resting, waiting, rolling, starting, stopping, scaled, asleep } = made
    for (const { id } of [
      ...running,
      resting,
      waiting,
      rolling,
      starting,
      stopping,
      scaled,
      asleep,
    ])
      await remove(server.admin, id)
    await until(isAlone) // the server itself
  })

  test('nothing outlives the server, and its next start brings everything back as it was wanted', async () => {
    const { running, resting } = made
    const [first] = running
    expect(before.length).toBeGreaterThanOrEqual(6)
    expect(after).toEqual([])
    for (const { id } of running) await becomes(server.admin, id, 'READY')
    const answers = running.map(async ({ invokeUrl }) => (await call(invokeUrl)).text())
    expect(await Promise.all(answers)).toEqual(['python', 'node', 'command'])
    expect(await statusOf(resting.id)).toBe('STOPPED')
    const service = await look(server.admin, first?.id ?? '')
    expect(service?.instances).toMatchObject([{ ordinal: 0, status: 'READY', restarts: 0 }])
    for (const { id } of [...running, resting]) {
      const { events, revision } = await details(server.admin, id)
      expect(events.nodes.map(({ number }) => number)).toEqual(dense(revision))
    }
  })

  test('from its first answer on, the next start tells READY only of what has a process', () => {
    expect(told[0]?.status).toBe('SCALING')
    for (const service of told)
      if (service?.status === 'READY')
        expect(service.instances.map(({ status }) => status)).toEqual(['READY'])
  })

  test('what was under way is finished', async () => {
    const { rolling, starting, stopping, deleted } = made
    await becomes(server.admin, stopping.id, 'STOPPED')
    await becomes(server.admin, starting.id, 'READY')
    await becomes(server.admin, rolling.id, 'READY')
    const { version, targetVersion } = await details(server.admin, rolling.id)
    expect([version.id, targetVersion]).toEqual([rolling.next, null])
    expect(await look(server.admin, deleted.id)).toBeNull()
    expect(await (await call(rolling.invokeUrl)).text()).toBe('python')
  })

  test('what was scaled up goes on from there, and what sleeps is not woken', async () => {
    const { scaled, asleep } = made
    await becomes(server.admin, scaled.id, 'READY')
    expect((await held(server.admin, scaled.invokeUrl).end()).status).toBe(200)
    await until(async () => (await scaling(server.admin, scaled.id)).instances.length === 1)
    const { events, decisions } = await scaling(server.admin, scaled.id)
    const started = events.filter(
      ({ kind, number }) => kind === 'INSTANCE_STARTED' && number > (scaled.number ?? 0),
    )
    expect(new Set(started.map(({ instance }) => instance))).toEqual(new Set([0, 1, 2]))
    expect(decisions.at(-1)?.to).toBe(1)

    const quiet = await scaling(server.admin, asleep.id)
    expect(quiet).toMatchObject({ status: 'READY', scale: { desired: 0 }, instances: [] })
    expect((await held(server.admin, asleep.invokeUrl).end()).status).toBe(200)
  })
})

test('killed at any moment, again and again, it keeps every change it has acknowledged and has each printed line once', async () => {
  const rounds = amount({ share: 2, whole: 10 })
  const chance = random(freshSeed())
  const printing = await runningService(server.admin, counter.files)
  const { id } = await seedService(server.admin, printing.versionId)
  await stop(server.admin, id)
  await becomes(server.admin, id, 'STOPPED')
  let acknowledged = { revision: 0, description: '' }
  for (let round = 0; round < rounds; round += 1) {
    const { admin } = server
    const { length } = await linesOf(admin, printing.id)
    await until(async () => (await linesOf(admin, printing.id)).length > length + 20)
    const life = { isOver: false }
    const writing = (async () => {
      for (let n = 0; !life.isOver; n += 1) {
        const description = `${round}.${n}`
        const answer = await update(admin, { id, description }).catch(() => undefined)
        if (answer === undefined) return
        const { service } = succeeded(answer.updateService, 'UpdateServiceSuccess')
        acknowledged = { revision: service.revision, description }
      }
    })()
    const wanted = acknowledged.revision + Math.floor(chance() * 20)
    await until(() => acknowledged.revision > wanted)
    await server.end('SIGKILL')
    life.isOver = true
    await writing
    await server.start()
    const { revision, description, status } = await details(server.admin, id)
    // the one that was under way may have happened, or not
    expect(revision).toBeGreaterThanOrEqual(acknowledged.revision)
    expect(revision).toBeLessThanOrEqual(acknowledged.revision + 1)
    if (revision === acknowledged.revision) expect(description).toBe(acknowledged.description)
    expect(status).toBe('STOPPED')
    await becomes(server.admin, printing.id, 'READY')
  }
  const { revision, events } = await details(server.admin, id)
  expect(events.nodes.map(({ number }) => number)).toEqual(dense(Math.min(revision, 1000)))

  await stop(server.admin, printing.id)
  await becomes(server.admin, printing.id, 'STOPPED')
  const lines = await linesOf(server.admin, printing.id)
  expect(lines.map(({ number }) => number)).toEqual(dense(lines.length))
  const counted = countedIn(lines)
  expect(counted.size).toBe(rounds + 1)
  for (const numbers of counted.values()) expect(numbers).toEqual(dense(numbers.length))
  for (const one of [id, printing.id]) await remove(server.admin, one)
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
