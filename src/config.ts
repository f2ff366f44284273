import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { z } from 'zod'
import { isLoopback } from './kit/http/loopback.ts'
import { nearest } from './kit/nearest.ts'
import {
  anyOf,
  flag,
  pairs,
  seconds,
  text,
  toMs,
  url,
  userRange,
  whole,
  withoutTrailingSlash,
} from './kit/settings.ts'
import { frontNames, type FrontName } from './rest/fronts.ts'

const MIB = 1024 * 1024
const DAY_SECONDS = 24 * 60 * 60

const rootPort = whole(0, 65_535, 4001)
  .optional()
  .describe(
    'Additional port that serves the front `<NAME>` at its root, for clients that drop the path of a base URL; `0` takes any free port.',
  )
type RootPort = `ROOT_FRONT_${FrontName}_PORT`
const rootPortOf = (front: FrontName): RootPort => `ROOT_FRONT_${front}_PORT`
const rootPorts = Object.fromEntries(
  frontNames.map((front) => [rootPortOf(front), rootPort]),
) as Record<RootPort, typeof rootPort>

/** All settings, by the names of their environment variables. */
const variables = z.object({
  HOST: text(/^[\w.:%[\]-]+$/, 'the name or address to listen on, for example 127.0.0.1')
    .prefault('127.0.0.1')
    .describe(
      'Address that the server listens on. With an address other than loopback, `AUTH` defaults to `token`.',
    ),
  PORT: whole(0, 65_535, 4000)
    .prefault('4000')
    .describe('Port that the server listens on; `0` takes any free port.'),
  DATA_DIR: z
    .string()
    .prefault('./data')
    .describe(
      'Folder of the embedded database, of stored files and of the files of instances. Other users of the machine cannot read it.',
    ),
  STORAGE_DIR: z
    .string()
    .optional()
    .describe(
      'Folder of uploaded archives. Several servers on one database must share it. Default: `storage` in `DATA_DIR`.',
    ),
  RUNTIME_DIR: z
    .string()
    .optional()
    .describe(
      'Parent of the working folders of instances that run as separate operating-system users. These users must be able to enter it, so each folder above it must be passable for them (`/root` is not), and only the server may be able to change those folders. Default: `<DATA_DIR>-runtime`. Other instances work in `DATA_DIR`.',
    ),
  INSTANCE_USERS: userRange()
    .prefault('40000-59999')
    .describe(
      'Range of operating-system user IDs (UIDs) that services run as, one for each service. Nothing else on the machine may use the range. `off`: all services run as the user of the server.',
    ),
  UNWALLED_ORGANIZATIONS: z
    .enum(['default', 'all'], { error: 'must be default or all' })
    .prefault('default')
    .describe(
      'Organizations that may run processes on a server where services cannot have separate users: `default` or `all`. Everybody who may deploy there must be trusted with the whole server.',
    ),
  DATABASE_URL: url(['postgres:', 'postgresql:'], 'postgres://user:password@host:5432/database')
    .optional()
    .describe(
      'PostgreSQL server to use. Without it the server uses an embedded PostgreSQL, which only one server can use.',
    ),
  REDIS_URL: url(['redis:', 'rediss:'], 'redis://host:6379')
    .optional()
    .describe('Redis that carries hints between several servers on one database.'),
  PUBLIC_URL: url(['http:', 'https:'], 'https://millrace.example.com')
    .transform(withoutTrailingSlash)
    .optional()
    .describe(
      'Address at which browsers and clients reach this installation; URLs in responses begin with it. Required when clients use a name, or an address that the server itself does not have. Without it URLs use the `Host` of the request only if that host is known to be this server.',
    ),
  SERVICES_URL: text(
    /^https?:\/\/\*(?:\.[a-z0-9-]+)+(?::\d{1,5})?\/?$/,
    'a URL like https://*.apps.example.com, whose * stands for a service',
  )
    .transform(withoutTrailingSlash)
    .optional()
    .describe(
      'Address of the pages of services, with `*` in place of the host of each service. Requires `PUBLIC_URL` and a DNS record for all these hosts. Without it pages have hosts below `localhost`, which work on this machine only.',
    ),
  ADVERTISE_URL: url(['http:', 'https:'], 'http://10.0.0.5:4000')
    .transform(withoutTrailingSlash)
    .optional()
    .describe('Address at which the other servers of this installation reach this server.'),
  TRUST_PROXY: whole(0, 10, 1)
    .prefault('0')
    .describe(
      'Number of proxies in front of this server, 0 to 10. The server trusts that many entries of `X-Forwarded-For`, `-Proto` and `-Host`. Clients must not be able to bypass the proxies.',
    ),
  AUTH: z
    .enum(['open', 'token'], { error: 'must be open or token' })
    .optional()
    .describe(
      '`token`: callers need a credential. `open`: a caller without a credential acts as `admin`. Default: `open` when `HOST` is loopback, otherwise `token`.',
    ),
  OPEN_FRONTS: anyOf(frontNames)
    .prefault('')
    .describe(
      'REST fronts that accept requests without a credential: the names in their paths, separated by commas, for example `abeja,topchef`.',
    ),
  OPEN_FRONT_ROLE: z
    .enum(['VIEWER', 'WORKER', 'DEVELOPER', 'ADMIN'], {
      error: 'must be VIEWER, WORKER, DEVELOPER or ADMIN',
    })
    .prefault('DEVELOPER')
    .describe(
      'Role that requests without a credential have on these fronts, in the default organization.',
    ),
  ...rootPorts,
  SIGN_IN_SECONDS: seconds('positive', 30 * DAY_SECONDS, 10 * 365 * DAY_SECONDS)
    .prefault(String(30 * DAY_SECONDS))
    .describe('Time until a sign-in with a password expires (30 days).'),
  AUTH_OPEN_ANYWHERE: flag()
    .prefault('0')
    .describe('`1` allows `AUTH=open` on a `HOST` that other machines can reach.'),
  ADMIN_TOKEN: text(/^[\x21-\x7e]{16,}$/, 'at least 16 visible ASCII characters without spaces')
    .optional()
    .describe('Token of the user `admin`. Without it the server creates one at its first start.'),
  LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
      error: 'must be fatal, error, warn, info, debug, trace or silent',
    })
    .prefault('info')
    .describe(
      'Lowest level of the messages in the log of the server, which is written as JSON lines.',
    ),
  METRICS_TOKEN: text(/^[\x21-\x7e]{16,}$/, 'at least 16 visible ASCII characters without spaces')
    .optional()
    .describe(
      'Token that may read `/metrics` and nothing else. Administrators of the server may always read it.',
    ),
  OTEL_EXPORTER_OTLP_ENDPOINT: url(['http:', 'https:'], 'http://127.0.0.1:4318')
    .transform(withoutTrailingSlash)
    .optional()
    .describe(
      'OpenTelemetry receiver of traces (OTLP over HTTP); the server appends `/v1/traces`. Without it nothing is traced.',
    ),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: url(['http:', 'https:'], 'http://127.0.0.1:4318/v1/traces')
    .optional()
    .describe(
      'Complete URL of the receiver of traces; takes precedence over `OTEL_EXPORTER_OTLP_ENDPOINT`.',
    ),
  OTEL_EXPORTER_OTLP_HEADERS: pairs()
    .optional()
    .describe('Headers to send with traces: `name=value,name=value`, percent-encoded.'),
  OTEL_EXPORTER_OTLP_TRACES_HEADERS: pairs()
    .optional()
    .describe(
      'Additional headers to send with traces; take precedence over `OTEL_EXPORTER_OTLP_HEADERS`.',
    ),
  OTEL_SERVICE_NAME: text(/^\S(?:.{0,98}\S)?$/, 'a name of at most 100 characters')
    .prefault('millrace')
    .describe('Service name in traces.'),
  PYTHON: z
    .string()
    .optional()
    .describe(
      'Python that runs handlers: a command or a path. Default: `.venv/bin/python` if it exists, otherwise `python3`.',
    ),
  MAX_BODY_BYTES: whole(1024, 1024 * MIB, MIB)
    .prefault(String(MIB))
    .describe('Maximum size of the body of a GraphQL request (1 MiB).'),
  TRUSTED_DOCUMENTS: z
    .string()
    .optional()
    .describe(
      'File with the only GraphQL documents that the server executes, besides those of the command line and the workers of the same version: a JSON object from SHA-256 or name to document. Without it the server executes any document.',
    ),
  MAX_TOKENS: whole(100, 1_000_000, 5000)
    .prefault('5000')
    .describe('Maximum number of tokens (names, numbers, brackets …) of a GraphQL document.'),
  MAX_DEPTH: whole(3, 200, 20)
    .prefault('20')
    .describe('Maximum nesting depth of the fields of an operation.'),
  MAX_ALIASES: whole(0, 100_000, 100)
    .prefault('100')
    .describe(
      'Maximum number of aliases of an operation, including those of the fragments it spreads.',
    ),
  MAX_COST: whole(100, 1_000_000_000, 50_000)
    .prefault('50000')
    .describe(
      'Maximum number of objects that an operation may ask for; `docs/limits.md` explains how they are counted.',
    ),
  MAX_ANSWER_BYTES: whole(65_536, 1024 * MIB, 32 * MIB)
    .prefault(String(32 * MIB))
    .describe(
      'Maximum number of bytes that one operation may read and return (32 MiB); on a REST front, one page of a response.',
    ),
  MAX_ANSWER_BYTES_PER_CALLER: whole(65_536, 1024 * 1024 * MIB, 64 * MIB)
    .prefault(String(64 * MIB))
    .describe(
      'Maximum size of all responses to one caller that are being prepared or sent at the same time (64 MiB).',
    ),
  MAX_ANSWER_BYTES_IN_ALL: whole(65_536, 1024 * 1024 * MIB, 256 * MIB)
    .prefault(String(256 * MIB))
    .describe(
      'Maximum size of all responses that are being prepared or sent at the same time (256 MiB).',
    ),
  BODY_TIMEOUT_SECONDS: seconds('positive', 30)
    .prefault('30')
    .describe(
      'Time limit for receiving the headers of a request, and then for receiving its body.',
    ),
  OPERATION_TIMEOUT_SECONDS: seconds('positive', 60)
    .prefault('60')
    .describe(
      'Time limit for an operation, or for one delivery of a subscription. Keep it above `INVOKE_TIMEOUT_SECONDS`.',
    ),
  OPERATIONS_PER_SECOND: whole(0, 1_000_000, 1000)
    .prefault('1000')
    .describe(
      'Number of operations that one caller may start each second, twice as many after a pause; `0`: no limit.',
    ),
  MAX_SOCKETS: whole(1, 1_000_000, 2000)
    .prefault('2000')
    .describe(
      'Maximum number of open WebSockets for one caller, and for one address as long as its connections are not authenticated.',
    ),
  MAX_SUBSCRIPTIONS: whole(1, 10_000_000, 10_000)
    .prefault('10000')
    .describe(
      'Maximum number of open subscriptions of one caller, over WebSocket and SSE together.',
    ),
  UPLOAD_STALL_SECONDS: seconds('positive', 60)
    .prefault('60')
    .describe(
      'Time limit for progress. The server closes a connection when an upload, or the body of a call to a service, brings less than 1 KiB in this time, or when the client reads less than 1 KiB of a waiting response in this time.',
    ),
  MAX_ARCHIVE_BYTES: whole(1, Number.MAX_SAFE_INTEGER, 512 * MIB)
    .prefault(String(512 * MIB))
    .describe('Maximum size of an uploaded archive (512 MiB).'),
  MAX_UNPACKED_BYTES: whole(1, Number.MAX_SAFE_INTEGER, 1024 * MIB)
    .prefault(String(1024 * MIB))
    .describe('Maximum size of the unpacked files of an archive (1 GiB).'),
  MAX_ARCHIVE_FILES: whole(1, 10_000_000, 20_000)
    .prefault('20000')
    .describe('Maximum number of entries in an archive, and of folders that it creates.'),
  INVOKE_TIMEOUT_SECONDS: seconds('positive', 30)
    .prefault('30')
    .describe('Time limit for a service to respond to a call.'),
  START_TIMEOUT_SECONDS: seconds('positive', 60)
    .prefault('60')
    .describe('Time until an instance must be healthy; after it the start has failed.'),
  STOP_GRACE_SECONDS: seconds('zero too', 10)
    .prefault('10')
    .describe('Time between asking an instance to stop and killing it.'),
  MAX_RESTARTS: whole(0, 1_000_000, 5)
    .prefault('5')
    .describe(
      'Number of restarts in a row before a service becomes `FAILED`; at most 2 for an instance that was never ready.',
    ),
  SCALE_DOWN_SECONDS: seconds('positive', 60)
    .prefault('60')
    .describe('Autoscale stops instances that were not needed for this time.'),
  CANCEL_GRACE_SECONDS: seconds('zero too', 30)
    .prefault('30')
    .describe(
      'Time between asking a worker to end a canceled job and taking the job away from it.',
    ),
  LEASE_SECONDS: seconds('positive', 15)
    .prefault('15')
    .describe(
      'Time after which another server takes over the services of a server that is silent.',
    ),
  LOG_RETENTION_SECONDS: seconds('zero too', 30 * DAY_SECONDS, Infinity)
    .prefault(String(30 * DAY_SECONDS))
    .describe('Time that log lines are kept (30 days); `0` keeps them forever.'),
  LOG_RETENTION_LINES: whole(0, Number.MAX_SAFE_INTEGER, 1_000_000)
    .prefault('1000000')
    .describe('Number of lines that are kept of one log; `0` keeps all.'),
  EVENT_RETENTION_SECONDS: seconds('zero too', 90 * DAY_SECONDS, Infinity)
    .prefault(String(90 * DAY_SECONDS))
    .describe('Time that events are kept (90 days); `0` keeps them forever.'),
  JOB_RETENTION_SECONDS: seconds('zero too', 30 * DAY_SECONDS, Infinity)
    .prefault(String(30 * DAY_SECONDS))
    .describe(
      'Time that a job is kept after it has ended, unless the job sets its own time (30 days); `0` keeps jobs forever.',
    ),
  TRAFFIC_RETENTION_SECONDS: seconds('zero too', 30 * DAY_SECONDS, Infinity)
    .prefault(String(30 * DAY_SECONDS))
    .describe('Time that the counts of calls are kept (30 days); `0` keeps them forever.'),
  SHUTDOWN_GRACE_SECONDS: seconds('zero too', 20)
    .prefault('20')
    .describe('Time between SIGTERM and cutting off everything that still runs.'),
})

