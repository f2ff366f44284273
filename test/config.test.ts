import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ConfigError, configTable, environment, readConfig } from '../src/config.ts'

function problemsOf(env: NodeJS.ProcessEnv): readonly string[] {
  try {
    readConfig(env)
    return []
  } catch (cause) {
    if (cause instanceof ConfigError) return cause.problems
    throw cause
  }
}

describe('readConfig', () => {
  test('an empty environment is a server on loopback, open to this machine', () => {
    expect(readConfig({})).toMatchObject({
      host: '127.0.0.1',
      port: 4000,
      dataDir: resolve('data'),
      databaseUrl: undefined,
      auth: 'open',
      logLevel: 'info',
      maxArchiveBytes: 536_870_912,
      invokeTimeoutMs: 30_000,
      logRetentionMs: 2_592_000_000,
    })
  })

  test('values are read in their own types and units', () => {
    const env = {
      HOST: '[::1]',
      PORT: '0',
      DATA_DIR: 'some/where',
      DATABASE_URL: 'postgresql://user@host/db',
      PUBLIC_URL: 'https://example.com/millrace/',
      LEASE_SECONDS: '0.25',
      LOG_RETENTION_SECONDS: '0',
    }
    expect(readConfig(env)).toMatchObject({
      host: '::1',
      port: 0,
      dataDir: resolve('some/where'),
      databaseUrl: 'postgresql://user@host/db',
      publicUrl: 'https://example.com/millrace',
      auth: 'open',
      leaseMs: 250,
      logRetentionMs: 0,
    })
  })

  test('MILLRACE_<NAME> wins, and empty text counts as not set', () => {
    expect(readConfig({ PORT: '1', MILLRACE_PORT: '2' }).port).toBe(2)
    expect(readConfig({ PORT: '1', MILLRACE_PORT: '' }).port).toBe(1)
    expect(readConfig({ PORT: ' ', REDIS_URL: '' })).toMatchObject({
      port: 4000,
      redisUrl: undefined,
    })
  })

  test('all problems are told at once, each with what to set, and no secret is repeated', () => {
    const problems = problemsOf({
      MILLRACE_PROT: '1',
      MILLRACE_ROOT_FRONT_AUGER_PORT: '1',
      MILLRACE_PORT: '65536',
      HOST: '0.0.0.0',
      AUTH: 'open',
      DATABASE_URL: 'mysql://me:secret-1@host/db',
      ADMIN_TOKEN: 'secret-2',
      LEASE_SECONDS: '0',
      LOG_LEVEL: 'loud',
    })
    expect(problems).toEqual([
      'MILLRACE_PROT is not a setting of Millrace. Did you mean MILLRACE_PORT?',
      'MILLRACE_ROOT_FRONT_AUGER_PORT is not a setting of Millrace.',
      'MILLRACE_PORT must be a whole number from 0 to 65535, for example 4000.',
      'DATABASE_URL must be a URL like postgres://user:password@host:5432/database.',
      'ADMIN_TOKEN must be at least 16 visible ASCII characters without spaces.',
      'LOG_LEVEL must be fatal, error, warn, info, debug, trace or silent.',
      'LEASE_SECONDS must be a number of seconds, above 0 and up to 2000000, for example 15.',
      'AUTH is open, but HOST 0.0.0.0 can be reached from other machines. ' +
        'Set AUTH=token, or HOST=127.0.0.1, or AUTH_OPEN_ANYWHERE=1 if that is what you want.',
    ])
    expect(new ConfigError(problems).message.split('\n')).toEqual(problems)
  })

  test.each(['localhost', '127.0.0.1', '127.8.9.1', '::1', '[::1]'])(
    'HOST %s is loopback, hence open',
    (HOST) => expect(readConfig({ HOST }).auth).toBe('open'),
  )

  test.each(['0.0.0.0', '::', '10.0.0.5', 'millrace.example.com', '127.example.com', '128.0.0.1'])(
    'HOST %s wants tokens, unless open is asked for twice',
    (HOST) => {
      expect(readConfig({ HOST }).auth).toBe('token')
      expect(readConfig({ HOST, AUTH: 'token' }).auth).toBe('token')
      expect(problemsOf({ HOST, AUTH: 'open' })).toHaveLength(1)
      expect(problemsOf({ HOST, AUTH: 'open', AUTH_OPEN_ANYWHERE: '0' })).toHaveLength(1)
      expect(readConfig({ HOST, AUTH: 'open', AUTH_OPEN_ANYWHERE: '1' }).auth).toBe('open')
    },
  )

  test.each([
    ['PORT', '4e3'],
    ['PORT', '-1'],
    ['PORT', '80.5'],
    ['HOST', 'http://localhost'],
    ['DATABASE_URL', 'postgres://'],
    ['REDIS_URL', 'localhost:6379'],
    ['PUBLIC_URL', 'example.com'],
    ['INVOKE_TIMEOUT_SECONDS', '30s'],
    ['INVOKE_TIMEOUT_SECONDS', '3000000'],
    ['MAX_BODY_BYTES', '0'],
    ['AUTH_OPEN_ANYWHERE', 'maybe'],
  ])('%s=%s is one problem, which names the variable as it was spelled', (name, value) => {
    const spelled = `MILLRACE_${name}`
    expect(problemsOf({ [name]: value })).toEqual([expect.stringMatching(`^${name} must be `)])
    expect(problemsOf({ [spelled]: value })).toEqual([
      expect.stringMatching(`^${spelled} must be `),
    ])
  })

  test.each([
    [{ SERVICES_URL: 'https://*.apps.example.org' }, 'requires PUBLIC_URL'],
    [{ PUBLIC_URL: 'https://m.example.org', SERVICES_URL: 'https://*.example.org' }, 'cover'],
    [{ PUBLIC_URL: 'http://m.example.org', SERVICES_URL: 'http://*.apps.example.org' }, 'another'],
    [{ PUBLIC_URL: 'https://m.example.org', SERVICES_URL: 'https://apps.example.org' }, 'must be'],
  ])('services cannot have hosts that could harm our own: %j', (env, why) => {
    expect(problemsOf(env)).toEqual([expect.stringContaining(why)])
  })

  test('services have hosts below another name, or over https below a neighbour', () => {
    for (const [PUBLIC_URL, SERVICES_URL] of [
      ['https://m.example.org', 'https://*.apps.example.org/'],
      ['http://m.example.org', 'http://*.apps.example.net:8080'],
    ])
      expect(readConfig({ PUBLIC_URL, SERVICES_URL }).servicesUrl).toBe(
        SERVICES_URL?.replace(/\/$/, ''),
      )
  })

  test("the command line's own variables are no business of the server", () => {
    expect(
      problemsOf({
        MILLRACE_URL: 'anything',
        MILLRACE_TOKEN: 'x',
        MILLRACE_ORGANIZATION: 'a',
        MILLRACE_NEW: '',
      }),
    ).toEqual([])
  })
})

