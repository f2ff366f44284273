import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testFolder } from '../../testkit/folder.ts'
import { OwnPostgres, postgresPrograms } from '../../testkit/machine/postgres.ts'
import { processesWith } from '../../testkit/machine/processes.ts'
import { look, stop } from '../../testkit/operations/services.ts'
import { ServiceLogs } from '../../testkit/operations/streams.ts'
import { countedIn, dense } from '../../testkit/seed/counted.ts'
import { counter, python } from '../../testkit/seed/programs.ts'
import { becomes, linesOf, runningService } from '../../testkit/seed/services.ts'
import { TestServer } from '../../testkit/server.ts'
import { until } from '../../testkit/until.ts'
import { follow } from '../streams/follow.ts'
import { CreateOnce } from './outage.ts'

/*
 * The database is killed and started again under a server that runs: whoever follows goes on where they were, what a
 * service printed meanwhile is kept and written down, and a mutation that failed can be sent again with its key.
 */
const bin = process.env['TEST_DATABASE_URL'] === undefined ? undefined : await postgresPrograms()

describe.runIf(bin !== undefined)('with a PostgreSQL server that is killed', () => {
  let postgres: OwnPostgres
  let server: TestServer
  let folder: Awaited<ReturnType<typeof testFolder>>
  beforeAll(async () => {
    postgres = await OwnPostgres.make(bin ?? '')
    folder = await testFolder()
    server = new TestServer({ url: postgres.url, dataDir: folder.path }, { LEASE_SECONDS: '4' })
    await server.start()
  }, 90_000)
  afterAll(async () => {
    await server.end('SIGKILL')
    await postgres.drop()
    await folder.remove()
  })

  test('no line is lost, repeated or out of order, for the table or for who follows', async () => {
    const service = await runningService(server.admin, counter.files)
    const following = follow(server.admin, ServiceLogs, { serviceId: service.id })
    const numbers = (): number[] =>
      following.results.flatMap(({ data }) =>
        (data?.serviceLogs.lines ?? []).map(({ number }) => number),
      )
    const more = async (): Promise<void> => {
      const before = numbers().length
      await until(() => numbers().length > before + 50, { timeoutMs: 30_000 })
    }
    for (let round = 0; round < 3; round += 1) {
      await more()
      await postgres.kill()
      await new Promise((resolve) => setTimeout(resolve, 1_000))
      await postgres.start()
    }
    await more()
    await stop(server.admin, service.id)
    await becomes(server.admin, service.id, 'STOPPED')
    const lines = await linesOf(server.admin, service.id)
    await until(() => numbers().at(-1) === lines.length)
    expect(following.over).toBe(false)
    following.stop()
    expect(lines.map(({ number }) => number)).toEqual(dense(lines.length))
    const [first = 0] = numbers()
    expect(numbers()).toEqual(dense(lines.length).slice(first - 1))
    for (const counted of countedIn(lines).values()) expect(counted).toEqual(dense(counted.length))
  }, 120_000)

  test('a mutation that failed meanwhile is done once when it is sent again with its key', async () => {
    await postgres.kill()
    const input = { name: 'made once', idempotencyKey: 'the-key-of-the-outage' }
    const failed = await server.admin.execute(CreateOnce, { input })
    expect(failed.errors).toHaveLength(1)
    expect(failed.errors?.[0]?.message).not.toMatch(/ECONN|postgres|connect/i)
    await postgres.start()
    await until(async () => (await fetch(`${server.url}/readyz`)).ok)
    const ids = new Set<string>()
    for (let n = 0; n < 3; n += 1) {
      const { createDeployment } = await server.admin.request(CreateOnce, { input })
      if (createDeployment.__typename !== 'CreateDeploymentSuccess')
        throw new Error(JSON.stringify(createDeployment))
      ids.add(createDeployment.deployment.id)
    }
    expect(ids.size).toBe(1)
  }, 60_000)

  test('a service whose server had to give it up is not READY until it is started again', async () => {
    const { id } = await runningService(server.admin, python.files)
    const before = (await look(server.admin, id))?.revision ?? 0
    await postgres.kill()
    await until(async () => (await processesWith(id)).length === 0, { timeoutMs: 30_000 })
    await postgres.start()
    const since = async () => {
      const service = await look(server.admin, id).catch(() => null)
      return (service?.events.nodes ?? []).filter(({ number }) => number > before)
    }
    await until(async () => (await since()).some(({ kind }) => kind === 'INSTANCE_STARTED'), {
      timeoutMs: 30_000,
    })
    await becomes(server.admin, id, 'READY')
    const told = (await since()).filter(
      ({ kind }) => kind === 'STATUS_CHANGED' || kind === 'INSTANCE_STARTED',
    )
    expect(told.map(({ kind, message }) => message ?? kind)).toEqual([
      'The server that ran it has ended or was cut off; its instances are being started.',
      expect.stringContaining('version '),
      'STATUS_CHANGED',
    ])
  }, 120_000)
})
