// `npm run migration -- <name>` writes the migration that leads from the newest one to prisma/schema/.
// `npm run migration -- --again` first removes the newest one: as long as nobody has it, it can be re-made.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from '../src/db/open.ts'
import { applyMigrations } from '../src/db/migrate.ts'
import { LOCKFILE, migrationsFolder, readMigrations } from '../src/db/migrations.ts'
import { schemaDiff } from './diff.ts'

const log = { info: () => {}, warn: console.warn, error: console.error }

async function main(argument: string | undefined) {
  await mkdir(migrationsFolder, { recursive: true })
  const name = argument === '--again' ? await removeNewest() : argument
  if (name === undefined || !/^[a-z0-9_]+$/.test(name)) {
    console.error('npm run migration -- <name>: the name takes a-z, 0-9 and _.')
    process.exitCode = 1
    return
  }
  const script = await nextScript()
  if (script === '') {
    console.log('Nothing changed: the migrations already lead to prisma/schema/.')
    return
  }
  const time = new Date().toISOString().replace(/\D/g, '').slice(0, 14)
  const folder = join(migrationsFolder, `${time}_${name}`)
  await mkdir(folder)
  await writeFile(join(folder, 'migration.sql'), script)
  await writeFile(join(migrationsFolder, 'migration_lock.toml'), LOCKFILE)
  console.log(`Wrote ${join(folder, 'migration.sql')}: read it before you commit it.`)
}

/** What is missing in a throw-away database that has all migrations. */
async function nextScript(): Promise<string> {
  const dataDir = await mkdtemp(join(tmpdir(), 'millrace-migration-'))
  const db = await openDatabase({ dataDir, log })
  try {
    await applyMigrations(db, log)
    return await schemaDiff(db)
  } finally {
    await db.close()
    await rm(dataDir, { recursive: true })
  }
}

async function removeNewest(): Promise<string | undefined> {
  const newest = (await readMigrations()).at(-1)
  if (newest === undefined) return undefined
  await rm(join(migrationsFolder, newest.name), { recursive: true })
  return newest.name.replace(/^\d+_/, '')
}

await main(process.argv[2])
