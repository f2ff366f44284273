import { execFile } from 'node:child_process'
import { mkdtemp, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { folderTemplate, onServer, serverTemplate, urlOf } from './template.ts'
import { removeDataFolder } from '../folder.ts'

const run = promisify(execFile)

export interface TestDatabase {
  /** Set where TEST_DATABASE_URL names a server; else the database is embedded. */
  readonly url?: string
  readonly dataDir: string
  drop(): Promise<void>
}

/**
 * A migrated, empty database for one test file. Close what is open on it before `drop`; one that `isKept` is removed
 * after the run by whoever started it.
 */
export async function testDatabase({ isKept = false } = {}): Promise<TestDatabase> {
  const server = process.env['TEST_DATABASE_URL']
  const kept = isKept ? keptBy(process.ppid) : undefined
  if (server === undefined) return testEmbedded(kept?.folder)
  const dataDir = await temporaryFolder(kept?.folder)
  const database = await serverDatabase(server, await serverTemplate(server), kept?.database)
  return {
    url: database.url,
    dataDir,
    async drop() {
      await database.drop()
      await removeDataFolder(dataDir)
    },
  }
}

/** The same, embedded in any case. */
export async function testEmbedded(prefix?: string): Promise<TestDatabase> {
  const template = await folderTemplate()
  const dataDir = await temporaryFolder(prefix)
  // Node's own copy takes ten times the processor: 1,200 files, each asked about several times
  await run('cp', ['-R', join(template, 'postgres'), join(dataDir, 'postgres')])
  return { dataDir, drop: () => removeDataFolder(dataDir) }
}

const temporaryFolder = (prefix = 'millrace-test-') => mkdtemp(join(tmpdir(), prefix))

/** What the names of all begin with that is kept for the workers of a run. */
const keptBy = (run: number) => ({
  folder: `millrace-kept-${run}-`,
  database: `millrace_kept_${run}`,
})

/** Removes what was kept for the workers of this process, all of which have ended. */
export async function removeKept(): Promise<void> {
  const { folder, database } = keptBy(process.pid)
  for (const name of await readdir(tmpdir()))
    if (name.startsWith(folder)) await removeDataFolder(join(tmpdir(), name))
  const server = process.env['TEST_DATABASE_URL']
  if (server === undefined) return
  await onServer(server, async (client) => {
    const { rows } = await client.query<{ datname: string }>(
      'SELECT datname FROM pg_database WHERE starts_with(datname, $1)',
      [`${database}_`],
    )
    for (const { datname } of rows) await client.query(`DROP DATABASE ${datname} WITH (FORCE)`)
  })
}

/** A database on the server: a copy of another, or an empty one. */
export async function serverDatabase(
  server: string,
  copyOf?: string,
  prefix = `millrace_test_${process.pid}`,
) {
  const database = `${prefix}_${Math.random().toString(36).slice(2, 10)}`
  const source = copyOf === undefined ? '' : ` TEMPLATE ${copyOf}`
  await onServer(server, (client) => client.query(`CREATE DATABASE ${database}${source}`))
  return {
    url: urlOf(server, database),
    async drop() {
      await onServer(server, (client) => client.query(`DROP DATABASE ${database} WITH (FORCE)`))
    },
  }
}
