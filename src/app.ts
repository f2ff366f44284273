import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import { pino } from 'pino'
import { Authenticator } from './auth/authenticate.ts'
import { Sessions } from './auth/sessions.ts'
import { openSigner } from './auth/signing.ts'
import { Throttle } from './auth/throttle.ts'
import type { Config } from './config.ts'
import type { Platform, ServerIdentity } from './context.ts'
import { lockDataFolder } from './db/data-folder.ts'
import { openDatabase } from './db/open.ts'
import { applyMigrations } from './db/migrate.ts'
import { doorsOf, Invoker, leftUploads } from './doors/index.ts'
import { quotas } from './execution/limits/index.ts'
import type { Health } from './http/health.ts'
import { httpServer } from './http/server.ts'
import { knownDocuments } from './execution/known-documents.ts'
import type { FrontName } from './rest/fronts.ts'
import { closeToOthers } from './kit/processes/close-to-others.ts'
import type { Logger } from './kit/logger.ts'
import { Dispatcher, sweeper } from './jobs/index.ts'
import { bootstrap } from './organizations/index.ts'
import { inProcessBus } from './ports/bus/in-process.ts'
import { redisBus } from './ports/bus/redis.ts'
import { prometheusMetrics } from './ports/metrics/prometheus.ts'
import { openProcessRuntime } from './ports/runtime/process/open.ts'
import type { Runtime, RuntimeFacts } from './ports/runtime/runtime.ts'
import { diskStorage } from './ports/storage/disk/disk.ts'
import { type Tracing, untraced } from './ports/tracing/tracing.ts'
import { Reconciler } from './services/index.ts'
import { Hub } from './streams/hub.ts'
import { retention } from './streams/retention.ts'
import { TrafficRecorder } from './traffic/index.ts'
import { Waiting } from './job-engine/index.ts'

/** One server. */
export interface App {
  /**
   * Starts it. Rejects with DataFolderInUse, MigrationRefused or the error of the port when it cannot; then
   * everything is closed again.
   */
  start(): Promise<Started>
  /** Drains: no new work, running requests end, children stop, streams are left to be resumed. */
  close(): Promise<void>
}

export interface Started {
  /** Where it listens, without a trailing slash. */
  readonly url: string
  /** Where fronts with a port of their own listen. */
  readonly fronts: Readonly<Partial<Record<FrontName, string>>>
  /** The file with the admin token, unless ADMIN_TOKEN gave it. */
  readonly tokenFile: string | undefined
  /** Why services run as the user of the server, as a sentence; undefined where each has a user of its own. */
  readonly unwalled: string | undefined
}

/** A server with these settings: the one place that names adapters. */
export function createApp(config: Config, log: Logger = pino({ level: config.logLevel })): App {
  const opened: (() => Promise<unknown>)[] = []
  let closeBy = Infinity
  const close = async (): Promise<void> => {
    closeBy = Math.min(closeBy, performance.now() + config.shutdownGraceMs)
    for (const end of opened.splice(0).toReversed())
      await end().catch((cause: unknown) => log.error({ err: cause }, 'could not close everything'))
  }
  return {
    close,
    async start() {
      try {
        const opening: Opening = (value, end) => {
          opened.push(() => end(value, Math.max(0, closeBy - performance.now())))
          return value
        }
        return await start(config, log, opening)
      } catch (cause) {
        await close()
        throw cause
      }
    },
  }
}

/** Takes what was opened, with how to close it within what is left of the grace, and answers it. */
type Opening = <T>(value: T, end: (value: T, graceMs: number) => Promise<unknown>) => T