export type Config = ReturnType<typeof configOf>

/** The environment cannot be used: one line per problem, each saying what to set. */
export class ConfigError extends Error {
  readonly problems: readonly string[]
  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.problems = problems
  }
}

/** Settings that are secrets, or may hold one. */
const SECRETS = [
  'ADMIN_TOKEN',
  'METRICS_TOKEN',
  'DATABASE_URL',
  'REDIS_URL',
  'OTEL_EXPORTER_OTLP_HEADERS',
  'OTEL_EXPORTER_OTLP_TRACES_HEADERS',
] as const satisfies readonly (keyof typeof variables.shape)[]

const isSecret = (name: string): boolean => SECRETS.some((secret) => secret === name)
const fileOf = (name: string): string => `${name}_FILE`

const names: readonly string[] = [...Object.keys(variables.shape), ...SECRETS.map(fileOf)]
/** Variables `MILLRACE_*` that the command line reads, not the server. */
const CLIENT_NAMES = ['MILLRACE_URL', 'MILLRACE_TOKEN', 'MILLRACE_ORGANIZATION']

/** A setting that each front has is shown once. */
const shown = (name: string): string => name.replace(/^(ROOT_FRONT_)\w+(_PORT)$/, '$1<NAME>$2')

/** Each variable with its default as text ('' where it has none) and its meaning, for the documentation. */
export const configTable = [
  ...new Map(Object.entries(variables.shape).map(([name, schema]) => [shown(name), schema])),
].flatMap(([name, schema]) => [
  {
    name,
    default: schema instanceof z.ZodPrefault ? schema.def.defaultValue : '',
    meaning: schema.description ?? '',
  },
  ...(isSecret(name)
    ? [{ name: fileOf(name), default: '', meaning: `File that contains the value of \`${name}\`.` }]
    : []),
])

