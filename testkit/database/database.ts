import { constants } from 'node:fs'
import { cp, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { folderTemplate, onServer, serverTemplate, urlOf } from './template.ts'
import { removeDataFolder } from '../folder.ts'

export interface TestDatabase {
  /** Set where TEST_DATABASE_URL names a server; else the database is embedded. */
  readonly url?: string
  readonly dataDir: string
  drop(): Promise<void>
}

/** A migrated, empty database for one test file. Close what is open on it before `drop`. */
export async function testDatabase(): Promise<TestDatabase> {
  const server = process.env['TEST_DATABASE_URL']
  if (server === undefined) return testEmbedded()
  const dataDir = await temporaryFolder()
  const database = await serverDatabase(server, await serverTemplate(server))
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
export async function testEmbedded(): Promise<TestDatabase> {
  const template = await folderTemplate()
  const dataDir = await temporaryFolder()
  await cp(join(template, 'postgres'), join(dataDir, 'postgres'), {
    recursive: true,
    mode: constants.COPYFILE_FICLONE,
  })
  return { dataDir, drop: () => removeDataFolder(dataDir) }
}

const temporaryFolder = () => mkdtemp(join(tmpdir(), 'millrace-test-'))

/** A database on the server: a copy of another, or an empty one. */
export async function serverDatabase(server: string, copyOf?: string) {
  const database = `millrace_test_${process.pid}_${Math.random().toString(36).slice(2, 10)}`
  const source = copyOf === undefined ? '' : ` TEMPLATE ${copyOf}`
  await onServer(server, (client) => client.query(`CREATE DATABASE ${database}${source}`))
  return {
    url: urlOf(server, database),
    async drop() {
      await onServer(server, (client) => client.query(`DROP DATABASE ${database} WITH (FORCE)`))
    },
  }
}
