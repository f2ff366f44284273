import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Client } from '../../testkit/client.ts'
import { testDatabase, type TestDatabase } from '../../testkit/database/database.ts'
import { CreateDeployment } from '../../testkit/operations/deployments.ts'
import { Activities, CreateToken } from '../../testkit/operations/organizations.ts'
import { CreateService, RollBack, ScaleService } from '../../testkit/operations/services.ts'
import { succeeded } from '../../testkit/outcome.ts'
import { amount, freshSeed, random } from '../../testkit/random.ts'
import { seed } from '../../testkit/seed/chain.ts'
import { seedService } from '../../testkit/seed/services.ts'
import { TestServer } from '../../testkit/server.ts'
import { until } from '../../testkit/until.ts'
import { apart, atOnce } from './answers.ts'
import { guarded, inDatabase, unguarded } from './database.ts'

let database: TestDatabase
let server: TestServer
beforeAll(async () => {
  database = await testDatabase()
  server = new TestServer(database)
  await server.start()
})
afterAll(async () => {
  await server.end('SIGKILL')
  await database.drop()
})

/** What each mutation is called with; the key makes it the same call each time. */
async function calls(admin: Client) {
  const files = { 'main.py': 'def handler(request, context):\n    return {}\n' }
  const { versionIds, ...one } = await seed(admin)
    .deployment()
    .version(files)
    .version(files)
    .service()
    .made()
  const { deploymentId, versionId: later } = one
  const [earlier = ''] = versionIds
  const two = await seedService(admin, later)
  const name = `cut ${randomUUID()}`
  const idempotencyKey = randomUUID()
  const backend = { process: { versionId: later } }
  const scale = { desired: 3 }
  return {
    createDeployment: async (client: Client) =>
      succeeded(
        (await client.request(CreateDeployment, { input: { name, idempotencyKey } }))
          .createDeployment,
        'CreateDeploymentSuccess',
      ),
    createService: async (client: Client) =>
      succeeded(
        (
          await client.request(CreateService, {
            input: { name, backend, idempotencyKey: `s-${idempotencyKey}` },
          })
        ).createService,
        'CreateServiceSuccess',
      ),
    createToken: async (client: Client) =>
      succeeded(
        (
          await client.request(CreateToken, {
            input: { name, role: 'VIEWER', idempotencyKey: `t-${idempotencyKey}` },
          })
        ).createToken,
        'CreateTokenSuccess',
      ),
    scaleService: async (client: Client) =>
      succeeded(
        (
          await client.request(ScaleService, {
            input: { id: one.id, scale, idempotencyKey: `c-${idempotencyKey}` },
          })
        ).scaleService,
        'ScaleServiceSuccess',
      ),
    rollBackDeployment: async (client: Client) =>
      succeeded(
        (
          await client.request(RollBack, {
            input: {
              deploymentId,
              versionId: earlier,
              serviceIds: [one.id, two.id],
              idempotencyKey: `r-${idempotencyKey}`,
            },
          })
        ).rollBackDeployment,
        'RollBackDeploymentSuccess',
      ),
  }
}

/** How often each of these was done. */
async function counts(admin: Client): Promise<Record<string, number>> {
  const { activity } = await admin.request(Activities, { first: 1000 })
  const all: Record<string, number> = {}
  for (const { action } of activity.nodes) all[action] = (all[action] ?? 0) + 1
  return all
}

