import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { processRuntime } from '../../../src/ports/runtime/process/process.ts'
import type {
  OutputBatch,
  OutputSource,
  RunningInstance,
  Runtime,
} from '../../../src/ports/runtime/runtime.ts'
import { sourceOf, tarGz } from '../../../testkit/archive.ts'
import { isAlive } from '../../../testkit/machine/alive.ts'
import { until } from '../../../testkit/until.ts'
import { readAll, texts } from './conformance.ts'

const root = mkdtempSync(join(tmpdir(), 'millrace-crash-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const log = { warn: () => {} }

const counting = readFileSync(new URL('../../fixtures/runtime/counting.py', import.meta.url))
const FLOOD = 300_000
/** What a pipe holds (pipe(7)). */
const PIPE_BYTES = 64 * 1024

/** The line of a number, as fixtures/runtime/counting.py prints it. */
const lineOf = (number: number): string => `${String(number).padStart(6, '0')} ${'x'.repeat(100)}`
const flood = (count: string): string => `exec python3 main.py ${count} ${FLOOD}`
/** How many of its lines `write` has accepted. */
const accepted = (count: string): number => {
  const bytes = existsSync(count) ? readFileSync(count) : Buffer.alloc(0)
  return bytes.length < 8 ? 0 : Number(bytes.readBigInt64LE()) // it was being made
}

/** Fails unless these are the first lines, all that were accepted among them, each once. */
function expectAll(lines: readonly string[], count: string): void {
  expect(lines.findIndex((line, index) => line !== lineOf(index + 1))).toBe(-1)
  // it may be killed behind a `write` that it has not counted
  expect(lines.length - accepted(count)).toBeOneOf([0, 1])
}

const agentOf = (dir: string): number =>
  JSON.parse(readFileSync(join(dir, 'agent.json'), 'utf8')).pid

const COUNTING = 'i=0; while :; do i=$((i+1)); echo $i; [ $((i % 50)) = 0 ] && sleep 0.01; done'

describe('after kill -9 of the server', () => {
  let dir: string
  let server: ChildProcess
  beforeEach(() => {
    dir = mkdtempSync(join(root, 'data-'))
  })
  afterEach(() => server.kill('SIGKILL'))

  async function serve(command: string): Promise<() => readonly (OutputBatch & { pid: number })[]> {
    const bytes = await tarGz({ 'main.py': counting })
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const archive = join(dir, 'source.tgz')
    const store = join(dir, 'stored')
    writeFileSync(archive, bytes)
    writeFileSync(store, '')
    const script = new URL('../../fixtures/runtime/server.ts', import.meta.url).pathname
    server = spawn(
      process.execPath,
      ['--import', 'tsx', script, dir, archive, sha256, store, command],
      { stdio: ['ignore', 'inherit', 'inherit'] },
    )
    return () =>
      readFileSync(store, 'utf8')
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line))
  }
  const kill = async (): Promise<void> => {
    server.kill('SIGKILL')
    await until(() => server.signalCode !== null)
  }

  test('its processes end by themselves, and not one line is lost or repeated', async () => {
    const stored = await serve(COUNTING)
    await until(() => stored().length >= 3)
    await kill()
    const before = stored()
    await until(() => !isAlive(before[0]?.pid))

    const runtime = processRuntime({ dir, log })
    const [leftover] = await runtime.leftovers()
    if (!leftover) throw new Error('There is no leftover.')
    expect(leftover.key).toBe('left.0')
    const rest = await readAll(leftover, before.at(-1)?.position)
    const lines = [...before.flatMap((batch) => texts(batch.lines)), ...texts(rest.lines)]
    expect(lines).toEqual(lines.map((_, index) => String(index + 1)))
    expect(lines.length).toBeGreaterThanOrEqual(before.flatMap((batch) => batch.lines).length)

    await leftover.discard()
    expect(await runtime.leftovers()).toEqual([])
    await runtime.close()
  })

  test('what a flood had written is there to the last byte, once', async () => {
    const count = join(dir, 'count')
    const stored = await serve(flood(count))
    await until(() => stored().length >= 20)
    await kill()
    const before = stored()

    const runtime = processRuntime({ dir, log })
    const [leftover] = await runtime.leftovers()
    if (!leftover) throw new Error('There is no leftover.')
    expect(isAlive(before[0]?.pid)).toBe(false)
    const rest = await readAll(leftover, before.at(-1)?.position)
    const lines = [...before.flatMap((batch) => texts(batch.lines)), ...texts(rest.lines)]
    expect(lines.length).toBeLessThan(FLOOD)
    expectAll(lines, count)
    await runtime.close()
  })

  test('and of its agent, its processes are ended by the next server, children included', async () => {
    const stored = await serve(`sleep 600 & echo $!; exec sleep 600`)
    await until(() => stored().length >= 1)
    const [first] = stored()
    const child = Number(first?.lines[0]?.text)
    server.kill('SIGSTOP') // so that it does not end them itself
    process.kill(agentOf(dir), 'SIGKILL')
    await kill()
    expect(isAlive(first?.pid)).toBe(true)

    const runtime = processRuntime({ dir, log })
    expect(await runtime.leftovers()).toHaveLength(1)
    expect(isAlive(first?.pid)).toBe(false)
    expect(isAlive(child)).toBe(false)
    await runtime.close()
  })

  test('that had no agent yet, its processes are ended and its output is read on', async () => {
    const folder = join(dir, 'instances/old.0')
    mkdirSync(folder, { recursive: true })
    server = spawn('sh', ['-c', 'sleep 600 & exec sleep 600'], { detached: true, stdio: 'ignore' })
    await once(server, 'spawn')
    const stat = readFileSync(`/proc/${server.pid}/stat`, 'utf8')
    writeFileSync(join(folder, 'pid'), `${server.pid}\n${stat}\n`)
    writeFileSync(join(folder, 'watcher'), '1\n')
    const numbers = Array.from({ length: 2_000 }, (_, index) => `${index + 1}`)
    writeFileSync(join(folder, 'stdout'), numbers.join('\n'))
    writeFileSync(join(folder, 'stderr'), 'known\nnew\r\n')

    const runtime = processRuntime({ dir, log })
    const [leftover] = await runtime.leftovers()
    if (!leftover) throw new Error('There is no leftover.')
    await until(() => server.signalCode === 'SIGKILL')
    const { lines, position } = await readAll(leftover, '4.6') // behind "1", "2" and "known"
    const of = (source: OutputSource): string[] =>
      texts(lines.filter((line) => line.source === source))
    expect(of('STDOUT')).toEqual(numbers.slice(2))
    expect(of('STDERR')).toEqual(['new'])
    expect((await readAll(leftover, position)).lines).toEqual([])
    await leftover.discard()
    expect(await runtime.leftovers()).toEqual([])
    await runtime.close()
  })

  test('a stranger that has the id of an ended process is left alone', async () => {
    server = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' })
    const folder = join(dir, 'instances/old.0')
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'program.json'), JSON.stringify({ pid: server.pid, start: 1 }))

    const runtime = processRuntime({ dir, log })
    const [leftover] = await runtime.leftovers()
    expect(leftover && (await readAll(leftover)).lines).toEqual([])
    expect(isAlive(server.pid)).toBe(true)
    await runtime.close()
  })
})