/** The environment of this process, completed by the file `.env` in `folder`. */
export function environment(folder = process.cwd()): NodeJS.ProcessEnv {
  const file = join(folder, '.env')
  return existsSync(file)
    ? { ...parseEnv(readFileSync(file, 'utf8')), ...process.env }
    : process.env
}

/**
 * The server's settings out of `env` (usually `environment()`). `MILLRACE_<NAME>` wins over `<NAME>`, and empty
 * text counts as not set. Throws a ConfigError that lists all problems at once.
 */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const problems = unknownNames(env)
  const given: Record<string, string> = {}
  const spelled: Record<string, string> = {}
  for (const name of names)
    for (const spelling of [name, `MILLRACE_${name}`]) {
      const value = env[spelling]?.trim() ?? ''
      if (value !== '') [given[name], spelled[name]] = [value, spelling]
    }
  const secrets = {
    inEnvironment: SECRETS.flatMap((name) => (name in given ? (spelled[name] ?? []) : [])),
    files: SECRETS.flatMap((name) => given[fileOf(name)] ?? []).map((path) => resolve(path)),
  }
  problems.push(...secretsInFiles(given, spelled))
  const parsed = variables.safeParse(given)
  for (const { path, message } of parsed.error?.issues ?? [])
    problems.push(`${spelled[String(path[0])] ?? String(path[0])} ${message}.`)
  problems.push(...openToStrangers(given), ...portsTwice(given), ...hostsShared(given))
  if (parsed.data === undefined || problems.length > 0) throw new ConfigError(problems)
  return configOf(parsed.data, secrets)
}

