import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { PrismaPg } from '@prisma/adapter-pg'
import { Client, type ClientBase, DatabaseError, Pool, type PoolClient, type PoolConfig } from 'pg'
import { Prisma, PrismaClient } from '../generated/prisma/client.ts'
import { mustHave } from '../kit/patch.ts'
import { unmeasured } from '../ports/metrics/metrics.ts'
import { untraced } from '../ports/tracing/tracing.ts'
import type { RowBounds } from './bounded-query.ts'
import { cancelable } from './cancelable.ts'
import { checkpoints } from './checkpoints.ts'
import type { Database } from './database.ts'
import { type Embedded, startEmbedded } from './embedded.ts'
import type { DatabaseLog } from './log.ts'
import { asThrown } from './outage.ts'
import { preparedName } from './prepared.ts'
import { Reads } from './reads.ts'
import { rowTypes } from './row-types.ts'
import { serverConfig } from './server-config.ts'
import { transaction } from './transaction.ts'
import { Upkeep } from './upkeep.ts'
import { WatchedPool, type Watchers } from './watch.ts'
import { DatabaseWithin } from './within.ts'

mustHave('pg', 'Client.processID', 'processID' in new Client())

const CONNECTIONS = 10
const CONNECT_MS = 30_000
const CLOSE_MS = 5_000
/** Statements of Prisma that are prepared; beyond it they run unnamed, so that a session's memory is bounded. */
const PREPARED = 500

/**
 * Opens the PostgreSQL server at `url`, or else the embedded one under `<dataDir>/postgres`, and resolves
 * once it answers. For the embedded one the caller holds the lock of the data folder.
 */
export async function openDatabase(
  options: {
    url?: string | undefined
    dataDir: string
    log: DatabaseLog
    /** Most bytes of the rows of one statement of Prisma. */
    maxRowBytes?: number
  } & Partial<Watchers>,
): Promise<Database> {
  const { url, dataDir, log, metrics = unmeasured, tracing = untraced } = options
  const { maxRowBytes = Infinity } = options
  const embedded =
    url === undefined ? await startEmbedded({ folder: join(dataDir, 'postgres'), log }) : undefined
  const connection = {
    ...(url === undefined ? embeddedConfig(embedded) : serverConfig(url)),
    connectionTimeoutMillis: CONNECT_MS,
  }
  const watchers = { metrics, tracing }
  const pool = new WatchedPool({ ...connection, max: CONNECTIONS }, watchers, log, maxRowBytes)
  const reads = new Reads(connection, log, watchers)
  pool.on('error', (error) => log.warn(`An idle database connection was lost: ${error.message}`))
  const upkeep = embedded && new Upkeep(pool, log)
  const endCheckpoints = embedded && checkpoints(pool, log)
  const prisma = new PrismaClient({
    adapter: new PrismaPg(pool, { statementNameGenerator: statementNames(PREPARED) }),
    errorFormat: 'minimal', // messages without the values that were asked for or written
    transactionOptions: { maxWait: CONNECT_MS, timeout: 10_000 },
  })

  const cancel = async (client: PoolClient): Promise<void> => {
    if (embedded) return // it runs one statement at a time, and cannot be interrupted
    const { processID } = client as PoolClient & { processID: number } // which `pg` has and its types leave out
    await reads.run(Prisma.sql`SELECT pg_cancel_backend(${processID}::int)`, 'cancel')
  }

  const database: Database = {
    pool,
    prisma,
    kind: embedded ? 'embedded' : 'server',
    get shared() {
      return database
    },
    within: (operation) => new DatabaseWithin(database, operation),
    query(sql, { name, client, operation } = {}) {
      if (operation === undefined || operation.isActing)
        return query(client ?? pool, sql, name, operation)
      return cancelable(pool, operation, cancel, (own) => query(own, sql, name, operation))
    },
    read: (sql, name, operation) => read(reads, pool, sql, name, operation),
    transaction: (work) => transaction(pool, work),
    close: once(async () => {
      await prisma.$disconnect()
      await Promise.all([upkeep?.close(), endCheckpoints?.()])
      const ending = Promise.all([reads.close(), pool.end()])
      const ended = await Promise.race([ending.then(() => true), after(CLOSE_MS, false)])
      if (!ended) log.warn('A database connection was still in use when the database was closed.')
      await embedded?.close()
    }),
  }
  try {
    await pool.query('SELECT 1')
  } catch (cause) {
    await database.close()
    throw cause
  }
  return database
}

function embeddedConfig(embedded: Embedded | undefined): PoolConfig {
  // `user` and `ssl` so that nothing of the environment's PGUSER or PGSSLMODE is heard
  return { stream: () => embedded?.connect(), user: 'postgres', database: 'postgres', ssl: false }
}

/** Statements whose plan has gone stale once: they are no longer prepared. */
const unprepared = new Set<string>()

async function query<Row extends object>(
  on: Pool | ClientBase,
  sql: Prisma.Sql,
  name: string | undefined,
  bounds?: RowBounds,
): Promise<Row[]> {
  const prepared = name !== undefined && !unprepared.has(name)
  const run = (named: boolean) =>
    on.query<Row, unknown[]>({
      name: named && name !== undefined ? preparedName(name) : undefined,
      text: sql.text,
      values: sql.values,
      types: rowTypes,
      ...(bounds === undefined ? {} : { bounds }),
    })
  try {
    return (await run(prepared)).rows
  } catch (error) {
    // a pool tells of a connection that was lost in words of its own
    if (!prepared || !isStalePlan(error)) throw asThrown(error)
    // Another server has migrated the table under a `RETURNING *`.
    unprepared.add(name)
    if (!(on instanceof Pool)) throw error
    return (await run(false)).rows
  }
}

/** A read whose plan has gone stale is done again: nothing of it was. */
async function read<Row extends object>(
  reads: Reads,
  pool: Pool,
  sql: Prisma.Sql,
  name: string,
  bounds?: RowBounds,
): Promise<Row[]> {
  if (unprepared.has(name)) return query(pool, sql, undefined, bounds)
  try {
    return await reads.run(sql, name, bounds)
  } catch (error) {
    if (!isStalePlan(error)) throw error
    unprepared.add(name)
    return query(pool, sql, undefined, bounds)
  }
}

function isStalePlan(error: unknown) {
  return error instanceof DatabaseError && error.routine === 'RevalidateCachedQuery'
}

/** A name for each of the first `limit` texts, none for the rest. */
function statementNames(limit: number) {
  const names = new Map<string, string>()
  return ({ sql }: { sql: string }): string => {
    const known = names.get(sql)
    if (known !== undefined) return known
    if (names.size >= limit) return ''
    const name = `prisma_${createHash('sha256').update(sql).digest('hex').slice(0, 32)}`
    names.set(sql, name)
    return name
  }
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined
  return () => (done ??= work())
}
