import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { areClosed, openAll } from '../auth/open.ts'
import { scrape, total } from '../observe/scrape.ts'
import { Client } from '../../testkit/client.ts'
import { onServer } from '../../testkit/database/template.ts'
import { isAlive } from '../../testkit/machine/alive.ts'
import { processesWith } from '../../testkit/machine/processes.ts'
import { CreateDeployment } from '../../testkit/operations/deployments.ts'
import {
  Activities,
  CreateToken,
  RevokeToken,
  Viewer,
} from '../../testkit/operations/organizations.ts'
import {
  CreateService,
  look,
  remove,
  RollBack,
  ScaleService,
  stop,
} from '../../testkit/operations/services.ts'
import { ServiceLogs } from '../../testkit/operations/streams.ts'
import { countedIn, dense } from '../../testkit/seed/counted.ts'
import { counter, python } from '../../testkit/seed/programs.ts'
import { seedOrganization, seedToken } from '../../testkit/seed/organizations.ts'
import { seed } from '../../testkit/seed/chain.ts'
import { becomes, type Line, linesOf, runningService } from '../../testkit/seed/services.ts'
import type { TestServer } from '../../testkit/server.ts'
import { succeeded } from '../../testkit/outcome.ts'
import { apart, atOnce } from '../idempotency/answers.ts'
import { guarded, inDatabase } from '../idempotency/database.ts'
import { until } from '../../testkit/until.ts'
import { held, scaledService, scaling } from '../services/scaling.ts'
import { pair, type Pair } from './pair.ts'

const redisUrl = process.env['TEST_REDIS_URL']
const hasServers = process.env['TEST_DATABASE_URL'] !== undefined && redisUrl !== undefined

/** Follows a log from its beginning; `lines` grows until `close`. */
function follow(client: Client, id: string) {
  const socket = client.socket()
  const lines: Pick<Line, 'number' | 'text'>[] = []
  const variables = { serviceId: id, after: 'start' }
  const query = ServiceLogs.toString()
  const leave = socket.subscribe<{ serviceLogs: { lines: typeof lines } }>(
    { query, variables },
    {
      next: ({ data }) => void lines.push(...(data?.serviceLogs.lines ?? [])),
      error: () => {},
      complete: () => {},
    },
  )
  return {
    lines,
    async close() {
      leave()
      await socket.dispose()
    },
  }
}

const echo = {
  'package.json': '{"type":"module"}',
  'main.js': `export const handler = (request) => Response.json(Object.fromEntries(request.headers))`,
}

const metric = async (
  { url, admin }: TestServer,
  name: string,
  labels: Record<string, string> = {},
): Promise<number> => total(await scrape(url, admin.headers), name, labels)

const owned = (server: TestServer) => metric(server, 'millrace_services_owned')
const calls = (server: TestServer, via: string) =>
  metric(server, 'millrace_invocations_total', { via, outcome: 'ok' })
const takeovers = (server: TestServer) => metric(server, 'millrace_service_takeovers_total')