function configOf(
  env: z.output<typeof variables>,
  secrets: {
    /** Names of the secrets that the environment or `.env` contains. */
    readonly inEnvironment: readonly string[]
    /** Files that the other secrets were read from. */
    readonly files: readonly string[]
  },
) {
  return {
    secrets,
    host: env.HOST.replace(/^\[(.*)\]$/, '$1'),
    port: env.PORT,
    dataDir: resolve(env.DATA_DIR),
    storageDir: resolve(env.STORAGE_DIR ?? join(env.DATA_DIR, 'storage')),
    runtimeDir: env.RUNTIME_DIR && resolve(env.RUNTIME_DIR),
    /** Undefined where instances are to run as the user of the server. */
    instanceUsers: env.INSTANCE_USERS,
    unwalledOrganizations: env.UNWALLED_ORGANIZATIONS,
    databaseUrl: env.DATABASE_URL,
    redisUrl: env.REDIS_URL,
    publicUrl: env.PUBLIC_URL,
    servicesUrl: env.SERVICES_URL,
    advertiseUrl: env.ADVERTISE_URL,
    trustProxy: env.TRUST_PROXY,
    auth: env.AUTH ?? (isLoopback(env.HOST) ? 'open' : 'token'),
    openFronts: env.OPEN_FRONTS,
    openFrontRole: env.OPEN_FRONT_ROLE,
    /** Fronts with a port of their own. */
    rootFrontPorts: Object.fromEntries(
      frontNames.map((front) => [front, env[rootPortOf(front)]]),
    ) as Readonly<Record<FrontName, number | undefined>>,
    signInMs: toMs(env.SIGN_IN_SECONDS),
    authOpenAnywhere: env.AUTH_OPEN_ANYWHERE,
    adminToken: env.ADMIN_TOKEN,
    logLevel: env.LOG_LEVEL,
    metricsToken: env.METRICS_TOKEN,
    /** Undefined when nothing is to be traced. */
    otlpTracesUrl:
      env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ??
      (env.OTEL_EXPORTER_OTLP_ENDPOINT && `${env.OTEL_EXPORTER_OTLP_ENDPOINT}/v1/traces`),
    otlpHeaders: {
      ...env.OTEL_EXPORTER_OTLP_HEADERS,
      ...env.OTEL_EXPORTER_OTLP_TRACES_HEADERS,
    } as Readonly<Record<string, string>>,
    otelServiceName: env.OTEL_SERVICE_NAME,
    python: env.PYTHON,
    maxBodyBytes: env.MAX_BODY_BYTES,
    trustedDocuments: env.TRUSTED_DOCUMENTS && resolve(env.TRUSTED_DOCUMENTS),
    maxTokens: env.MAX_TOKENS,
    maxDepth: env.MAX_DEPTH,
    maxAliases: env.MAX_ALIASES,
    maxCost: env.MAX_COST,
    maxAnswerBytes: env.MAX_ANSWER_BYTES,
    maxAnswerBytesPerCaller: env.MAX_ANSWER_BYTES_PER_CALLER,
    maxAnswerBytesInAll: env.MAX_ANSWER_BYTES_IN_ALL,
    bodyTimeoutMs: toMs(env.BODY_TIMEOUT_SECONDS),
    operationTimeoutMs: toMs(env.OPERATION_TIMEOUT_SECONDS),
    /** 0: any number. */
    operationsPerSecond: env.OPERATIONS_PER_SECOND,
    maxSockets: env.MAX_SOCKETS,
    maxSubscriptions: env.MAX_SUBSCRIPTIONS,
    uploadStallMs: toMs(env.UPLOAD_STALL_SECONDS),
    maxArchiveBytes: env.MAX_ARCHIVE_BYTES,
    maxUnpackedBytes: env.MAX_UNPACKED_BYTES,
    maxArchiveFiles: env.MAX_ARCHIVE_FILES,
    invokeTimeoutMs: toMs(env.INVOKE_TIMEOUT_SECONDS),
    startTimeoutMs: toMs(env.START_TIMEOUT_SECONDS),
    stopGraceMs: toMs(env.STOP_GRACE_SECONDS),
    maxRestarts: env.MAX_RESTARTS,
    scaleDownMs: toMs(env.SCALE_DOWN_SECONDS),
    cancelGraceMs: toMs(env.CANCEL_GRACE_SECONDS),
    leaseMs: toMs(env.LEASE_SECONDS),
    /** 0 keeps everything, here and in the next four. */
    logRetentionMs: toMs(env.LOG_RETENTION_SECONDS),
    logRetentionLines: env.LOG_RETENTION_LINES,
    eventRetentionMs: toMs(env.EVENT_RETENTION_SECONDS),
    jobRetentionMs: toMs(env.JOB_RETENTION_SECONDS),
    trafficRetentionMs: toMs(env.TRAFFIC_RETENTION_SECONDS),
    shutdownGraceMs: toMs(env.SHUTDOWN_GRACE_SECONDS),
  } as const
}

