import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serverDatabase } from '../../testkit/database/database.ts'
import { serverTemplate } from '../../testkit/database/template.ts'
import { TestServer } from '../../testkit/server.ts'

const ADMIN_TOKEN = 'the-token-of-the-admin'

/** Two servers on one database, one Redis and one folder of archives, each with a data folder of its own. */
export interface Pair {
  readonly url: string
  readonly servers: readonly [TestServer, TestServer]
  close(): Promise<void>
}

/** Both not started yet. Needs TEST_DATABASE_URL and TEST_REDIS_URL. */
export async function pair({ isEmpty = false, env = {} } = {}): Promise<Pair> {
  const at = process.env['TEST_DATABASE_URL'] ?? ''
  const database = await serverDatabase(at, isEmpty ? undefined : await serverTemplate(at))
  const folder = await mkdtemp(join(tmpdir(), 'millrace-pair-'))
  await chmod(folder, 0o711) // their instances' folders are in it
  const shared = { ADMIN_TOKEN, STORAGE_DIR: join(folder, 'archives'), LEASE_SECONDS: '3', ...env }
  const one = (name: string) =>
    new TestServer({ url: database.url, dataDir: join(folder, name) }, shared)
  const servers = [one('a'), one('b')] as const
  return {
    url: database.url,
    servers,
    async close() {
      await Promise.all(servers.map((server) => server.end('SIGKILL')))
      await database.drop()
      await rm(folder, { recursive: true })
    },
  }
}
