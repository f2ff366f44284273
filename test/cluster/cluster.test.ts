import { connect, createServer, type Socket } from 'node:net'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Client } from '../../testkit/client.ts'
import { testDatabase } from '../../testkit/database/database.ts'
import { onServer } from '../../testkit/database/template.ts'
import { isAlive } from '../../testkit/machine/alive.ts'
import { freePort } from '../../testkit/machine/postgres.ts'
import { processesWith } from '../../testkit/machine/processes.ts'
import { look, remove, stop, update } from '../../testkit/operations/services.ts'
import { ServiceLogs } from '../../testkit/operations/streams.ts'
import { countedIn, dense } from '../../testkit/seed/counted.ts'
import { counter, python } from '../../testkit/seed/programs.ts'
import { becomes, type Line, linesOf, runningService } from '../../testkit/seed/services.ts'
import { TestServer } from '../../testkit/server.ts'
import { until } from '../../testkit/until.ts'
import { held, scaledService, scaling } from '../services/scaling.ts'
import { pair, type Pair } from './pair.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

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

    await owner.end('SIGKILL')
    await until(() => countedIn(followed.lines).size === 2, { timeoutMs: 40_000 })
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
      await until(async () => countedIn(await linesOf(other.admin, service.id)).size === 2, {
        timeoutMs: 40_000,
      })
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
})

describe.runIf(hasServers)('two servers on an empty database', () => {
  test('both come up, and what there is once is made once', async () => {
    const two = await pair({ isEmpty: true })
    try {
      await Promise.all(two.servers.map((server) => server.start()))
      for (const { url } of two.servers) expect((await fetch(`${url}/readyz`)).status).toBe(200)
      const { rows } = await onServer(two.url, (client) =>
        client.query(`SELECT
          (SELECT count(*)::int FROM "Organization") AS organizations,
          (SELECT count(*)::int FROM "User") AS users,
          (SELECT count(*)::int FROM "Token") AS tokens,
          (SELECT count(*)::int FROM "Server") AS servers,
          (SELECT count(*) = count(DISTINCT migration_name) FROM "_prisma_migrations") AS "migratedOnce"`),
      )
      const once = { organizations: 1, users: 1, tokens: 1, servers: 2, migratedOnce: true }
      expect(rows).toEqual([once])
    } finally {
      await two.close()
    }
  })
})

describe.runIf(hasServers)('a server that is started while Redis is away', () => {
  test('is ready, and hears hints once Redis is there', async () => {
    const database = await testDatabase()
    const port = await freePort()
    const server = new TestServer(database, { REDIS_URL: `redis://127.0.0.1:${port}` })
    const sockets = new Set<Socket>()
    const { hostname, port: target } = new URL(redisUrl ?? '')
    const redis = createServer((near) => {
      const far = connect(Number(target), hostname)
      for (const socket of [near, far]) sockets.add(socket.on('error', () => {}))
      near.pipe(far).pipe(near)
    })
    try {
      await server.start()
      expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
      const { id } = await runningService(server.admin, python.files)
      redis.listen(port, '127.0.0.1')
      const heard = async (): Promise<number> => {
        const metrics = await (await fetch(`${server.url}/metrics`, server.admin)).text()
        return Number(/^millrace_bus_hints_received_total (\d+)/m.exec(metrics)?.[1] ?? 0)
      }
      for (let n = 0; (await heard()) === 0; n += 1)
        await update(server.admin, { id, description: `change ${n}` })
    } finally {
      await server.end('SIGKILL')
      redis.close()
      for (const socket of sockets) socket.destroy()
      await database.drop()
    }
  })
})
