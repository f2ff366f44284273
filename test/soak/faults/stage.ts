import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from '../../../testkit/client.ts'
import { folderTemplate } from '../../../testkit/database/template.ts'
import { OwnPostgres, postgresPrograms } from '../../../testkit/machine/postgres.ts'
import { OwnRedis, redisProgram } from '../../../testkit/machine/redis.ts'
import { TestServer } from '../../../testkit/server.ts'
import { Volume } from './volume.ts'
import { Wire } from './wire.ts'

const ADMIN_TOKEN = 'the-token-of-the-admin'
/** Room for a data folder, of the embedded database too. */
const DATA_MIB = 1_024
const STORAGE_MIB = 16

/** A server, the way to it, and what it is started with: what is added to `env` holds from its next start. */
export interface Post {
  readonly server: TestServer
  readonly wire: Wire
  readonly env: Record<string, string>
}

/** What a fault can be done to. */
export interface Stage {
  readonly kind: 'embedded' | 'postgres'
  readonly posts: readonly Post[]
  readonly postgres?: { readonly server: OwnPostgres; readonly wire: Wire }
  readonly redis?: OwnRedis
  /** Where the first server's data folder is, where a disk may be made. */
  readonly data?: Volume
  /** Where archives are. */
  readonly storage?: Volume
  /** To the first server, by no way that fails. */
  readonly direct: Client
  /** To each server, by its way. */
  readonly ways: readonly Client[]
  close(): Promise<void>
}

interface Parts {
  readonly kind: Stage['kind']
  readonly postgres?: Stage['postgres']
  readonly redis?: OwnRedis
}

const shared = {
  ADMIN_TOKEN,
  LEASE_SECONDS: '5',
  MAX_RESTARTS: '1000000',
  OPERATIONS_PER_SECOND: '0',
}

/** One server with the embedded database. */
export const embeddedStage = (): Promise<Stage> => open({ kind: 'embedded' }, 1)

/** Two servers on a PostgreSQL and a Redis server of their own; undefined where these are not installed. */
export async function postgresStage(): Promise<Stage | undefined> {
  const [bin, program] = [await postgresPrograms(), redisProgram()]
  if (bin === undefined || program === undefined) return undefined
  const server = await OwnPostgres.make(bin)
  const postgres = { server, wire: await Wire.before(server.url) }
  return open({ kind: 'postgres', postgres, redis: await OwnRedis.make(program) }, 2)
}

async function open(parts: Parts, count: number): Promise<Stage> {
  const { kind, postgres, redis } = parts
  const [data, storage] = [await Volume.mount(DATA_MIB), await Volume.mount(STORAGE_MIB)]
  const folder = await mkdtemp(join(tmpdir(), 'millrace-soak-'))
  const archives = (await storage?.folder('archives')) ?? join(folder, 'archives')
  const url = postgres?.wire.through(postgres.server.url)
  const posts: Post[] = []
  for (let place = 0; place < count; place += 1) {
    const dataDir =
      (await (place === 0 ? data : undefined)?.folder('data')) ?? join(folder, `${place}`)
    if (kind === 'embedded')
      await cp(join(await folderTemplate(), 'postgres'), join(dataDir, 'postgres'), {
        recursive: true,
      })
    const env: Record<string, string> = { ...shared, STORAGE_DIR: archives }
    if (redis !== undefined) env['REDIS_URL'] = redis.url
    const server = new TestServer({ ...(url === undefined ? {} : { url }), dataDir }, env)
    await server.start()
    posts.push({ server, wire: await Wire.before(server.url), env })
  }
  const ways = posts.map(({ server, wire }) => new Client(wire.through(server.url), ADMIN_TOKEN))
  const [first] = posts
  if (first === undefined) throw new Error('There is no server.')
  return {
    ...parts,
    posts,
    ...(data === undefined ? {} : { data }),
    ...(storage === undefined ? {} : { storage }),
    direct: new Client(first.server.url, ADMIN_TOKEN),
    ways,
    async close() {
      await Promise.all(posts.map(({ server }) => server.end('SIGKILL')))
      await Promise.all(posts.map(({ wire }) => wire.close()))
      await postgres?.wire.close()
      await postgres?.server.drop()
      await redis?.kill()
      await data?.unmount()
      await storage?.unmount()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