describe('a flood of output', () => {
  let dir: string
  let count: string
  let runtime: Runtime
  beforeEach(() => {
    dir = mkdtempSync(join(root, 'data-'))
    count = join(dir, 'count')
    runtime = processRuntime({ dir, log })
  })
  afterEach(() => runtime.close())

  const start = async (): Promise<RunningInstance> =>
    runtime.start({
      key: 'flood.0',
      source: await sourceOf({ 'main.py': counting }),
      program: { kind: 'command', command: flood(count) },
      user: undefined,
      size: 'cpu-1',
      environment: {},
    })
  const underWay = (): Promise<void> => until(() => accepted(count) > FLOOD / 10)

  test('is kept to its end, in order, each line once', async () => {
    const instance = await start()
    const { lines } = await readAll(instance)
    expect(await instance.exited).toEqual({ code: 0, signal: null })
    expect(lines).toHaveLength(FLOOD)
    expectAll(texts(lines), count)
  })

  const endings = [
    ['kill -9 of the program', (one: RunningInstance) => process.kill(one.pid ?? 0, 'SIGKILL')],
    ['kill -9 of its group', (one: RunningInstance) => process.kill(-(one.pid ?? 0), 'SIGKILL')],
    ['a stop without grace', (one: RunningInstance) => void one.stop(0)],
  ] as const
  for (const [what, end] of endings)
    test(`is kept to the last byte that was accepted after ${what}`, async () => {
      const instance = await start()
      const reading = readAll(instance)
      await underWay()
      end(instance)
      expect((await instance.exited).signal).toMatch(/SIG(KILL|TERM)/)
      expectAll(texts((await reading).lines), count)
      expect(accepted(count)).toBeLessThan(FLOOD)
    })

  test('misses no more than what was in the pipe after kill -9 of the agent, and the next start has another', async () => {
    const instance = await start()
    const reading = readAll(instance)
    await underWay()
    process.kill(agentOf(dir), 'SIGKILL')
    expect(await instance.exited).toEqual({ code: null, signal: 'SIGKILL' })
    expect(isAlive(instance.pid)).toBe(false)
    const lines = texts((await reading).lines)
    expect(lines.slice(0, -1)).toEqual(lines.slice(0, -1).map((_, index) => lineOf(index + 1)))
    expect(accepted(count) - lines.length).toBeLessThanOrEqual(PIPE_BYTES / lineOf(1).length + 1)

    await instance.discard()
    const next = await start()
    expect((await readAll(next)).lines).toHaveLength(FLOOD)
  })
})