describe.runIf(hasServers)('two servers', () => {
  let two: Pair
  beforeAll(async () => {
    two = await pair({ env: { TRUST_PROXY: '1' } })
    await two.servers[0].start()
    await two.servers[1].start()
  })
  afterAll(() => two.close())

  /** The server whose processes serve, and the other. */
  async function ownerOf(id: string) {
    const [a, b] = two.servers
    const { rows } = await onServer(two.url, (client) =>
      client.query<{ pid: number }>(
        `SELECT pid FROM "Instance" WHERE "closedAt" IS NULL AND "serviceId" = (
           SELECT id FROM "Service" WHERE "handle" = $1)`,
        [id],
      ),
    )
    const pids = rows.map(({ pid }) => pid)
    const ofA = await processesWith(`MILLRACE_URL=${a.url}\0`)
    return ofA.some((pid) => pids.includes(pid)) ? ([a, b] as const) : ([b, a] as const)
  }

  test('each tells of itself: which services it owns and which calls it sends on', async () => {
    const [a, b] = two.servers
    const service = await runningService(a.admin, echo, { image: 'node' })
    await until(async () => (await owned(a)) + (await owned(b)) === 1)
    const [owner, other] = (await owned(a)) === 1 ? [a, b] : [b, a]

    const path = new URL(service.invokeUrl).pathname
    const answer = await fetch(other.url + path, {
      headers: { ...other.admin.headers, 'x-request-id': 'through-both' },
    })
    expect(answer.headers.get('x-request-id')).toBe('through-both')
    expect(await answer.json()).toMatchObject({ 'x-request-id': 'through-both' })
    await until(async () => (await calls(other, 'sent')) === 1)
    await until(async () => (await calls(owner, 'received')) === 1)
    expect(await calls(other, 'local')).toBe(0)
    expect(await takeovers(owner)).toBe(0)
    await remove(owner.admin, service.id)
    await until(async () => (await owned(owner)) === 0)
  })

  test('a service is called, followed and stopped through the server that does not run it', async () => {
    const service = await runningService(two.servers[0].admin, python.files)
    const [owner, other] = await ownerOf(service.handle)
    const path = new URL(service.invokeUrl).pathname
    for (const { url, admin } of [owner, other]) {
      const answer = await fetch(url + path, { headers: admin.headers })
      expect(await answer.text()).toBe('python')
    }
    // under its own host too, which proxies tell
    const host = `${service.id.replace('_', '-')}.localhost`
    for (const { url, admin } of [owner, other]) {
      const headers = { ...admin.headers, 'x-forwarded-host': host }
      expect(await (await fetch(`${url}/`, { headers })).text()).toBe('python')
    }
    const followed = follow(other.admin, service.id)
    await until(() => followed.lines.length === 1)
    await stop(other.admin, service.id)
    await becomes(owner.admin, service.id, 'STOPPED')
    await followed.close()
    await remove(owner.admin, service.id)
  })

  test('a service that sleeps is woken through the server that does not own it', async () => {
    const scale = { desired: 0, min: 0, max: 1, autoscale: true }
    const service = await scaledService(two.servers[0].admin, scale)
    await becomes(two.servers[0].admin, service.id, 'READY')
    const { rows } = await onServer(two.url, (client) =>
      client.query<{ url: string }>(
        `SELECT o.url FROM "Server" AS o JOIN "Service" AS s ON s."ownerServer" = o.id WHERE s.handle = $1`,
        [service.handle],
      ),
    )
    const other = two.servers.find(({ url }) => url !== rows[0]?.url) ?? two.servers[0]
    expect(other.url).not.toBe(rows[0]?.url)
    const path = new URL(service.invokeUrl).pathname
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => held(other.admin, other.url + path).end()),
    )
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
    const { decisions } = await scaling(other.admin, service.id)
    expect(decisions.map(({ to }) => to)).toEqual([1])
    await remove(other.admin, service.id)
  })

  test('a killed server loses its services to the other one, and no follower misses a line', async () => {
    const service = await runningService(two.servers[0].admin, counter.files)
    const [owner, other] = await ownerOf(service.handle)
    const followed = follow(other.admin, service.id)
    await until(() => followed.lines.length > 50)
    const path = new URL(service.invokeUrl).pathname
    const before = await takeovers(other)

    await owner.end('SIGKILL')
    await until(async () => (await takeovers(other)) === before + 1)
    await until(async () => (await owned(other)) === 1)
    await until(() => countedIn(followed.lines).size === 2)
    await becomes(other.admin, service.id, 'READY')
    expect((await fetch(other.url + path, { headers: other.admin.headers })).status).toBe(200)

    await owner.start() // with its data folder: what nobody had read comes late, and once
    const length = followed.lines.length
    await until(() => followed.lines.length > length + 20)
    await stop(owner.admin, service.id)
    await becomes(owner.admin, service.id, 'STOPPED')
    const lines = await linesOf(owner.admin, service.id)
    await until(() => followed.lines.length === lines.length)
    await followed.close()
    expect(followed.lines.map(({ number }) => number)).toEqual(dense(lines.length))
    const counted = countedIn(lines)
    expect(counted.size).toBe(2)
    for (const numbers of counted.values()) expect(numbers).toEqual(dense(numbers.length))
    await remove(owner.admin, service.id)
  })

  test('a server that slept longer than its lease ends its processes and disturbs nobody', async () => {
    const service = await runningService(two.servers[0].admin, counter.files)
    const [owner, other] = await ownerOf(service.handle)
    const old = await processesWith(`MILLRACE_URL=${owner.url}\0`)
    expect(old.length).toBeGreaterThan(0)
    process.kill(owner.pid, 'SIGSTOP')
    try {
      await until(async () => countedIn(await linesOf(other.admin, service.id)).size === 2)
      await becomes(other.admin, service.id, 'READY')
      expect(old.every(isAlive)).toBe(true)
    } finally {
      process.kill(owner.pid, 'SIGCONT')
    }
    await until(() => !old.some(isAlive))
    const answer = await fetch(owner.url + new URL(service.invokeUrl).pathname, {
      headers: owner.admin.headers,
    })
    expect(answer.status).toBe(200)
    const now = await look(owner.admin, service.id)
    expect(now?.status).toBe('READY')
    expect(now?.instances.map(({ status }) => status)).toEqual(['READY'])
    expect(now?.events.nodes.map(({ number }) => number)).toEqual(dense(now?.revision ?? 0))
    await stop(owner.admin, service.id)
    await becomes(owner.admin, service.id, 'STOPPED')
    // what the old process printed meanwhile came late, and none of it twice
    const whole = async () => countedIn(await linesOf(owner.admin, service.id))
    const counts = [...(await whole()).values()]
    expect(counts).toHaveLength(2)
    for (const numbers of counts) expect(numbers).toEqual(dense(numbers.length))
    await remove(owner.admin, service.id)
  })

  test('hints that are lost cost nothing but time', async () => {
    const service = await runningService(two.servers[0].admin, counter.files)
    const [, other] = await ownerOf(service.handle)
    const followed = follow(other.admin, service.id)
    const redis = new Redis(redisUrl ?? '')
    try {
      for (let round = 0; round < 3; round += 1) {
        const length = followed.lines.length
        await until(() => followed.lines.length > length + 20)
        await redis.client('KILL', 'TYPE', 'pubsub')
        await redis.client('KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
      }
      await stop(other.admin, service.id)
      await becomes(other.admin, service.id, 'STOPPED')
      const lines = await linesOf(other.admin, service.id)
      await until(() => followed.lines.length === lines.length)
      expect(followed.lines.map(({ number }) => number)).toEqual(dense(lines.length))
    } finally {
      redis.disconnect()
      await followed.close()
    }
    await remove(other.admin, service.id)
  })

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
    const files = { 'main.py': 'def handler(request, context):\n    return {}\n' }
    const {
      id,
      deploymentId,
      versionId: later,
      versionIds: [earlier = ''],
    } = await seed(admin(0)).deployment().version(files).version(files).service().made()
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
      async (n: number) => {
        const input = { name, backend, ...keyed('s') }
        const { createService } = await admin(n).request(CreateService, { input })
        const { service, ...rest } = succeeded(createService, 'CreateServiceSuccess')
        // each server tells addresses of its own
        return { ...rest, service: { ...service, invokeUrl: undefined } }
      },
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

  // last: from then on an admin of the server has to say in which organization
  test('a token that one server revokes is closed by the other, and let in by neither', async () => {
    const [here, there] = two.servers
    const { id, admin } = await seedOrganization(here)
    const { secret, token } = await seedToken(here.admin, id, 'VIEWER')
    const client = new Client(there.url, secret)
    await client.request(Viewer) // the other server knows it by now
    const all = await openAll(client, id)
    await admin.request(RevokeToken, { input: { id: token.id } })
    await areClosed(all)
    for (const { url } of two.servers) {
      const { status } = await fetch(`${url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...client.headers },
        body: '{"query":"{ viewer { role } }"}',
      })
      expect(status).toBe(401)
    }
  })
})