function unknownNames(env: NodeJS.ProcessEnv): string[] {
  const known = [...names.map((name) => `MILLRACE_${name}`), ...CLIENT_NAMES]
  return Object.keys(env)
    .filter(
      (name) => name.startsWith('MILLRACE_') && !known.includes(name) && env[name]?.trim() !== '',
    )
    .map((name) => {
      const near = nearest(name, known)
      const hint = near === undefined ? '' : ` Did you mean ${near}?`
      return `${name} is not a setting of Millrace.${hint}`
    })
}

/** Reads the secrets that are in files into `given`, as if the environment contained them. */
function secretsInFiles(
  given: Record<string, string>,
  spelled: Record<string, string>,
): readonly string[] {
  return SECRETS.flatMap((name) => {
    const path = given[fileOf(name)]
    const spelling = spelled[fileOf(name)]
    if (path === undefined || spelling === undefined) return []
    if (name in given)
      return [`${spelled[name]} and ${spelling} are both set: set only one of them.`]
    try {
      const text = readFileSync(path, 'utf8').trim()
      if (text === '') return [`${spelling} names a file that is empty: ${path}.`]
      ;[given[name], spelled[name]] = [text, `The content of ${spelling}`]
      return []
    } catch (cause) {
      return [`${spelling} names a file that cannot be read: ${reasonOf(cause)}.`]
    }
  })
}

