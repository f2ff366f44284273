import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { PrismaPg } from '@prisma/adapter-pg'
import {
  bindMigrationAwareSqlAdapterFactory,
  ColumnTypeEnum,
  type SqlDriverAdapter,
  type SqlMigrationAwareDriverAdapterFactory,
} from '@prisma/driver-adapter-utils'
import type { SchemaEngine } from '@prisma/schema-engine-wasm'
import { Pool, type PoolConfig, type QueryArrayConfig, type QueryArrayResult } from 'pg'

/** As much of WebAssembly as is used here; its types come with the DOM's, which a server has not. */
interface WebAssemblyApi {
  instantiate(bytes: Buffer, imports: object): Promise<{ instance: { exports: Glue } }>
}
interface Glue {
  __wbindgen_start(): void
}

/** The engine's glue has room for one instance, so there is one per process. */
let loaded: Promise<typeof SchemaEngine> | undefined

async function load(): Promise<typeof SchemaEngine> {
  const glue = await import('@prisma/schema-engine-wasm/schema_engine_bg')
  const entry = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm')
  const bytes = await readFile(join(dirname(entry), 'schema_engine_bg.wasm'))
  const { WebAssembly } = globalThis as unknown as { WebAssembly: WebAssemblyApi } // see WebAssemblyApi
  // Where the engine looks for somebody to tell of its panics.
  Object.assign(globalThis, {
    PRISMA_WASM_PANIC_REGISTRY: {
      set_message(message: string) {
        throw new Error(`Prisma's schema engine has failed: ${message}`)
      },
    },
  })
  const { instance } = await WebAssembly.instantiate(bytes, { './schema_engine_bg.js': glue })
  glue.__wbg_set_wasm(instance.exports)
  instance.exports.__wbindgen_start()
  return glue.SchemaEngine
}

/**
 * Gives `work` Prisma's schema engine on a database. It gets connections of its own, without the limits that
 * ordinary statements have: a migration may take its time.
 */
export async function withSchemaEngine<T>(
  database: PoolConfig,
  work: (engine: SchemaEngine) => Promise<T>,
): Promise<T> {
  loaded ??= load()
  const Engine = await loaded
  const pool = new Pool({ ...database, max: 2, ...withoutLimits })
  pool.on('error', () => {}) // a connection lost while idle: the next statement says so
  try {
    const factory = bindMigrationAwareSqlAdapterFactory(adapterFor(pool))
    const engine = await Engine.new({ datamodels: undefined }, () => {}, factory)
    try {
      return await work(engine)
    } finally {
      engine.free()
    }
  } finally {
    await pool.end()
  }
}

/** For connections on which a statement may take as long as it takes. */
export const withoutLimits = {
  statement_timeout: 0,
  query_timeout: 0,
  idle_in_transaction_session_timeout: 0,
}

/** PostgreSQL's one-byte type `"char"`, of which its catalogs are full. */
const CHAR = 18
const TEXT = 25

/**
 * Goes into the transaction of every migration's script, so that the row of one that was cut off by the end of
 * the process tells whether its script has happened.
 */
const MARK_AS_RUN = `
;
UPDATE "_prisma_migrations" SET "applied_steps_count" = "applied_steps_count" + 1
WHERE "finished_at" IS NULL AND "rolled_back_at" IS NULL`

type QueryOfAdapter = (config: QueryArrayConfig) => Promise<QueryArrayResult>

/** Prisma's adapter with two faults of 7.10 mended. */
function adapterFor(pool: Pool): SqlMigrationAwareDriverAdapterFactory {
  // 1. It knows no type "char". So these columns are passed as text, remembered by their rows, and named
  //    afterwards what the engine expects.
  const charColumns = new WeakMap<object, readonly number[]>()
  const query: QueryOfAdapter = pool.query.bind(pool)
  const readable: QueryOfAdapter = async (config) => {
    const result = await query(config)
    if (Array.isArray(result)) return result // of a script: one per statement
    const chars = result.fields.flatMap(({ dataTypeID }, i) => (dataTypeID === CHAR ? [i] : []))
    for (const i of chars) Object.assign(result.fields[i] ?? {}, { dataTypeID: TEXT })
    charColumns.set(result.rows, chars)
    return result
  }
  Object.assign(pool, { query: readable })
  const inner = new PrismaPg(pool)

  async function connect(): Promise<SqlDriverAdapter> {
    const adapter = await inner.connect()
    const mended: Partial<SqlDriverAdapter> = {
      async queryRaw(sql) {
        const result = await adapter.queryRaw(sql)
        for (const i of charColumns.get(result.rows) ?? [])
          result.columnTypes[i] = ColumnTypeEnum.Character
        return result
      },
      // 2. It cuts scripts at every semicolon, and runs the pieces on any connection. PostgreSQL itself takes a
      //    script whole, as one transaction.
      async executeScript(script) {
        await adapter.executeRaw({ sql: script + MARK_AS_RUN, args: [], argTypes: [] })
      },
    }
    return Object.assign(Object.create(adapter), mended)
  }
  return {
    provider: inner.provider,
    adapterName: inner.adapterName,
    connect,
    connectToShadowDb: connect,
  }
}
