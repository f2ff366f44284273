import { constants } from 'node:fs'
import { cp, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Pool } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkpoints } from '../../src/db/checkpoints.ts'
import { type Embedded, startEmbedded } from '../../src/db/embedded.ts'
import { type TestDatabase, testEmbedded } from '../../testkit/database/database.ts'
import { until } from '../../testkit/until.ts'

const warnings: string[] = []
const log = { info() {}, warn: (message: string) => void warnings.push(message), error() {} }

let files: TestDatabase
let embedded: Embedded
let pool: Pool
let end: () => Promise<void>

const poolOf = (database: Embedded): Pool =>
  new Pool({ stream: () => database.connect(), user: 'postgres', ssl: false })

beforeAll(async () => {
  files = await testEmbedded()
  embedded = await startEmbedded({ folder: join(files.dataDir, 'postgres'), log })
  pool = poolOf(embedded)
  end = checkpoints(pool, log, 100)
})
afterAll(async () => {
  await end()
  await pool.end()
  await embedded.close()
  await files.drop()
})

const SEGMENT_MIB = 16
const loggedMiB = async (): Promise<number> =>
  (await readdir(join(files.dataDir, 'postgres', 'pg_wal'))).filter((name) =>
    /^[0-9A-F]{24}$/.test(name),
  ).length * SEGMENT_MIB
const sinceCheckpoint = async (): Promise<number> => {
  const { rows } = await pool.query<{ bytes: string }>(
    'SELECT pg_current_wal_insert_lsn() - redo_lsn AS bytes FROM pg_control_checkpoint()',
  )
  return Number(rows[0]?.bytes)
}

test('however much is written, little of it is done again after a crash, and nothing is lost', async () => {
  await pool.query('CREATE TABLE "Much" (n int PRIMARY KEY, text text)')
  await pool.query('ALTER TABLE "Much" ALTER COLUMN text SET STORAGE EXTERNAL')
  const rounds = 5
  for (let round = 0; round < rounds; round += 1) {
    await pool.query(
      `INSERT INTO "Much" SELECT $1 * 40 + n, repeat('x', 1000000) FROM generate_series(1, 40) AS n`,
      [round],
    )
    await until(async () => (await sinceCheckpoint()) < 40 * 1024 ** 2)
  }
  expect(await loggedMiB()).toBeLessThan(160)
  expect(warnings).toEqual([])

  // what lies on the disk at this moment is what a killed process leaves
  const folder = join(files.dataDir, 'killed')
  await cp(join(files.dataDir, 'postgres'), folder, {
    recursive: true,
    mode: constants.COPYFILE_FICLONE,
  })
  const started = await startEmbedded({ folder, log })
  const other = poolOf(started)
  const { rows } = await other.query(
    'SELECT count(*)::int AS rows, sum(length(text))::int AS length FROM "Much"',
  )
  expect(rows).toEqual([{ rows: rounds * 40, length: rounds * 40 * 1_000_000 }])
  await other.end()
  await started.close()
})