const reasonOf = (cause: unknown): string =>
  cause instanceof Error ? cause.message : String(cause)

const domain = (host: string): string => host.split('.').slice(-2).join('.')

/** Pages of services that could pass for pages of ours, or set cookies for them. Looks at its own variables only. */
function hostsShared({ PUBLIC_URL, SERVICES_URL }: Readonly<Record<string, string>>): string[] {
  const services = variables.shape.SERVICES_URL.safeParse(SERVICES_URL).data
  if (services === undefined) return []
  const ours = variables.shape.PUBLIC_URL.safeParse(PUBLIC_URL).data
  if (PUBLIC_URL === undefined || ours === undefined)
    return PUBLIC_URL === undefined ? ['SERVICES_URL requires PUBLIC_URL.'] : []
  const [own, parent] = [new URL(ours).hostname, new URL(services).hostname.slice(2)]
  if (own.endsWith(`.${parent}`))
    return [
      'SERVICES_URL must not cover the host of PUBLIC_URL: choose another domain, such as `https://*.pages.example.com`.',
    ]
  // over https the cookie has a name that other hosts cannot set
  return ours.startsWith('http:') && domain(own) === domain(parent)
    ? ['SERVICES_URL must use another domain than PUBLIC_URL, or both must begin with https.']
    : []
}

