import { createHash } from 'node:crypto'
import { mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { waitForLock } from 'fs-native-extensions'
import { Client } from 'pg'
import { openDatabase } from '../../src/db/open.ts'
import { applyMigrations } from '../../src/db/migrate.ts'
import { readMigrations } from '../../src/db/migrations.ts'

const quiet = { info: () => {}, warn: () => {}, error: console.error }

/** Makes the migrated database that every test file gets a copy of. */
export async function prepareTemplate(): Promise<void> {
  const server = process.env['TEST_DATABASE_URL']
  if (server === undefined) await folderTemplate()
  else await serverTemplate(server)
}

/** Templates are made once for as long as the migrations stay what they are. */
async function version() {
  const hash = createHash('sha256')
  for (const { name, script } of await readMigrations()) hash.update(`${name}\0${script}\0`)
  return hash.digest('hex').slice(0, 16)
}

/** A data folder with a migrated embedded database. */
export async function folderTemplate(): Promise<string> {
  const name = join(tmpdir(), `millrace-template-${await version()}`)
  if (await exists(name)) return name
  const lock = await open(`${name}.lock`, 'a+')
  try {
    await waitForLock(lock.fd)
    if (await exists(name)) return name
    const unfinished = `${name}.unfinished`
    await rm(unfinished, { recursive: true, force: true })
    await mkdir(unfinished)
    await migrate({ dataDir: unfinished })
    await rename(unfinished, name)
    return name
  } finally {
    await lock.close()
  }
}

/** The name of a migrated database on the server. */
export async function serverTemplate(server: string): Promise<string> {
  const name = `millrace_template_${await version()}`
  await onServer(server, async (client) => {
    await client.query('SELECT pg_advisory_lock(hashtext($1))', [name])
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [name])
    if (rowCount === 1) return
    const unfinished = `${name}_unfinished`
    await client.query(`DROP DATABASE IF EXISTS ${unfinished} WITH (FORCE)`)
    await client.query(`CREATE DATABASE ${unfinished}`)
    await migrate({ url: urlOf(server, unfinished), dataDir: '' })
    await client.query(`ALTER DATABASE ${unfinished} RENAME TO ${name}`)
  })
  return name
}

async function migrate(options: { url?: string; dataDir: string }) {
  const db = await openDatabase({ ...options, log: quiet })
  try {
    await applyMigrations(db, quiet)
  } finally {
    await db.close()
  }
}

/** Runs `work` on a connection of its own. */
export async function onServer<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client(url)
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** The same server, another database. */
export function urlOf(server: string, database: string): string {
  const url = new URL(server)
  url.pathname = `/${database}`
  return url.href
}

async function exists(path: string) {
  return stat(path).then(
    () => true,
    () => false,
  )
}
