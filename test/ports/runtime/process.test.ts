import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { processRuntime } from '../../../src/ports/runtime/process.ts'
import {
  type Program,
  type RunningInstance,
  type Runtime,
  StartFailed,
} from '../../../src/ports/runtime/runtime.ts'
import { isAlive } from '../../support/alive.ts'
import { sourceOf } from '../../support/archive.ts'
import { conformsToRuntime, readAll, texts } from './conformance.ts'

const root = mkdtempSync(join(tmpdir(), 'millrace-runtime-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const log = { warn: () => {} }

conformsToRuntime('process', () =>
  Promise.resolve(processRuntime({ dir: mkdtempSync(join(root, 'data-')), log })),
)

describe('a process', () => {
  const dir = mkdtempSync(join(root, 'data-'))
  let runtime: Runtime
  beforeAll(() => {
    runtime = processRuntime({ dir, log })
  })
  afterAll(() => runtime.close())

  let count = 0
  async function start(
    program: Program | string,
    files: Readonly<Record<string, string>> = { 'main.txt': '' },
    environment: Readonly<Record<string, string>> = {},
  ): Promise<RunningInstance> {
    return runtime.start({
      key: `test.${count++}`,
      source: await sourceOf(files),
      program: typeof program === 'string' ? { kind: 'command', command: program } : program,
      user: undefined,
      size: 'cpu-1',
      environment,
    })
  }

  test('gets an environment made from nothing', async () => {
    process.env['MILLRACE_TEST_SECRET'] = 'secret'
    const instance = await start(
      { kind: 'node', handler: 'main:handler' },
      { 'main.mjs': 'console.log(JSON.stringify(process.env)); process.exit(0)' },
      { GREETING: 'hi  "there"\n', HOME: 'elsewhere' },
    )
    delete process.env['MILLRACE_TEST_SECRET']
    await instance.exited
    const home = join(dir, 'instances', instance.key)
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
})

async function firstLine(instance: RunningInstance): Promise<string> {
  for await (const { lines } of instance.output('', new AbortController().signal))
    return lines[0]?.text ?? ''
  return ''
}
