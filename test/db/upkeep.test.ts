import { join } from 'node:path'
import { Pool } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Embedded, startEmbedded } from '../../src/db/embedded.ts'
import { Upkeep } from '../../src/db/upkeep.ts'
import { type TestDatabase, testEmbedded } from '../../testkit/database/database.ts'
import { until } from '../../testkit/until.ts'

const warnings: string[] = []
const log = { info() {}, warn: (message: string) => void warnings.push(message), error() {} }

let files: TestDatabase
let embedded: Embedded
let pool: Pool
let upkeep: Upkeep

beforeAll(async () => {
  files = await testEmbedded()
  embedded = await startEmbedded({ folder: join(files.dataDir, 'postgres'), log })
  pool = new Pool({ stream: () => embedded.connect(), user: 'postgres', ssl: false })
  upkeep = new Upkeep(pool, log, 100)
})
afterAll(async () => {
  await upkeep.close()
  await pool.end()
  await embedded.close()
  await files.drop()
})

/** Statistics are written down once a second, and sooner where that is asked for. */
const VACUUMED = `SELECT pg_stat_force_next_flush(), vacuum_count AS n FROM pg_stat_user_tables WHERE relname = 'Busy'`

test('the room of rows that are no more is used again, so that a table that is changed all the time stays small', async () => {
  await pool.query(`CREATE TABLE "Busy" (id int PRIMARY KEY, text text)`)
  await pool.query(
    `INSERT INTO "Busy" SELECT n, repeat('x', 500) FROM generate_series(1, 1000) AS n`,
  )
  const size = async () =>
    Number((await pool.query(`SELECT pg_relation_size('"Busy"') AS bytes`)).rows[0].bytes)
  const vacuumed = async () => Number((await pool.query(VACUUMED)).rows[0].n)
  const change = async () => {
    const before = await vacuumed()
    for (let n = 0; n < 5; n += 1) await pool.query(`UPDATE "Busy" SET text = text || 'y'`)
    await until(async () => (await vacuumed()) > before)
  }
  for (let n = 0; n < 6; n += 1) await change()
  const everWritten = 31 * 1000 * 500
  expect(await size()).toBeLessThan(everWritten / 2)
  const { rows } = await pool.query(`SELECT reltuples FROM pg_class WHERE relname = 'Busy'`)
  expect(rows[0].reltuples).toBe(1000)
  expect(warnings).toEqual([])
})

test('a table that cannot be looked after is told once and hinders no other', async () => {
  // an index that cannot be computed any more makes ANALYZE fail
  await pool.query(`
    CREATE FUNCTION "broken"(n int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
    CREATE TABLE "Broken" (n int); CREATE INDEX ON "Broken" ("broken"(n));
    INSERT INTO "Broken" SELECT generate_series(1, 1000);
    CREATE OR REPLACE FUNCTION "broken"(n int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1 / (n - n)';
    CREATE TABLE "Whole" (n int); INSERT INTO "Whole" SELECT generate_series(1, 1000)`)
  const known = async (name: string) =>
    (await pool.query(`SELECT reltuples FROM pg_class WHERE relname = $1`, [name])).rows[0]
      .reltuples
  await until(async () => (await known('Whole')) === 1000)
  await until(() => warnings.length > 0)
  await pool.query(`DELETE FROM "Whole"`)
  await until(async () => (await known('Whole')) === 0)
  expect(warnings).toHaveLength(1)
  expect(warnings[0]).toContain('"Broken"')
})
