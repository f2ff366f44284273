import { readFile } from 'node:fs/promises'
import { pino } from 'pino'
import { createApp, type App, type Started } from '../src/app.ts'
import { readConfig } from '../src/config.ts'
import { Client } from './client.ts'
import { testDatabase, type TestDatabase } from './database/database.ts'

/** A server of this process on a database of its own, and its admin. */
export interface TestApp {
  readonly url: string
  /** Where fronts with a port of their own listen. */
  readonly fronts: Started['fronts']
  readonly database: TestDatabase
  /** Signs in as the user `admin`, by token. */
  readonly admin: Client
  /** Whoever has no credential. */
  readonly stranger: Client
  client(token: string | undefined): Client
  close(): Promise<void>
}

/**
 * Starts a server on a free port; `env` adds to its settings. It runs in this process, so it cannot be killed: see
 * `server.ts` for one that can. Redis is used where TEST_REDIS_URL names one. One that `isKept` need not be closed: what
 * it leaves is removed after the run.
 */
export async function testApp(
  env: Record<string, string> = {},
  { isKept = false }: { isKept?: boolean } = {},
): Promise<TestApp> {
  const database = await testDatabase({ isKept })
  // what a test has left open is not waited for at its end
  const all = settings(database, { SHUTDOWN_GRACE_SECONDS: '3', ...env })
  const app: App = createApp(readConfig(all), pino({ level: 'silent' }))
  const { url, fronts, tokenFile } = await app.start().catch(async (cause: unknown) => {
    await database.drop()
    throw cause
  })
  const token =
    tokenFile === undefined ? env.ADMIN_TOKEN : (await readFile(tokenFile, 'utf8')).trim()
  return {
    url,
    fronts,
    database,
    admin: new Client(url, token),
    stranger: new Client(url, undefined),
    client: (secret) => new Client(url, secret),
    async close() {
      await app.close()
      await database.drop()
    },
  }
}

/** The settings of a server under test. */
export function settings(
  { url, dataDir }: Pick<TestDatabase, 'url' | 'dataDir'>,
  env: Record<string, string> = {},
): Record<string, string> {
  const redis = process.env.TEST_REDIS_URL
  return {
    PORT: '0',
    AUTH: 'token',
    DATA_DIR: dataDir,
    STOP_GRACE_SECONDS: '2',
    UNWALLED_ORGANIZATIONS: 'all', // where tests are not run by root
    ...(url === undefined ? {} : { DATABASE_URL: url }),
    ...(redis === undefined || url === undefined ? {} : { REDIS_URL: redis }),
    ...env,
  }
}
