import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll } from 'vitest'
import { processRuntime } from '../../../src/ports/runtime/process/process.ts'
import type { Program, RunningInstance } from '../../../src/ports/runtime/runtime.ts'
import { sourceOf } from '../../../testkit/archive.ts'
import { until } from '../../../testkit/until.ts'
import { readAll, texts } from './conformance.ts'

type Asking = Omit<RequestInit, 'headers'> & { headers?: Record<string, string> }

/**
 * Whether handlers of Python find these libraries: in `.venv`, made as test/rest/abeja/sdk.test.ts says. Tests that want
 * some are skipped without them.
 */
export function hasLibraries(...names: readonly string[]): boolean {
  const python = fileURLToPath(new URL('../../../.venv/bin/python', import.meta.url))
  const script =
    'import sys; from importlib.util import find_spec; sys.exit(not all(map(find_spec, sys.argv[1:])))'
  try {
    execFileSync(python, ['-c', script, ...names], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** One instance of a handler among the fixtures, for a whole file of tests. */
export function handlerUnderTest(program: Program, file: string) {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-handler-'))
  const runtime = processRuntime({ dir, log: { warn: () => {} } })
  let instance: RunningInstance
  let count = 0
  const printed = new Map<string, string[]>()

  async function start(): Promise<RunningInstance> {
    const body = readFileSync(new URL(`../../fixtures/handlers/${file}`, import.meta.url))
    const source = await sourceOf({ [file]: body })
    const started = await runtime.start({
      key: `${count++}`,
      source,
      program,
      user: undefined,
      size: 'cpu-1',
      environment: {},
    })
    void collect(started)
    await until(() => started.check(new AbortController().signal))
    return started
  }
  async function collect(of: RunningInstance): Promise<void> {
    const lines: string[] = []
    printed.set(of.key, lines)
    for await (const batch of of.output('', new AbortController().signal))
      lines.push(...texts(batch.lines))
  }
  beforeAll(async () => {
    instance = await start()
  })
  afterAll(async () => {
    await runtime.close()
    rmSync(dir, { recursive: true, force: true })
  })

  /** What a request carries: how the fixture is to answer, and the key. */
  const asking = (mode: string, more: Record<string, string> = {}, of = instance) => ({
    'x-mode': mode,
    ...of.headers,
    ...more,
  })

  return {
    start,
    url: () => instance.url,
    asking,
    call: (mode: string, { headers = {}, ...init }: Asking = {}, path = '') =>
      fetch(instance.url + path, { ...init, headers: asking(mode, headers) }),
    /** What it is known to have printed until now; the last of it comes a moment later. */
    printed: (of = instance): readonly string[] => printed.get(of.key) ?? [],
    printedAtEnd: async (of: RunningInstance) => texts((await readAll(of)).lines),
  }
}
