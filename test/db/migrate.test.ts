import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { schemaDiff } from '../../prisma/diff.ts'
import type { Database } from '../../src/db/database.ts'
import { openDatabase } from '../../src/db/open.ts'
import { applyMigrations, MigrationRefused } from '../../src/db/migrate.ts'
import { migrationsFolder } from '../../src/db/migrations.ts'
import { serverDatabase, type TestDatabase, testDatabase } from '../../testkit/database/database.ts'

const server = process.env['TEST_DATABASE_URL']
let files: TestDatabase
let db: Database
let folder: string
let said: string[]
const log = {
  info: (message: string) => said.push(message),
  warn: (message: string) => said.push(message),
  error: console.error,
}

beforeAll(async () => {
  files = await testDatabase()
  db = await openDatabase({ ...files, log })
  folder = await mkdtemp(join(tmpdir(), 'millrace-migrations-'))
  await cp(migrationsFolder, folder, { recursive: true })
})
afterAll(async () => {
  await db.close()
  await files.drop()
  await rm(folder, { recursive: true })
})

async function addMigration(name: string, script: string) {
  await mkdir(join(folder, name), { recursive: true })
  await writeFile(join(folder, name, 'migration.sql'), script)
}

async function rowsOf(name: string) {
  const { rows } = await db.pool.query(
    `SELECT "finished_at" IS NOT NULL AS "finished", "rolled_back_at" IS NOT NULL AS "undone"
     FROM "_prisma_migrations" WHERE "migration_name" = $1 ORDER BY "started_at"`,
    [name],
  )
  return rows
}

test('the migrations lead to prisma/schema', async () => {
  expect(await schemaDiff(db)).toBe('')
})

test('a migration is applied once, and a migrated database costs one query', async () => {
  said = []
  await addMigration(
    '90000000000001_more',
    `CREATE TABLE "More" ("text" text DEFAULT 'a;b'); -- end`,
  )
  await applyMigrations(db, log, folder)
  expect(said).toEqual(['Migration 90000000000001_more is applied.'])
  expect(await rowsOf('90000000000001_more')).toEqual([{ finished: true, undone: false }])

  let queries = 0
  const count = () => (queries += 1)
  db.pool.on('acquire', count)
  await applyMigrations(db, log, folder)
  db.pool.off('acquire', count)
  expect(queries).toBe(1)
})

test('a migration that was cut off before or after its script is taken up', async () => {
  said = []
  await addMigration('90000000000002_before', `CREATE TABLE "Before" ("id" int)`)
  await addMigration('90000000000003_after', `CREATE TABLE "After" ("id" int)`)
  await db.pool.query(`CREATE TABLE "After" ("id" int)`)
  await db.pool.query(
    `INSERT INTO "_prisma_migrations" ("id", "checksum", "migration_name", "applied_steps_count") VALUES
       ('1', '', '90000000000002_before', 0), ('2', '', '90000000000003_after', 1)`,
  )
  await applyMigrations(db, log, folder)
  expect(await rowsOf('90000000000002_before')).toEqual([
    { finished: false, undone: true },
    { finished: true, undone: false },
  ])
  expect(await rowsOf('90000000000003_after')).toEqual([{ finished: true, undone: false }])
})

test.runIf(server !== undefined)(
  'a migration may take longer than any other statement',
  async () => {
    const database = await serverDatabase(server ?? '')
    const slow = await openDatabase({ url: database.url, dataDir: '', log })
    try {
      Object.assign(slow.pool.options, { statement_timeout: 200, query_timeout: 300 })
      await addMigration('90000000000004_slow', 'SELECT pg_sleep(1)')
      await applyMigrations(slow, log, folder)
      expect(said).toContain('Migration 90000000000004_slow is applied.')
    } finally {
      await rm(join(folder, '90000000000004_slow'), { recursive: true })
      await slow.close()
      await database.drop()
    }
  },
)

test('a migration that fails leaves nothing behind and refuses every later start', async () => {
  const name = '90000000000004_bad'
  await addMigration(name, `CREATE TABLE "Half" ("id" int); INSERT INTO "Nowhere" VALUES (1)`)
  await expect(applyMigrations(db, log, folder)).rejects.toThrow(
    new RegExp(`${name} has failed.*No such table: Nowhere`),
  )
  const again = await applyMigrations(db, log, folder).catch((error: unknown) => error)
  expect(again).toBeInstanceOf(MigrationRefused)
  expect(String(again)).toMatch(new RegExp(`${name} failed earlier.*No such table: Nowhere`))
  const { rows } = await db.pool.query(`SELECT to_regclass('"Half"') AS half`)
  expect(rows).toEqual([{ half: null }])
  await db.pool.query(`DELETE FROM "_prisma_migrations" WHERE "migration_name" = $1`, [name])
})

test('a database of a newer version is refused', async () => {
  await expect(applyMigrations(db, log)).rejects.toThrow(
    'This database has the migration 90000000000001_more, which this version of Millrace does not know',
  )
})

test.runIf(server !== undefined)('servers that start together migrate once', async () => {
  const database = await serverDatabase(server ?? '')
  const two = await Promise.all(
    [1, 2].map(() => openDatabase({ url: database.url, dataDir: '', log })),
  )
  try {
    await Promise.all(two.map((each) => applyMigrations(each, log)))
    const [first] = two
    const result = await first?.pool.query(
      `SELECT count(DISTINCT "migration_name") = count(*) AS once FROM "_prisma_migrations"`,
    )
    expect(result?.rows).toEqual([{ once: true }])
  } finally {
    await Promise.all(two.map((each) => each.close()))
    await database.drop()
  }
})
