import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testDatabase, type TestDatabase } from '../../testkit/database/database.ts'
import {
  RestartService,
  RollBack,
  Runtimes,
  StopService,
} from '../../testkit/operations/services.ts'
import { becomes, seedVersion } from '../../testkit/seed/services.ts'
import { TestServer } from '../../testkit/server.ts'
import { until } from '../../testkit/until.ts'
import { Attacker, code, developerOf, versionOf } from './attacker.ts'

/*
 * A server of root: each service has a user of its own. What one of these services is told to do here, whoever deploys it
 * could have it do. Where tests are not run by root there is no such server; unwalled.test.ts is about that.
 */
const isRoot = process.geteuid?.() === 0
const TOKEN = 'the-token-of-the-admin'

describe.runIf(isRoot)('on a server of root', () => {
  let database: TestDatabase
  let server: TestServer
  let versionId: string
  let deploymentId: string
  let one: Attacker
  let twin: Attacker
  let foreign: Attacker
  beforeAll(async () => {
    database = await testDatabase()
    server = new TestServer(database, { ADMIN_TOKEN: TOKEN })
    await server.start()
    ;({ versionId, deploymentId } = await versionOf(server.admin))
    const stranger = await developerOf(server, 'strangers')
    const theirs = await versionOf(stranger)
    one = await Attacker.of(server.admin, versionId)
    twin = await Attacker.of(server.admin, versionId)
    foreign = await Attacker.of(stranger, theirs.versionId)
    for (const { client, id } of [one, twin, foreign]) await becomes(client, id, 'READY')
  })
  afterAll(async () => {
    await server?.end('SIGKILL')
    await database?.drop()
  })

  test('each service has a user of its own, of no other group, and runtimes says so', async () => {
    const ids = await Promise.all(
      [one, twin, foreign].map((service) =>
        service.does('return [process.getuid(), process.getgid(), process.getgroups()].flat()'),
      ),
    )
    for (const [user, ...groups] of ids as number[][]) {
      expect(user).toBeGreaterThanOrEqual(40_000)
      expect(user).toBeLessThan(60_000)
      expect(new Set(groups)).toEqual(new Set([user]))
    }
    expect(new Set((ids as number[][]).map(([user]) => user)).size).toBe(3)
    const { runtimes } = await server.admin.request(Runtimes)
    expect(runtimes.map(({ name }) => name)).toEqual(['PYTHON', 'NODE', 'COMMAND'])
    for (const runtime of runtimes)
      expect(runtime).toMatchObject({ isAvailable: true, isWalled: true, unwalledReason: null })
    expect(runtimes[1]?.version).toBe(process.versions.node)
  })

  test('a service reads nothing of the server: environment, data, tokens, keys', async () => {
    const { dataDir } = database
    const paths = [
      `/proc/${server.pid}/environ`,
      `/proc/${server.pid}/mem`,
      `/proc/${server.pid}/cwd/package.json`,
      dataDir,
      join(dataDir, 'lock'),
      join(dataDir, 'server-id'),
      join(dataDir, 'postgres'),
      join(dataDir, 'runtime'),
      join(dataDir, 'storage'),
      `${dataDir}-runtime`,
      `${dataDir}-runtime/homes`,
      `${dataDir}-runtime/trash`,
      `${dataDir}-runtime/lock`,
    ]
    const read = `return ${JSON.stringify(paths)}.map((path) => {
      try { return fs.statSync(path).isDirectory() ? fs.readdirSync(path) : fs.readFileSync(path, 'utf8') }
      catch (error) { return error.code }
    })`
    for (const answer of (await one.does(read)) as unknown[])
      expect(answer).toMatch(/^(EACCES|EPERM)$/)
    const everywhere = `return fs.readdirSync('/proc').filter((pid) => /^[0-9]+$/.test(pid)).filter((pid) => {
      try { return fs.readFileSync('/proc/' + pid + '/environ', 'utf8').includes('${TOKEN.slice(0, 10)}' + '${TOKEN.slice(10)}') }
      catch { return false }
    })`
    expect(await one.does(everywhere)).toEqual([])
  })

  test('nor anything of another service, with the same code or of another organization', async () => {
    for (const other of [twin, foreign]) {
      const { home, pid } = (await other.does(
        'return { home: process.env.HOME, pid: process.pid }',
      )) as { home: string; pid: number }
      for (const path of [home, join(home, 'source/main.mjs'), join(home, 'tmp')])
        expect(await one.does(`return fs.readdirSync(${JSON.stringify(path)})`)).toBe('EACCES')
      for (const path of ['environ', 'cwd/main.mjs', 'fd/1', 'mem'])
        expect(await one.does(`return fs.readFileSync('/proc/${pid}/${path}', 'utf8')`)).toBe(
          'EACCES',
        )
    }
  })

  test('it cannot signal the server, the agent or another service', async () => {
    const pids = await Promise.all(
      [twin, foreign].map((other) => other.does('return [process.pid, process.ppid]')),
    )
    for (const pid of [server.pid, ...pids.flat()])
      expect(await one.does(`process.kill(${String(pid)}, 'SIGCONT')`)).toBe('EPERM')
  })

  test('what a service writes into its code is its own, and gone with its process', async () => {
    const changed = `fs.appendFileSync('main.mjs', '// changed'); fs.writeFileSync('more', 'more'); return fs.readFileSync('main.mjs', 'utf8')`
    expect(await one.does(changed)).toBe(`${code}// changed`)
    expect(await twin.does("return fs.readFileSync('main.mjs', 'utf8')")).toBe(code)
    const home = String(await one.does('return process.env.HOME'))
    await server.admin.request(RestartService, { input: { id: one.id } })
    await until(async () => (await one.does('return process.env.HOME').catch(() => home)) !== home)
    expect(await one.does("return fs.readFileSync('main.mjs', 'utf8')")).toBe(code)
    expect(await one.does("return fs.existsSync('more')")).toBe(false)
    await until(async () => !(await readdir(dirname(home))).includes(home.split('/').at(-1) ?? ''))
  })

  test('a rollback brings back what was uploaded, to the byte', async () => {
    const next = await seedVersion(
      server.admin,
      deploymentId,
      { 'main.mjs': `${code}// the next version` },
      { command: 'exec node main.mjs' },
    )
    await one.does("fs.writeFileSync('main.mjs', 'nothing that runs')")
    const version = async (): Promise<unknown> =>
      one.does("return fs.readFileSync('main.mjs', 'utf8')").catch(() => undefined)
    for (const [to, text] of [
      [next, `${code}// the next version`],
      [versionId, code],
    ] as const) {
      await server.admin.request(RollBack, { input: { deploymentId, versionId: to } })
      await until(async () => (await version()) === text)
    }
  })

  test('it keeps its user over its starts, and writes where it should', async () => {
    const look =
      "fs.writeFileSync(process.env.TMPDIR + '/a', ''); fs.writeFileSync(process.env.HOME + '/b', ''); return [process.getuid(), process.env.HOME, process.env.TMPDIR, process.cwd()]"
    const [user, home, temporary, cwd] = (await foreign.does(look)) as [number, ...string[]]
    expect([temporary, cwd]).toEqual([`${home}/tmp`, `${home}/source`])
    await foreign.client.request(StopService, { input: { id: foreign.id } })
    await becomes(foreign.client, foreign.id, 'STOPPED')
    await server.end('SIGKILL')
    await server.start()
    await becomes(server.admin, one.id, 'READY')
    expect(await one.does('return process.getuid()')).not.toBe(user)
    const left = await readdir(dirname(home ?? ''))
    expect(left).not.toContain(home?.split('/').at(-1))
  })

  test('no process of the server has its environment', async () => {
    const parents = new Map<number, number>()
    for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
      parents.set(Number(pid), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]))
    }
    const isOurs = (pid: number | undefined): boolean =>
      pid !== undefined && (pid === server.pid || isOurs(parents.get(pid)))
    const children = [...parents.keys()].filter((pid) => pid !== server.pid && isOurs(pid))
    expect(children.length).toBeGreaterThan(1)
    for (const pid of children)
      expect(await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')).not.toContain(TOKEN)
  })
})
