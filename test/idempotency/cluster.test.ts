import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { pair, type Pair } from '../cluster/pair.ts'
import { CreateDeployment } from '../../testkit/operations/deployments.ts'
import { Activities, CreateToken } from '../../testkit/operations/organizations.ts'
import { CreateService, RollBack, ScaleService } from '../../testkit/operations/services.ts'
import { succeeded } from '../../testkit/outcome.ts'
import { seedDeployment, seedService, seedVersion } from '../../testkit/seed/services.ts'
import { until } from '../../testkit/until.ts'
import { apart, atOnce } from './answers.ts'
import { guarded, inDatabase } from './database.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const hasServers =
  process.env['TEST_DATABASE_URL'] !== undefined && process.env['TEST_REDIS_URL'] !== undefined

describe.runIf(hasServers)('two servers on one database', () => {
  let two: Pair
  beforeAll(async () => {
    two = await pair()
    await two.servers[0].start()
    await two.servers[1].start()
  })
  afterAll(() => two.close())

  const admin = (n: number) => two.servers[n % 2 === 0 ? 0 : 1].admin

  /** What was done since, by its name. */
  async function acts(actions: readonly string[]): Promise<string[]> {
    const { activity } = await admin(0).request(Activities, {
      first: 1000,
      filter: { actions: [...actions] },
    })
    return activity.nodes.map(({ action }) => action)
  }

  test('100 calls at once, on both and of several mutations, act once each and answer alike', async () => {
    const { id: deploymentId } = await seedDeployment(admin(0))
    const files = { 'main.py': 'def handler(request, context):\n    return {}\n' }
    const earlier = await seedVersion(admin(0), deploymentId, files)
    const later = await seedVersion(admin(0), deploymentId, files)
    const { id } = await seedService(admin(0), later)
    const key = randomUUID()
    const name = `both ${key}`
    const keyed = (letter: string) => ({ idempotencyKey: `${letter}-${key}` })
    const backend = { process: { versionId: later } }
    const mixed = [
      async (n: number) =>
        succeeded(
          (await admin(n).request(CreateDeployment, { input: { name, ...keyed('d') } }))
            .createDeployment,
          'CreateDeploymentSuccess',
        ),
      async (n: number) =>
        succeeded(
          (await admin(n).request(CreateService, { input: { name, backend, ...keyed('s') } }))
            .createService,
          'CreateServiceSuccess',
        ),
      async (n: number) =>
        succeeded(
          (await admin(n).request(CreateToken, { input: { name, role: 'ADMIN', ...keyed('t') } }))
            .createToken,
          'CreateTokenSuccess',
        ),
      async (n: number) => {
        const input = { id, scale: { desired: 2 }, ...keyed('c') }
        const { scaleService } = await admin(n).request(ScaleService, { input })
        return succeeded(scaleService, 'ScaleServiceSuccess')
      },
      async (n: number) => {
        const input = { deploymentId, versionId: earlier, serviceIds: [id], ...keyed('r') }
        const { rollBackDeployment } = await admin(n).request(RollBack, { input })
        return succeeded(rollBackDeployment, 'RollBackDeploymentSuccess')
      },
    ]
    const names = ['createDeployment', 'createService', 'createToken', 'scaleService']
    const before = await acts([...names, 'rollBackDeployment'])
    const outcomes = await Promise.all(mixed.map((call) => atOnce<object>(100, call)))
    for (const one of outcomes)
      expect(apart(one)).toEqual({ answers: [expect.any(String)], firsts: 1 })
    const after = await acts([...names, 'rollBackDeployment'])
    expect(after.slice(0, after.length - before.length).toSorted()).toEqual(
      [...names, 'rollBackDeployment'].toSorted(),
    )
  })

  test('what a server leaves when it dies is answered by the other, from the object', async () => {
    const LOCK = 4712
    await inDatabase(
      { url: two.url, dataDir: '' },
      ...guarded(`PERFORM pg_advisory_xact_lock(${LOCK});`),
    )
    const { Client: Connection } = await import('pg')
    const holder = new Connection({ connectionString: two.url })
    await holder.connect()
    await holder.query(`SELECT pg_advisory_lock(${LOCK})`)
    const input = { name: `left ${randomUUID()}`, idempotencyKey: randomUUID() }
    const call = async (n: number) =>
      succeeded(
        (await admin(n).request(CreateDeployment, { input })).createDeployment,
        'CreateDeploymentSuccess',
      )
    const lost = call(0).catch(() => 'lost')
    const waiting = `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'`
    await until(async () => (await holder.query(waiting)).rows.length > 0)
    await two.servers[0].end('SIGKILL')
    expect(await lost).toBe('lost')
    await holder.query(`SELECT pg_terminate_backend(pid) FROM (${waiting}) AS w`)
    await holder.query('DROP TRIGGER call_guard ON "IdempotentCall"')
    await holder.end()
    const outcomes = await atOnce(10, () => call(1))
    expect(apart(outcomes)).toEqual({ answers: [expect.any(String)], firsts: 0 })
    const { activity } = await admin(1).request(Activities, {
      first: 1000,
      filter: { actions: ['createDeployment'] },
    })
    const made = activity.nodes.filter(({ changes }) => changes.some(({ to }) => to === input.name))
    expect(made.map(({ subjectId }) => subjectId)).toEqual([outcomes[0]?.deployment.id])
    await two.servers[0].start()
  })
})
