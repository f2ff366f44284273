import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { processRuntime } from '../../../src/ports/runtime/process/process.ts'
import type { Program, RunningInstance } from '../../../src/ports/runtime/runtime.ts'
import { sourceOf } from '../../../testkit/archive.ts'
import { until } from '../../../testkit/until.ts'

const dir = mkdtempSync(join(tmpdir(), 'millrace-examples-'))
const runtime = processRuntime({ dir, log: { warn: () => {} } })
afterAll(async () => {
  await runtime.close()
  rmSync(dir, { recursive: true, force: true })
})

const examples = new URL('../../../examples/', import.meta.url)
const picture = readFileSync(new URL('image-stats/picture.png', examples))

async function run(name: string, kind: Exclude<Program['kind'], 'command'>) {
  const folder = new URL(`${name}/`, examples)
  const files = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile())
  const source = await sourceOf(
    Object.fromEntries(files.map((file) => [file.name, readFileSync(new URL(file.name, folder))])),
  )
  const program = { kind, handler: 'main:handler' }
  const instance: RunningInstance = await runtime.start({
    key: name,
    source,
    program,
    user: undefined,
    size: 'cpu-1',
    environment: {},
  })
  await until(() => instance.check(new AbortController().signal))
  return (body: NonNullable<RequestInit['body']>) =>
    fetch(instance.url, { method: 'POST', headers: instance.headers, body })
}

describe('the examples', () => {
  test('image-stats measures a picture whose rows use every filter, and refuses what is none', async () => {
    const ask = await run('image-stats', 'python')
    expect(await (await ask(picture)).json()).toEqual({
      width: 24,
      height: 16,
      mean: { red: 127.042, green: 127.5, blue: 123.896 },
    })
    for (const body of ['text', picture.subarray(0, -20), Buffer.from(picture).fill(0, 20, 30)]) {
      const answer = await ask(body)
      expect(answer.status).toBe(400)
      expect(await answer.json()).toEqual({ error: expect.stringContaining('PNG') })
    }
  })

  test('text-stats counts', async () => {
    const ask = await run('text-stats', 'node')
    const answer = await ask('one größe\ntwo  three\nlast')
    expect(await answer.json()).toEqual({ characters: 25, words: 5, lines: 3 })
    expect(await (await ask('')).json()).toEqual({ characters: 0, words: 0, lines: 0 })
  })
})
