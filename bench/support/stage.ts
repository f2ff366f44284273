import {
  serverDatabase,
  type TestDatabase,
  testDatabase,
  testEmbedded,
} from '../../testkit/database/database.ts'
import { testFolder } from '../../testkit/folder.ts'
import { TestServer } from '../../testkit/server.ts'

/** Which database the server works on. */
export type Kind = 'embedded' | 'PostgreSQL server'

/** The embedded database, and the server where TEST_DATABASE_URL names one. */
export const kinds = (): Kind[] =>
  process.env['TEST_DATABASE_URL'] === undefined ? ['embedded'] : ['embedded', 'PostgreSQL server']

/** A bench prints its tables for one database. */
export type Bench = (kind: Kind) => Promise<void>

/** A migrated, empty database. */
export const migrated = (kind: Kind): Promise<TestDatabase> =>
  kind === 'embedded' ? testEmbedded() : testDatabase()

/** A database in which there is nothing yet, no table either. */
export async function blank(kind: Kind): Promise<TestDatabase> {
  const folder = await testFolder()
  const server = process.env['TEST_DATABASE_URL']
  if (kind === 'embedded' || server === undefined)
    return { dataDir: folder.path, drop: () => folder.remove() }
  const database = await serverDatabase(server)
  return {
    url: database.url,
    dataDir: folder.path,
    async drop() {
      await database.drop()
      await folder.remove()
    },
  }
}

/** Runs `work` with a server, a process of its own, on a fresh database; nothing of either is left. */
export async function onStage(
  kind: Kind,
  work: (server: TestServer, database: TestDatabase) => Promise<void>,
  env: Record<string, string> = {},
): Promise<void> {
  const database = await migrated(kind)
  const server = new TestServer(database, { ...environment(), ...env })
  try {
    await server.start()
    await work(server, database)
  } catch (cause) {
    throw new Error(`The server has printed:\n${server.output}`, { cause })
  } finally {
    await server.end('SIGTERM')
    await database.drop()
  }
}

/** BENCH_PROFILE names a folder for CPU profiles of the server. */
function environment(): Record<string, string> {
  const folder = process.env['BENCH_PROFILE']
  if (folder === undefined) return {}
  return {
    BENCH_PROFILE: folder,
    NODE_OPTIONS: `--import ${import.meta.resolve('./profiler.mjs')}`,
  }
}