async function start(config: Config, log: Logger, opening: Opening): Promise<Started> {
  // said before the seconds that a first start takes, not after
  const known = knownDocuments(config)
  for (const port of [config.port, ...Object.values(config.rootFrontPorts)])
    if (port !== undefined) await tryPort(config.host, port)
  const { databaseUrl: url, dataDir } = config
  opening(await lockDataFolder(dataDir), (lock) => lock.release())
  await closeToOthers(dataDir, { group: true })
  const server = await identity(dataDir)
  const trying = runtimeOf(config, log)
  const tried = trying.catch(() => undefined) // told where it is waited for
  void opening(tried, async (one) => (await one)?.close())
  const metrics = prometheusMetrics()
  const tracing = opening(await tracingOf(config, server, log), (one, graceMs) =>
    one.close(graceMs),
  )
  const database = opening(
    await openDatabase({
      url,
      dataDir,
      log,
      metrics,
      tracing,
      maxRowBytes: config.maxAnswerBytes,
    }),
    (db) => db.close(),
  )
  await applyMigrations(database, log)
  const { tokenFile } = await bootstrap(database, dataDir, config.adminToken)
  const bus = opening(
    config.redisUrl === undefined
      ? inProcessBus({ log, metrics })
      : redisBus({ url: config.redisUrl, log, metrics }),
    (one) => one.close(),
  )
  const hub = opening(new Hub(database, bus, log, metrics), (one) => one.close())
  const authenticator = new Authenticator(database, config)
  const sessions = opening(new Sessions(authenticator, bus, log), (one) => one.close())
  const runtime = await trying
  warnOfWalls(config, runtime.facts, log)
  const platform: Platform = {
    config,
    log,
    metrics,
    tracing,
    database,
    bus,
    hub,
    storage: diskStorage({ dir: config.storageDir, owner: server.id }),
    runtime: runtime.facts,
    signer: await openSigner(database),
    authenticator,
    sessions,
    throttle: new Throttle(),
    now: () => new Date(),
    server,
    waiting: opening(new Waiting(database, bus, log), async (one) => one.close()),
  }
  const reconciler = new Reconciler(platform, runtime)
  const traffic = opening(new TrafficRecorder(platform), (one, graceMs) => one.close(graceMs))
  const invoker = opening(new Invoker(platform, reconciler.balancer, traffic), (one) => one.close())
  const state: Health = { phase: 'starting' }
  const site = {
    ...platform,
    doors: doorsOf(platform, invoker),
    quotas: quotas(config),
  }
  const http = opening(httpServer(site, invoker, state, known), (one, graceMs) =>
    one.close(graceMs),
  )
  await reconciler.reclaim()
  const listening = await http.listen()
  platform.server.url = config.advertiseUrl ?? reachable(listening.url)
  opening(reconciler, (one, graceMs) => one.stop(graceMs))
  await reconciler.start()
  opening(retention(platform), (stop) => stop())
  opening(sweeper(platform), (stop) => stop())
  opening(await leftUploads(platform), (stop) => stop())
  const dispatcher = opening(new Dispatcher(site), (one, graceMs) => one.close(graceMs))
  await dispatcher.start()
  state.phase = 'ready'
  opening(state, async (one) => (one.phase = 'stopping'))
  const roots = Object.entries(listening.fronts).map(([name, url]) => [name, reachable(url)])
  const { unwalled } = runtime.facts
  return { url: reachable(listening.url), fronts: Object.fromEntries(roots), tokenFile, unwalled }
}

/** What runs services, tried out: whoever opens a database meanwhile waits no longer for it. */
function runtimeOf(config: Config, log: Logger): Promise<Runtime> {
  const { dataDir, storageDir, runtimeDir, instanceUsers, python, secrets } = config
  return openProcessRuntime({
    dir: join(dataDir, 'runtime'),
    place: runtimeDir ?? `${dataDir}-runtime`,
    users: instanceUsers,
    python,
    hidden: [dataDir, storageDir, resolve('.env'), ...secrets.files],
    lock: (place) => lockDataFolder(place, 'RUNTIME_DIR'),
    log,
  })
}

/** Says at start what whoever may deploy can do, where there is no wall. */
function warnOfWalls({ secrets }: Config, { unwalled }: RuntimeFacts, log: Logger): void {
  if (unwalled === undefined) return
  log.warn(`${unwalled} Everybody who may deploy must be trusted with the server.`)
  const names = secrets.inEnvironment
  if (names.length > 0)
    log.warn(
      `Services can read ${names.join(', ')} in the environment of the server or in .env: give them by files (${names.map((name) => `${name}_FILE`).join(', ')}) and remove these once the server has started, since services can read every file that it can.`,
    )
}

/** Where no receiver of traces is named, nothing of OpenTelemetry is loaded. */
async function tracingOf(
  { otlpTracesUrl: url, otlpHeaders: headers, otelServiceName: serviceName }: Config,
  { id: instanceId }: ServerIdentity,
  log: Logger,
): Promise<Tracing> {
  if (url === undefined) return untraced
  const { otlpTracing } = await import('./ports/tracing/otlp.ts')
  return otlpTracing({ url, headers, serviceName, instanceId, log })
}

/** Rejects with the error of the port (EADDRINUSE, EACCES …) when it cannot be listened on. */
async function tryPort(host: string, port: number): Promise<void> {
  const probe = createServer().listen({ host, port })
  await once(probe, 'listening')
  probe.close()
  await once(probe, 'close')
}

/** A wildcard address is listened on, not called. */
const reachable = (url: string): string =>
  url.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:')

/** The name of the server that belongs to a data folder, which the lock keeps from being two. */
async function identity(dataDir: string): Promise<ServerIdentity> {
  const file = join(dataDir, 'server-id')
  const kept = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined
    throw cause
  })
  const id = kept?.trim() || randomUUID()
  if (kept === undefined) await writeFile(file, `${id}\n`)
  return { id, run: randomUUID(), url: '' }
}
