import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase, type TestDatabase } from '../../testkit/database/database.ts'
import { look, remove, stop, update } from '../../testkit/operations/services.ts'
import { succeeded } from '../../testkit/outcome.ts'
import { dense } from '../../testkit/seed/counted.ts'
import { becomes, seedDeployment, seedService, seedVersion } from '../../testkit/seed/services.ts'
import { TestServer } from '../../testkit/server.ts'
import { until } from '../../testkit/until.ts'

let database: TestDatabase
let server: TestServer
beforeAll(async () => {
  database = await testDatabase()
  server = new TestServer(database)
  await server.start()
})
afterAll(async () => {
  await server.end('SIGTERM')
  await database.drop()
})

test('killed at any moment, ten times in a row, it keeps every change it has acknowledged', async () => {
  const deployment = await seedDeployment(server.admin)
  const versionId = await seedVersion(server.admin, deployment.id, {
    'main.py': 'def handler(request, context):\n    return {}\n',
  })
  const { id } = await seedService(server.admin, versionId)
  await stop(server.admin, id)
  await becomes(server.admin, id, 'STOPPED')
  let acknowledged = { revision: 0, description: '' }
  for (let round = 0; round < 10; round += 1) {
    const { admin } = server
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
    const wanted = acknowledged.revision + Math.floor(Math.random() * 20)
    await until(() => acknowledged.revision > wanted)
    await server.end('SIGKILL')
    life.isOver = true
    await writing
    await server.start()
    const now = await look(server.admin, id)
    // the one that was under way may have happened, or not
    expect(now?.revision).toBeGreaterThanOrEqual(acknowledged.revision)
    expect(now?.revision).toBeLessThanOrEqual(acknowledged.revision + 1)
    if (now?.revision === acknowledged.revision)
      expect(now.description).toBe(acknowledged.description)
    expect(now?.status).toBe('STOPPED')
  }
  const { revision = 0 } = (await look(server.admin, id)) ?? {}
  const { events = { nodes: [] } } = (await look(server.admin, id)) ?? {}
  expect(events.nodes.map(({ number }) => number)).toEqual(dense(Math.min(revision, 1000)))
  await remove(server.admin, id)
}, 240_000)