/** Two listeners with one port. */
function portsTwice(given: Readonly<Record<string, string>>): string[] {
  const names = Object.keys(variables.shape).filter(
    (name) => name === 'PORT' || name.startsWith('ROOT_FRONT_'),
  )
  const taken = new Map<string, string>()
  return names.flatMap((name) => {
    const port = given[name] ?? (name === 'PORT' ? '4000' : '0')
    const other = taken.get(port)
    if (port !== '0') taken.set(port, other ?? name)
    return port === '0' || other === undefined ? [] : [`${name} must differ from ${other}.`]
  })
}

/** Open access on an address that others reach. Looks at its own variables only, so that it is reported together with all other problems. */
function openToStrangers(given: Readonly<Record<string, string>>): string[] {
  const { HOST, AUTH_OPEN_ANYWHERE } = variables.shape
  const host = HOST.safeParse(given.HOST).data
  const isAllowed = AUTH_OPEN_ANYWHERE.safeParse(given.AUTH_OPEN_ANYWHERE).data === true
  if (given.AUTH !== 'open' || isAllowed || host === undefined || isLoopback(host)) return []
  return [
    `AUTH is open, but HOST ${host} can be reached from other machines. ` +
      'Set AUTH=token, or HOST=127.0.0.1, or AUTH_OPEN_ANYWHERE=1 if that is what you want.',
  ]
}
