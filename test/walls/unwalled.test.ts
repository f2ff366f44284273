import { execFile } from 'node:child_process'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Abeja } from '../../testkit/fronts/abeja.ts'
import { testDatabase, type TestDatabase } from '../../testkit/database/database.ts'
import {
  CreateService,
  Runtimes,
  ServiceStatus,
  StartService,
  StopService,
} from '../../testkit/operations/services.ts'
import { becomes } from '../../testkit/seed/services.ts'
import type { Client } from '../../testkit/client.ts'
import { TestServer } from '../../testkit/server.ts'
import { Attacker, developerOf, versionOf } from './attacker.ts'

/* A server of an ordinary user, whoever runs the tests: it cannot change users, says so, and acts accordingly. */
const user = process.geteuid?.() === 0 ? 31_337 : undefined
const TOKEN = 'the-token-of-the-admin'
const SENTENCE =
  /^Programs run here as the user of the server: only root may change users \(the server runs as \d+\)\.$/

let database: TestDatabase
let tokenFile: string
let foreign: Attacker
let foreignVersion: string
let ownVersion: string

const serverWith = (env: Record<string, string>): TestServer =>
  new TestServer(database, { UNWALLED_ORGANIZATIONS: 'default', ...env }, user)

beforeAll(async () => {
  database = await testDatabase()
  tokenFile = join(database.dataDir, 'token-of-the-admin')
  await writeFile(tokenFile, `${TOKEN}\n`, { mode: 0o600 })
  if (user !== undefined)
    await promisify(execFile)('chown', ['-R', `${user}:${user}`, database.dataDir])
})
afterAll(() => database?.drop())

test('it lets every organization run processes where that is asked for, and warns of secrets', async () => {
  const server = serverWith({ UNWALLED_ORGANIZATIONS: 'all', ADMIN_TOKEN: TOKEN })
  await server.start()
  try {
    expect(server.output).toContain('Everybody who may deploy must be trusted with the server')
    expect(server.output).toMatch(
      /Services can read ADMIN_TOKEN.* give them by files \(ADMIN_TOKEN_FILE/,
    )
    ownVersion = (await versionOf(server.admin)).versionId
    const stranger = await developerOf(server, 'strangers')
    const { versionId } = await versionOf(stranger)
    foreignVersion = versionId
    foreign = await Attacker.of(stranger, versionId)
    await becomes(stranger, foreign.id, 'READY')
    expect(
      await foreign.does(
        `return fs.readFileSync('/proc/${server.pid}/environ', 'utf8').includes('${TOKEN}')`,
      ),
    ).toBe(true)
    // its own children have nothing of it
    expect(
      await foreign.does("return fs.readFileSync('/proc/' + process.ppid + '/environ', 'utf8')"),
    ).not.toContain(TOKEN)
  } finally {
    await server.end('SIGTERM')
  }
})

describe('otherwise', () => {
  let server: TestServer
  let admin: Client
  beforeAll(async () => {
    await chmod(database.dataDir, 0o755)
    server = serverWith({ ADMIN_TOKEN_FILE: tokenFile })
    await server.start()
    admin = server.admin
  })
  afterAll(() => server?.end('SIGKILL'))

  test('only the organization default may: others are told why, at create, at start and by a service that failed', async () => {
    expect(server.output).not.toContain('Services can read ADMIN_TOKEN')
    const { runtimes } = await admin.request(Runtimes)
    expect(runtimes.length).toBeGreaterThan(0)
    for (const runtime of runtimes)
      expect(runtime).toMatchObject({
        isAvailable: true,
        isWalled: false,
        unwalledReason: expect.stringMatching(SENTENCE),
      })
    const why = expect.stringMatching(
      /^Only the organization "default" may run processes on this server\. Programs run here as the user of the server: .* With UNWALLED_ORGANIZATIONS=all every organization may\.$/,
    )
    const stranger = server.clientWith(foreign.client.token ?? '')
    await becomes(stranger, foreign.id, 'FAILED')
    const { service } = await stranger.request(ServiceStatus, { id: foreign.id })
    expect(service?.statusReason).toEqual(why)
    const { startService } = await stranger.request(StartService, { input: { id: foreign.id } })
    expect(startService).toMatchObject({ __typename: 'Unavailable', message: why })
    const input = { backend: { process: { versionId: foreignVersion } } }
    const { createService } = await stranger.request(CreateService, { input })
    expect(createService).toEqual({ __typename: 'Unavailable', code: 'UNAVAILABLE', message: why })

    const abeja = await Abeja.of(stranger)
    const [deployment] = (await abeja.did('GET', '/deployments')).entries
    const services = `/deployments/${deployment?.deployment_id}/services`
    const [version] = (await abeja.did('GET', `/deployments/${deployment?.deployment_id}/versions`))
      .entries
    const [failed] = (await abeja.did('GET', services)).entries
    const refused = { status: 503, body: { error_description: why } }
    expect(await abeja.call('POST', services, { version_id: version?.version_id })).toMatchObject(
      refused,
    )
    expect(await abeja.call('POST', `${services}/${failed?.service_id}/start`)).toMatchObject(
      refused,
    )

    const own = await Attacker.of(admin, ownVersion)
    await becomes(admin, own.id, 'READY')
    await admin.request(StopService, { input: { id: own.id } })
    await becomes(admin, own.id, 'STOPPED')
  })

  test('its programs have copies of their own too, and the data folder is closed', async () => {
    const one = await Attacker.of(admin, ownVersion)
    const twin = await Attacker.of(admin, ownVersion)
    for (const { id } of [one, twin]) await becomes(admin, id, 'READY')
    expect(await one.does("fs.writeFileSync('main.mjs', ''); return process.cwd()")).not.toBe(
      await twin.does('return process.cwd()'),
    )
    expect(await twin.does("return fs.readFileSync('main.mjs', 'utf8').length")).toBeGreaterThan(0)
    const mode = `return fs.statSync(${JSON.stringify(database.dataDir)}).mode & 0o777`
    expect(await one.does(mode)).toBe(0o700)
  })
})
