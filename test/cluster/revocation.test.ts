import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { areClosed, openAll } from '../auth/open.ts'
import { Client } from '../../testkit/client.ts'
import { RevokeToken, Viewer } from '../../testkit/operations/organizations.ts'
import { seedOrganization, seedToken } from '../../testkit/seed/organizations.ts'
import { pair, type Pair } from './pair.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const hasServers =
  process.env['TEST_DATABASE_URL'] !== undefined && process.env['TEST_REDIS_URL'] !== undefined

describe.runIf(hasServers)('two servers', () => {
  let two: Pair
  beforeAll(async () => {
    two = await pair()
    await two.servers[0].start()
    await two.servers[1].start()
  })
  afterAll(() => two.close())

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
