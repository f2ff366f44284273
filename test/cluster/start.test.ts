import { connect, createServer, type Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { testDatabase } from '../../testkit/database/database.ts'
import { onServer } from '../../testkit/database/template.ts'
import { freePort } from '../../testkit/machine/postgres.ts'
import { update } from '../../testkit/operations/services.ts'
import { python } from '../../testkit/seed/programs.ts'
import { runningService } from '../../testkit/seed/services.ts'
import { TestServer } from '../../testkit/server.ts'
import { pair } from './pair.ts'

const redisUrl = process.env['TEST_REDIS_URL']
const hasServers = process.env['TEST_DATABASE_URL'] !== undefined && redisUrl !== undefined

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
