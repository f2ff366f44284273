import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { processRuntime } from '../../../src/ports/runtime/process.ts'
import type { Program, RunningInstance } from '../../../src/ports/runtime/runtime.ts'
import { sourceOf } from '../../support/archive.ts'
import { until } from '../../support/until.ts'
import { readAll, texts } from './conformance.ts'

type Asking = Omit<RequestInit, 'headers'> & { headers?: Record<string, string> }

/** One instance of a handler among the fixtures, for a whole file of tests. */
export function handlerUnderTest(program: Program, file: string) {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-handler-'))
  const runtime = processRuntime({ dir, log: { warn: () => {} } })
  let instance: RunningInstance
  let count = 0

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
    await until(() => started.check(new AbortController().signal))
    return started
  }
  beforeAll(async () => {
    instance = await start()
  })
  afterAll(async () => {
    await runtime.close()
    rmSync(dir, { recursive: true, force: true })
  })

  return {
    start,
    url: () => instance.url,
    call: (mode: string, { headers = {}, ...init }: Asking = {}, path = '') =>
      fetch(instance.url + path, { ...init, headers: { 'x-mode': mode, ...headers } }),
    /** What it has printed until now. */
    printed: (of = instance): string[] => {
      const file = (name: string): string =>
        readFileSync(join(dir, 'instances', of.key, name), 'utf8')
      return `${file('stdout')}${file('stderr')}`.split('\n')
    },
    printedAtEnd: async (of: RunningInstance) => texts((await readAll(of)).lines),
  }
}