describe('secrets', () => {
  const SECRETS = [
    ['ADMIN_TOKEN', 'a-token-of-an-admin', 'adminToken'],
    ['METRICS_TOKEN', 'a-token-of-metrics', 'metricsToken'],
    ['DATABASE_URL', 'postgres://user:password@host/db', 'databaseUrl'],
    ['REDIS_URL', 'redis://:password@host', 'redisUrl'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'authorization=secret', 'otlpHeaders'],
    ['OTEL_EXPORTER_OTLP_TRACES_HEADERS', 'authorization=secret', 'otlpHeaders'],
  ] as const

  test.each(SECRETS)('%s can be in a file, and in one place only', async (name, value, field) => {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-secrets-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const file = join(folder, 'secret')
    await writeFile(file, ` ${value}\n`)
    const said = readConfig({ [name]: value })
    const read = readConfig({ [`MILLRACE_${name}_FILE`]: file })
    expect(read[field]).toEqual(said[field])
    expect(said.secrets).toEqual({ inEnvironment: [name], files: [] })
    expect(read.secrets).toEqual({ inEnvironment: [], files: [file] })
    expect(problemsOf({ [name]: value, [`${name}_FILE`]: file })).toEqual([
      `${name} and ${name}_FILE are both set: set only one of them.`,
    ])
    expect(problemsOf({ [`${name}_FILE`]: join(folder, 'nothing') })).toEqual([
      expect.stringMatching(`^${name}_FILE names a file that cannot be read: ENOENT`),
    ])
    await writeFile(file, '\n')
    expect(problemsOf({ [`${name}_FILE`]: file })).toEqual([
      `${name}_FILE names a file that is empty: ${file}.`,
    ])
  })

  test('what is wrong in a file is told without repeating it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-secrets-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const file = join(folder, 'secret')
    await writeFile(file, 'short')
    expect(problemsOf({ ADMIN_TOKEN_FILE: file })).toEqual([
      'The content of ADMIN_TOKEN_FILE must be at least 16 visible ASCII characters without spaces.',
    ])
  })

  test('users of instances are a range of numbers, or off', () => {
    expect(readConfig({}).instanceUsers).toEqual({ first: 40_000, last: 59_999 })
    expect(readConfig({ INSTANCE_USERS: 'off' }).instanceUsers).toBeUndefined()
    for (const INSTANCE_USERS of ['0-10', '999-2000', '5000-4000', '40000', '1000-900000', 'on'])
      expect(problemsOf({ INSTANCE_USERS })).toEqual([
        expect.stringMatching(/^INSTANCE_USERS must be off, or two numbers/),
      ])
  })
})

describe('environment', () => {
  test('.env says what the real environment does not', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-env-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    expect(environment(folder)).toEqual(process.env)
    await writeFile(join(folder, '.env'), '# mine\nMILLRACE_PORT=4321\nPATH=nowhere\n')
    expect(environment(folder)).toEqual({ ...process.env, MILLRACE_PORT: '4321' })
    expect(process.env.MILLRACE_PORT).toBeUndefined()
  })
})

test('docs/configuration.md matches the code', async () => {
  const page = await readFile(new URL('../docs/configuration.md', import.meta.url), 'utf8')
  const rows = page.split('\n').filter((line) => line.startsWith('| `'))
  const cells = rows.map((row) =>
    row
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  )
  const documented = cells.map(([name, fallback, meaning]) => ({
    name: name?.replaceAll('`', ''),
    default: fallback?.replaceAll('`', ''),
    meaning,
  }))
  expect(documented).toEqual(configTable)
  expect(configTable.filter(({ meaning }) => meaning === '')).toEqual([])
})

test('every setting that is documented is read', async () => {
  const source = await readFile(new URL('../src/config.ts', import.meta.url), 'utf8')
  const read = new Set(Array.from(source.matchAll(/\benv\.([A-Z0-9_]+)/g), ([, name]) => name))
  // files are read before the others, and the port of each front by its name
  const plain = configTable.filter(({ name }) => !/_FILE$|<NAME>/.test(name))
  expect(plain.flatMap(({ name }) => (read.has(name) ? [] : [name]))).toEqual([])
})
