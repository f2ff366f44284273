import { Client, DatabaseError } from 'pg'
import type { Database } from './database.ts'
import type { DatabaseLog } from './log.ts'
import {
  checksum,
  type Migration,
  migrationList,
  migrationsFolder,
  NOTHING_EXTERNAL,
  readMigrations,
} from './migrations.ts'

/** The database cannot be brought to what this version of Millrace needs; the message says what to do. */
export class MigrationRefused extends Error {}

/** Of the lock that servers starting together take; any number nobody else uses. */
const LOCK_KEY = '7240815361902477'
/** Of the lock that Prisma's engine and its command line take. */
const PRISMA_LOCK_KEY = '72707369'

/**
 * Brings the database to the newest migration. Servers that start together apply each once. One that was cut
 * off by the end of the process is taken up where it stopped; one that failed, or that we do not know, is
 * refused with MigrationRefused. When nothing is to be done it costs one query.
 */
export async function applyMigrations(
  db: Database,
  log: DatabaseLog,
  folder = migrationsFolder,
): Promise<void> {
  const known = await readMigrations(folder)
  if (await isComplete(db, known, log)) return
  await alone(db, async () => {
    await takeUp(db, log)
    if (await isComplete(db, known, log)) return
    const { withSchemaEngine } = await import('./schema-engine.ts')
    await withSchemaEngine(db.pool.options, async (engine) => {
      try {
        const { appliedMigrationNames } = await engine.applyMigrations({
          migrationsList: migrationList(folder, known),
          filters: NOTHING_EXTERNAL,
        })
        for (const name of appliedMigrationNames) log.info(`Migration ${name} is applied.`)
      } catch (cause) {
        const { failed } = await look(db)
        if (failed === undefined) throw cause
        throw new MigrationRefused(
          `Migration ${failed.name} has failed and was undone: ${reason(failed)}`,
          { cause },
        )
      }
    })
  })
}

interface Row {
  readonly name: string
  readonly checksum: string
  readonly state: 'finished' | 'failed' | 'cut off'
  readonly logs: string | null
}

/** True when there is nothing to do; throws when nothing can be done. */
async function isComplete(
  db: Database,
  known: readonly Migration[],
  log: DatabaseLog,
): Promise<boolean> {
  const { rows, failed } = await look(db)
  if (failed !== undefined)
    throw new MigrationRefused(
      `Migration ${failed.name} failed earlier, so this database cannot be used: mend the cause, tell with \`prisma migrate resolve --rolled-back ${failed.name}\` that it may be tried again, and start again. It said: ${reason(failed)}`,
    )
  const applied = new Map(rows.map((row) => [row.name, row]))
  const unknown = rows.find(({ name }) => !known.some((migration) => migration.name === name))
  if (unknown !== undefined)
    throw new MigrationRefused(
      `This database has the migration ${unknown.name}, which this version of Millrace does not know: start the newer version that made it.`,
    )
  for (const { name, script } of known) {
    const row = applied.get(name)
    if (row?.state === 'finished' && !isOf(script, row.checksum))
      log.warn(`Migration ${name} was changed after this database applied it.`)
  }
  return known.every(({ name }) => applied.get(name)?.state === 'finished')
}

/** Line ends may differ between the machine that applied it and this one. */
function isOf(script: string, sum: string) {
  const unix = script.replaceAll('\r\n', '\n')
  return [script, unix, unix.replaceAll('\n', '\r\n')].some((text) => checksum(text) === sum)
}

async function look(db: Database): Promise<{ rows: readonly Row[]; failed: Row | undefined }> {
  try {
    const { rows } = await db.pool.query<Row>(`
      SELECT "migration_name" AS "name", "checksum", "logs",
        CASE WHEN "finished_at" IS NOT NULL THEN 'finished' WHEN "logs" IS NOT NULL THEN 'failed' ELSE 'cut off' END AS "state"
      FROM "_prisma_migrations" WHERE "rolled_back_at" IS NULL ORDER BY "migration_name"`)
    return { rows, failed: rows.find(({ state }) => state === 'failed') }
  } catch (error) {
    if (error instanceof DatabaseError && error.code === UNDEFINED_TABLE)
      return { rows: [], failed: undefined }
    throw error
  }
}
const UNDEFINED_TABLE = '42P01'

/** What the database said, out of what the engine noted about a failure. */
function reason({ logs }: Row) {
  const [said = ''] = (logs ?? '').split(/\n\s+0: /)
  return said.replace('external connector error\n', '').trim()
}

/** Settles what a process began and did not live to finish: see MARK_AS_RUN. */
async function takeUp(db: Database, log: DatabaseLog) {
  const { rows } = await look(db)
  if (!rows.some(({ state }) => state === 'cut off')) return
  const cutOff = `"finished_at" IS NULL AND "rolled_back_at" IS NULL AND "logs" IS NULL`
  await db.transaction(async (client) => {
    // If `prisma migrate deploy` is at it at this moment, wait until it is done.
    await client.query(`SELECT pg_advisory_xact_lock(${PRISMA_LOCK_KEY})`)
    await client.query(
      `UPDATE "_prisma_migrations" SET "finished_at" = now() WHERE ${cutOff} AND "applied_steps_count" > 0`,
    )
    await client.query(`UPDATE "_prisma_migrations" SET "rolled_back_at" = now() WHERE ${cutOff}`)
  })
  log.warn('A migration had been cut off by the end of the process; it is taken up.')
}

/** Runs `work` on one server at a time. The embedded database has only us. */
async function alone(db: Database, work: () => Promise<void>) {
  if (db.kind === 'embedded') return work()
  const { withoutLimits } = await import('./schema-engine.ts')
  const client = new Client({ ...db.pool.options, ...withoutLimits })
  client.on('error', () => {}) // whatever waits on it rejects
  await client.connect()
  try {
    await client.query(`SELECT pg_advisory_lock(${LOCK_KEY})`)
    await work()
  } finally {
    await client.end()
  }
}
