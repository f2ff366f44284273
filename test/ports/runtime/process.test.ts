import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { processRuntime } from '../../../src/ports/runtime/process/process.ts'
import { UserNumbers } from '../../../src/ports/runtime/process/user-numbers.ts'
import {
  type Program,
  type RunningInstance,
  type Runtime,
  StartFailed,
} from '../../../src/ports/runtime/runtime.ts'
import { sourceOf, tarGz } from '../../../testkit/archive.ts'
import { isAlive } from '../../../testkit/machine/alive.ts'
import { until } from '../../../testkit/until.ts'
import { conformsToRuntime, readAll, texts } from './conformance.ts'

const root = mkdtempSync(join(tmpdir(), 'millrace-runtime-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const warnings: string[] = []
const log = { warn: (_facts: object, message: string) => warnings.push(message) }

conformsToRuntime('process', () =>
  Promise.resolve(processRuntime({ dir: mkdtempSync(join(root, 'data-')), log })),
)

describe('a process', () => {
  const dir = mkdtempSync(join(root, 'data-'))
  let runtime: Runtime
  beforeAll(() => {
    for (const folder of [root, dir]) chmodSync(folder, 0o711) // other users pass through
    runtime = processRuntime({ dir, numbers: new UserNumbers(), log })
  })
  afterAll(() => runtime.close())

  let count = 0
  async function start(
    program: Program | string,
    files: Readonly<Record<string, string>> = { 'main.txt': '' },
    environment: Readonly<Record<string, string>> = {},
    user?: number,
  ): Promise<RunningInstance> {
    return runtime.start({
      key: `test.${count++}`,
      source: await sourceOf(files),
      program: typeof program === 'string' ? { kind: 'command', command: program } : program,
      user,
      size: 'cpu-1',
      environment,
    })
  }

  const users = process.getuid?.() === 0 ? [undefined, 54_324] : [undefined]
  test.for(users)('gets an environment made from nothing, as user %s', async (user) => {
    process.env['MILLRACE_TEST_SECRET'] = 'secret'
    const instance = await start(
      { kind: 'node', handler: 'main:handler' },
      { 'main.mjs': 'console.log(JSON.stringify(process.env)); process.exit(0)' },
      { GREETING: 'hi  "there"\n', HOME: 'elsewhere' },
      user,
    )
    delete process.env['MILLRACE_TEST_SECRET']
    await instance.exited
    const home = join(dir, 'homes', instance.key)
    expect(JSON.parse(await firstLine(instance))).toEqual({
      GREETING: 'hi  "there"\n',
      HANDLER: 'main:handler',
      HOME: home,
      HOST: '127.0.0.1',
      LANG: 'C.UTF-8',
      MILLRACE_INSTANCE: expect.stringMatching(`^${instance.key}@`),
      PATH: process.env['PATH'],
      PORT: new URL(instance.url).port,
      PYTHONUNBUFFERED: '1',
      TMPDIR: join(home, 'tmp'),
    })
  })

  test('has neither a file of the agent open nor an input', async () => {
    const instance = await start(
      'test -e /dev/fd/3 && echo open || echo closed; read -r _ || echo end',
    )
    await instance.exited
    expect(texts((await readAll(instance)).lines)).toEqual(['closed', 'end'])
  })

  test('nor one that was open where its server was started', async () => {
    const dir = mkdtempSync(join(root, 'inherits-'))
    const store = join(dir, 'stored')
    const archive = join(dir, 'source.tgz')
    const bytes = await tarGz({ 'main.txt': '' })
    writeFileSync(archive, bytes)
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const opens = 'import os, sys; os.dup2(0, 200); os.execv(sys.argv[1], sys.argv[1:])'
    const script = new URL('../../fixtures/runtime/server.ts', import.meta.url).pathname
    const command = 'test -e /dev/fd/200 && echo open || echo closed'
    const server = [process.execPath, '--import', 'tsx', script, dir, archive, sha256, store]
    const started = spawn('python3', ['-c', opens, ...server, command], { stdio: 'ignore' })
    await until(() => existsSync(store))
    started.kill('SIGKILL')
    expect(JSON.parse(readFileSync(store, 'utf8')).lines).toMatchObject([{ text: 'closed' }])
  })

  test('takes its children with it when it ends', async () => {
    const instance = await start('sleep 600 >/dev/null & echo $!')
    await instance.exited
    expect(isAlive(Number(await firstLine(instance)))).toBe(false)
  })

  test('gives what a shell runs the whole grace', async () => {
    const program = `trap 'sleep 0.2; echo saved; exit 0' TERM; echo up; while :; do sleep 0.05; done`
    const instance = await start(`(${program}); true`)
    expect(await firstLine(instance)).toBe('up')
    await instance.stop(20_000)
    expect(texts((await readAll(instance)).lines)).toContain('saved')
  })

  test('takes with it what has left its group, whether it ends, is stopped or is killed', async () => {
    const daemons = `
      setsid sleep 600 & echo $!
      setsid sh -c 'sleep 600 & echo $!; exit' &
      python3 -c '
import os
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        print(os.getpid(), flush=True)
        os.execlp("sleep", "sleep", "600")
'`
    const endings: ((instance: RunningInstance) => unknown)[] = [
      () => {},
      (instance) => instance.stop(20_000),
      (instance) => process.kill(instance.pid ?? 0, 'SIGKILL'),
    ]
    const ending = async (index: number, end: (instance: RunningInstance) => unknown) => {
      const instance = await start(`${daemons}\nsleep 0.1; ${index === 0 ? '' : 'exec sleep 600'}`)
      const pids: number[] = []
      for await (const { lines } of instance.output('', new AbortController().signal)) {
        pids.push(...texts(lines).map(Number))
        if (pids.length === 3) break
      }
      await end(instance)
      await instance.exited
      return pids.filter((pid) => isAlive(pid))
    }
    const left = await Promise.all(endings.map((end, index) => ending(index, end)))
    expect(left).toEqual([[], [], []])
  })

  test('takes with it what has cleared its environment too, as far as it can be known', async () => {
    const isRoot = process.getuid?.() === 0
    // without a user of its own: as long as whoever started it is there
    const daemon = isRoot
      ? `sh -c 'env -i /usr/bin/setsid /bin/sleep 600 & echo $!'`
      : `env -i /usr/bin/setsid /bin/sleep 600 & echo $!`
    const instance = await start(
      `${daemon}\nexec sleep 600`,
      undefined,
      {},
      isRoot ? 54_321 : undefined,
    )
    const pid = Number(await firstLine(instance))
    expect(isAlive(pid)).toBe(true)
    await instance.stop(20_000)
    expect(isAlive(pid)).toBe(false)
  })

  test('takes with it what starts itself anew again and again', async () => {
    const isRoot = process.getuid?.() === 0
    const user = isRoot ? 54_323 : undefined
    // without a user of its own it is known by its program's group
    const again = `sleep 0.002\n${isRoot ? 'setsid ' : ''}/bin/sh again.sh &`
    const program = 'env -i PATH="$PATH" /bin/sh again.sh; echo up; exec sleep 600'
    const instance = await start(program, { 'again.sh': again }, {}, user)
    expect(await firstLine(instance)).toBe('up')
    await instance.stop(0)
    expect(runningOf(user ?? -(instance.pid ?? 0))).toEqual([])
  })

  test('ends although it is traced', async () => {
    const trace = [
      'import ctypes, os, signal, time',
      'signal.signal(signal.SIGTERM, signal.SIG_IGN)',
      'of = os.getppid()',
      'os.setsid()',
      'ctypes.CDLL(None).ptrace(0x4206, of, 0, 0)', // PTRACE_SEIZE: its end is told to the tracer first
      "print('traced', flush=True)",
      'time.sleep(600)',
    ]
    const instance = await start('python3 trace.py & exec sleep 600', {
      'trace.py': trace.join('\n'),
    })
    expect(await firstLine(instance)).toBe('traced')
    expect((await instance.stop(0)).signal).toMatch(/^SIG(TERM|KILL)$/)
  })

  test.runIf(process.getuid?.() === 0)('holds up nobody by stopping all of its user', async () => {
    const user = 54_324
    const stops = 'for (;;) try { process.kill(-1, "SIGSTOP") } catch {}'
    const instance = await start(
      `'${process.execPath}' -e '${stops}' & echo up; exec sleep 600`,
      undefined,
      {},
      user,
    )
    expect(await firstLine(instance)).toBe('up')
    const others = await Promise.all(
      Array.from({ length: 20 }, () => start('exec sleep 600', undefined, {}, user)),
    )
    await Promise.all([instance, ...others].map((one) => one.stop(0)))
    expect(runningOf(user)).toEqual([])
  })

  test('leaves other processes of its user that belong to another', async () => {
    const user = process.getuid?.() === 0 ? 54_322 : undefined
    const other = await start('setsid sleep 600 & echo $!; exec sleep 600', undefined, {}, user)
    const pid = Number(await firstLine(other))
    const instance = await start('exec sleep 600', undefined, {}, user)
    await instance.stop(0)
    expect(isAlive(pid)).toBe(true)
    expect(isAlive(other.pid)).toBe(true)
    await other.stop(0)
    expect(isAlive(pid)).toBe(false)
  })

  test('that returns again and again prints nothing by that', async () => {
    const instance = await start(
      `head -c 600000 /dev/zero | tr '\\0' '\\r'; printf 'a\\r\\r'; sleep 0.05; printf '\\r\\rb\\r\\n\\r\\n'; printf '\\rx'`,
    )
    await instance.exited
    expect(texts((await readAll(instance)).lines)).toEqual(['b', '', 'x'])
  })

  test('has ended although something that cannot be reached holds its output', async () => {
    const instance = await start(
      `sh -c 'env -i /usr/bin/setsid /bin/sleep 600 & echo $!'; sleep 0.2`,
    )
    const pid = Number(await firstLine(instance))
    expect(await instance.exited).toEqual({ code: 0, signal: null })
    expect((await readAll(instance)).lines).toHaveLength(1)
    expect(isAlive(pid)).toBe(true)
    process.kill(pid, 'SIGKILL')
  })

  test('waits in its write while 64 MiB are unread, and goes on when they are', async () => {
    const instance = await start(`exec python3 -c 'for n in range(800): print(n, "x" * 99_990)'`)
    const segments = (): string[] =>
      readdirSync(join(dir, 'instances', instance.key)).filter((name) => name.endsWith('.journal'))
    await until(() => segments().length === 17)
    let count = 0
    for await (const { lines, position } of instance.output('', new AbortController().signal)) {
      for (const { text } of lines) expect(Number.parseInt(text, 10)).toBe(count++)
      await instance.release(position)
    }
    expect(count).toBe(800)
    expect(segments()).toHaveLength(1)
  })

  test('loses nothing while its disk takes nothing', async () => {
    const instance = await start(
      `trap 'python3 -c "for n in range(80): print(n, chr(120) * 99_990)"; exit 0' TERM
      echo ready; while :; do sleep 0.05; done`,
    )
    await firstLine(instance)
    const inTheWay = join(dir, 'instances', instance.key, '2.journal')
    mkdirSync(inTheWay)
    const warned = warnings.length
    const stopped = instance.stop(20_000)
    await until(() => warnings.length > warned)
    rmSync(inTheWay, { recursive: true })
    await stopped
    const { lines } = await readAll(instance)
    const numbers = lines.map(({ text }) => Number.parseInt(text, 10))
    expect(numbers.filter((number) => !Number.isNaN(number))).toEqual(
      Array.from({ length: 80 }, (_, index) => index),
    )
  })

  // contract abeja 4.2
  test('works in the folder that holds a folder .abeja', async () => {
    const instance = await start('pwd', { 'deep/down/.abeja/x': '', 'deep/down/main.py': '' })
    await instance.exited
    expect(await firstLine(instance)).toMatch(/\/deep\/down$/)
  })

  test('that cannot load its handler says why and exits with 1', async () => {
    for (const [kind, file] of [
      ['python', 'main.py'],
      ['node', 'main.mjs'],
    ] as const) {
      const instance = await start({ kind, handler: 'main:nothing' }, { [file]: '' })
      expect(await instance.exited).toEqual({ code: 1, signal: null })
      expect(texts((await readAll(instance)).lines).join('\n')).toMatch(/nothing/)
    }
  })

  test('gives room on disk back behind a position', async () => {
    const line = 'x'.repeat(99_999)
    const instance = await start(`for i in $(seq 200); do echo ${line}; done; echo end`)
    await instance.exited
    const { lines, position } = await readAll(instance)
    expect(lines).toHaveLength(201)
    await instance.release(position)
    expect((await readAll(instance, position)).lines).toEqual([])
    const kept = readdirSync(join(dir, 'instances', instance.key)).filter((name) =>
      name.endsWith('.journal'),
    )
    expect(kept).toHaveLength(1)
    await instance.discard()
    expect(existsSync(join(dir, 'instances', instance.key))).toBe(false)
  })

  test('is refused with a sentence when its language is not there', async () => {
    const other = processRuntime({ dir: join(root, 'other'), python: 'no-such-python', log })
    const started = other.start({
      key: 'a',
      source: await sourceOf({ 'main.py': '' }),
      program: { kind: 'python', handler: 'main:handler' },
      user: undefined,
      size: 'cpu-1',
      environment: {},
    })
    await expect(started).rejects.toThrow(StartFailed)
    await expect(started).rejects.toThrow('"no-such-python"')
    await expect(start('true', { a: '' }, { 'not-a-name': 'x' })).rejects.toThrow('"not-a-name"')
  })

  test('is refused with a sentence when the operating system does not start it', async () => {
    const big = start('true', { a: '' }, { BIG: 'x'.repeat(200_000) })
    await expect(big).rejects.toThrow(StartFailed)
    await expect(big).rejects.toThrow('longer than the operating system takes')
    expect(await (await start('exit 3')).exited).toEqual({ code: 3, signal: null })
  })
})

async function firstLine(instance: RunningInstance): Promise<string> {
  for await (const { lines } of instance.output('', new AbortController().signal))
    return lines[0]?.text ?? ''
  return ''
}

/** The processes of a user, or, below zero, of a group. */
function runningOf(whose: number): string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid) || !isAlive(Number(pid))) return false
    const [stat, status] = ['stat', 'status'].map((name) => textOf(`/proc/${pid}/${name}`))
    return whose > 0
      ? status?.includes(`\nUid:\t${whose}\t`)
      : stat?.slice(stat.lastIndexOf(')')).split(' ')[3] === String(-whose)
  })
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // it has ended
  }
}
