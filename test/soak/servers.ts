import { OwnPostgres, postgresPrograms } from '../../testkit/machine/postgres.ts'
import { OwnRedis, redisProgram } from '../../testkit/machine/redis.ts'

/** A PostgreSQL and a Redis server for tests: what a process is told of them. */
export interface Servers {
  readonly env: Readonly<Record<'TEST_DATABASE_URL' | 'TEST_REDIS_URL', string>>
  close(): Promise<void>
}

/** Those that the environment names, or own ones where they are installed. */
export async function testServers(): Promise<Servers | undefined> {
  const { TEST_DATABASE_URL, TEST_REDIS_URL } = process.env
  if (TEST_DATABASE_URL !== undefined && TEST_REDIS_URL !== undefined)
    return { env: { TEST_DATABASE_URL, TEST_REDIS_URL }, close: async () => {} }
  const [bin, program] = [await postgresPrograms(), redisProgram()]
  if (bin === undefined || program === undefined) return undefined
  const [postgres, redis] = [await OwnPostgres.make(bin), await OwnRedis.make(program)]
  return {
    env: { TEST_DATABASE_URL: postgres.url, TEST_REDIS_URL: redis.url },
    async close() {
      await postgres.drop()
      await redis.kill()
    },
  }
}
