import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { processRuntime } from '../../../src/ports/runtime/process.ts'
import type { OutputBatch } from '../../../src/ports/runtime/runtime.ts'
import { isAlive } from '../../support/alive.ts'
import { tarGz } from '../../support/archive.ts'
import { until } from '../../support/until.ts'
import { readAll, texts } from './conformance.ts'

const root = mkdtempSync(join(tmpdir(), 'millrace-crash-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const log = { warn: () => {} }

const COUNTING = 'i=0; while :; do i=$((i+1)); echo $i; [ $((i % 50)) = 0 ] && sleep 0.01; done'

describe('after kill -9 of the server', () => {
  let dir: string
  let server: ChildProcess
  beforeEach(() => {
    dir = mkdtempSync(join(root, 'data-'))
  })
  afterEach(() => server.kill('SIGKILL'))

  async function serve(command: string): Promise<() => readonly (OutputBatch & { pid: number })[]> {
    const bytes = await tarGz({ 'main.txt': 'nothing' })
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

  test('and of its agent, its processes are ended by the next server, children included', async () => {
    const stored = await serve(`sleep 600 & echo $!; exec sleep 600`)
    await until(() => stored().length >= 1)
    const [first] = stored()
    const child = Number(first?.lines[0]?.text)
    server.kill('SIGSTOP') // so that it does not end them itself
    process.kill(JSON.parse(readFileSync(join(dir, 'agent.json'), 'utf8')).pid, 'SIGKILL')
    await kill()
    expect(isAlive(first?.pid)).toBe(true)

    const runtime = processRuntime({ dir, log })
    expect(await runtime.leftovers()).toHaveLength(1)
    expect(isAlive(first?.pid)).toBe(false)
    expect(isAlive(child)).toBe(false)
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
