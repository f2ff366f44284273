import { pino } from 'pino'
import { Authenticator } from '../src/auth/authenticate.ts'
import { Sessions } from '../src/auth/sessions.ts'
import { openSigner } from '../src/auth/signing.ts'
import { Throttle } from '../src/auth/throttle.ts'
import { readConfig, type Config } from '../src/config.ts'
import type { Platform } from '../src/context.ts'
import type { Database } from '../src/db/database.ts'
import { openDatabase } from '../src/db/open.ts'
import { doorsOf, Invoker } from '../src/doors/index.ts'
import { quotas } from '../src/execution/limits/index.ts'
import { knownDocuments } from '../src/execution/known-documents.ts'
import { httpServer } from '../src/http/server.ts'
import { bootstrap } from '../src/organizations/index.ts'
import type { Logger } from '../src/kit/logger.ts'
import { inProcessBus } from '../src/ports/bus/in-process.ts'
import { prometheusMetrics } from '../src/ports/metrics/prometheus.ts'
import { untraced } from '../src/ports/tracing/tracing.ts'
import type { RuntimeFacts } from '../src/ports/runtime/runtime.ts'
import { diskStorage } from '../src/ports/storage/disk/disk.ts'
import { Balancer } from '../src/services/process/reconciler/balancer.ts'
import { appendLines, closeLog, Hub, LOG, type NewLine } from '../src/streams/index.ts'
import { TrafficRecorder } from '../src/traffic/index.ts'
import { Waiting } from '../src/job-engine/index.ts'
import { settings } from './app.ts'
import { Client } from './client.ts'
import { testDatabase } from './database/database.ts'
import { seedDeployment, seedService, seedVersion } from './seed/services.ts'

const TOKEN = 'an-admin-token-of-a-test'

/** The doors of a server over a database that the test writes to itself: nothing runs services here. */
export interface StreamApp {
  readonly url: string
  readonly admin: Client
  readonly config: Config
  readonly database: Database
  readonly hub: Hub
  /** What operations in process are run with. */
  readonly platform: Platform
  /** A service that nothing starts; its log is written by `print`. */
  service(): Promise<LogOwner>
  print(service: LogOwner, lines: readonly (string | NewLine)[], instance?: number): Promise<void>
  /** Says that nothing follows in its log. */
  finish(service: LogOwner): Promise<void>
  close(): Promise<void>
}

export interface LogOwner {
  readonly id: string
  readonly uuid: string
}

export async function streamApp(
  env: Record<string, string> = {},
  log: Logger = pino({ level: 'silent' }),
  facts: Partial<RuntimeFacts> = {},
): Promise<StreamApp> {
  const folder = await testDatabase()
  const config = readConfig({ ...settings(folder, env), ADMIN_TOKEN: TOKEN })
  const { databaseUrl, dataDir } = config
  const metrics = prometheusMetrics()
  const database = await openDatabase({ url: databaseUrl, dataDir, log, metrics })
  await bootstrap(database, dataDir, config.adminToken)
  const bus = inProcessBus({ log, metrics })
  const hub = new Hub(database, bus, log, metrics)
  const authenticator = new Authenticator(database, config)
  const sessions = new Sessions(authenticator, bus, log)
  const waiting = new Waiting(database, bus, log)
  const platform: Platform = {
    config,
    log,
    metrics,
    tracing: untraced,
    database,
    bus,
    hub,
    storage: diskStorage({ dir: `${dataDir}/storage` }),
    runtime: { users: undefined, unwalled: undefined, heedsSize: false, languages: [], ...facts },
    signer: await openSigner(database),
    authenticator,
    sessions,
    throttle: new Throttle(),
    now: () => new Date(),
    server: { id: crypto.randomUUID(), run: crypto.randomUUID(), url: '' },
    waiting,
  }
  const traffic = new TrafficRecorder(platform)
  const invoker = new Invoker(platform, new Balancer(), traffic)
  const http = httpServer(
    {
      ...platform,
      doors: doorsOf(platform, invoker),
      quotas: quotas(config),
    },
    invoker,
    { phase: 'ready' },
    knownDocuments(config),
  )
  const { url } = await http.listen()
  const admin = new Client(url, TOKEN)
  let version: Promise<string> | undefined
  const seeded = async (): Promise<string> =>
    seedVersion(admin, (await seedDeployment(admin)).id, { 'main.py': '' })
  return {
    url,
    admin,
    config,
    database,
    hub,
    platform,
    async service() {
      const { id, handle } = await seedService(admin, await (version ??= seeded()))
      const row = await database.prisma.service.findFirstOrThrow({ where: { handle } })
      return { id, uuid: row.id }
    },
    async print({ uuid }, lines, instance) {
      const fresh = lines.map((line): NewLine =>
        typeof line === 'string' ? { source: 'STDOUT', text: line } : line,
      )
      await appendLines(
        { database, metrics },
        uuid,
        fresh,
        instance === undefined ? {} : { instance },
      )
      hub.hint(LOG, uuid)
    },
    async finish({ uuid }) {
      await database.query(closeLog(uuid))
      hub.hint(LOG, uuid)
    },
    async close() {
      await http.close(1_000)
      await invoker.close()
      waiting.close()
      await traffic.close(1_000)
      await sessions.close()
      await hub.close()
      await bus.close()
      await database.close()
      await folder.drop()
    },
  }
}

/** `<name> 1`, `<name> 2` … */
export const numbered = (count: number, name = 'line', from = 1): string[] =>
  Array.from({ length: count }, (_, place) => `${name} ${from + place}`)