test('killed between the effect and the answer, it does nothing twice and answers all alike', async () => {
  const each = await calls(server.admin)
  const before = await counts(server.admin)
  await server.end('SIGKILL')
  // neither the answer nor the end of the claim can be written: as if the server were dead by then
  await inDatabase(database, ...guarded("RAISE EXCEPTION 'cut off';"))
  await server.start()
  for (const call of Object.values(each))
    await expect(call(server.admin)).rejects.toThrow('INTERNAL')
  await server.end('SIGKILL')
  await inDatabase(database, ...unguarded)
  await server.start()
  for (const [name, call] of Object.entries(each)) {
    const outcomes = await atOnce<object>(20, () => call(server.admin))
    expect(apart(outcomes).answers, name).toHaveLength(1)
    const parts = name === 'rollBackDeployment' ? 2 : 1
    const after = await counts(server.admin)
    expect((after[name] ?? 0) - (before[name] ?? 0), name).toBe(parts)
  }
  const { secret } = await each.createToken(server.admin)
  await server.admin.request(Activities, { first: 1000 })
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${secret}` },
    body: JSON.stringify({ query: '{ viewer { role } }' }),
  })
  expect(await response.json()).toMatchObject({ data: { viewer: { role: 'VIEWER' } } })
})

test('killed at any moment, it has done each call once when it is made again', async () => {
  const chance = random(freshSeed())
  for (let round = 0; round < amount({ share: 1, whole: 6 }); round += 1) {
    const name = `killed ${randomUUID()}`
    const input = (n: number) => ({
      name: `${name} ${n}`,
      idempotencyKey: `${name}-${n}`.replaceAll(' ', '-'),
    })
    const call = async (n: number) =>
      succeeded(
        (await server.admin.request(CreateDeployment, { input: input(n) })).createDeployment,
        'CreateDeploymentSuccess',
      )
    const answered: Awaited<ReturnType<typeof call>>[] = []
    const running = Array.from({ length: 30 }, async (_, n) => {
      const outcome = await call(n).catch(() => undefined)
      if (outcome !== undefined) answered.push(outcome)
    })
    const wanted = Math.floor(chance() * 20)
    await until(() => answered.length >= wanted)
    await server.end('SIGKILL')
    await Promise.all(running)
    await server.start()
    const again = await atOnce(30, call)
    for (const first of answered) {
      const repeated = again.find(({ deployment }) => deployment.id === first.deployment.id)
      expect(apart([first, repeated ?? {}]).answers).toHaveLength(1)
    }
    const { activity } = await server.admin.request(Activities, {
      first: 1000,
      filter: { actions: ['createDeployment'] },
    })
    const names = activity.nodes.flatMap(({ changes }) => changes.map(({ to }) => String(to)))
    const mine = names.filter((one) => one.startsWith(name))
    expect(mine.toSorted()).toEqual(again.map(({ deployment }) => deployment.name).toSorted())
  }
})

describe.runIf(process.env['TEST_DATABASE_URL'] !== undefined)('on a PostgreSQL server', () => {
  test('killed while it writes the answer, it does nothing twice', async () => {
    const LOCK = 4711
    await inDatabase(database, ...guarded(`PERFORM pg_advisory_xact_lock(${LOCK});`))
    const { Client: Connection } = await import('pg')
    const holder = new Connection({ connectionString: database.url })
    await holder.connect()
    await holder.query(`SELECT pg_advisory_lock(${LOCK})`)
    const name = `written ${randomUUID()}`
    const idempotencyKey = randomUUID()
    const call = async () =>
      succeeded(
        (await server.admin.request(CreateDeployment, { input: { name, idempotencyKey } }))
          .createDeployment,
        'CreateDeploymentSuccess',
      )
    const lost = call().catch(() => 'lost')
    const waiting = `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'`
    await until(async () => (await holder.query(waiting)).rows.length > 0)
    await server.end('SIGKILL')
    expect(await lost).toBe('lost')
    await holder.query(`SELECT pg_terminate_backend(pid) FROM (${waiting}) AS w`)
    await until(async () => (await holder.query(waiting)).rows.length === 0)
    const { rows } = await holder.query(
      `SELECT e.subject, c.answer FROM "IdempotentCall" AS c JOIN "AuditEntry" AS e ON e."callId" = c.id
       WHERE c.key = $1`,
      [idempotencyKey],
    )
    expect(rows).toEqual([{ subject: expect.stringMatching(/^dep:/), answer: null }])
    await holder.end()
    await inDatabase(database, ...unguarded)
    await server.start()
    const outcomes = await atOnce(100, call)
    expect(apart(outcomes)).toEqual({ answers: [expect.any(String)], firsts: 0 })
    const { activity } = await server.admin.request(Activities, {
      first: 1000,
      filter: { actions: ['createDeployment'] },
    })
    const made = activity.nodes.filter(({ changes }) => changes.some(({ to }) => to === name))
    expect(made.map(({ subjectId }) => subjectId)).toEqual([outcomes[0]?.deployment.id])
  })
})
