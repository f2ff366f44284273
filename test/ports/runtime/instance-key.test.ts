import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../../../src/ports/runtime/process/port.ts'
import { processRuntime } from '../../../src/ports/runtime/process/process.ts'
import type { RunningInstance } from '../../../src/ports/runtime/runtime.ts'
import { sourceOf } from '../../../testkit/archive.ts'
import { until } from '../../../testkit/until.ts'

const KEY = 'millrace-instance-key'
const REFUSAL = { status: 'the instance answers its server only' }

/** Both tell what they see: of a request, and of the environment when they were loaded, their children's included. */
const files = {
  'main.mjs': `
    import { execFileSync } from 'node:child_process'
    const child = execFileSync('env').toString()
    const loaded = JSON.stringify(process.env) + child
    let calls = 0
    export const handler = async (request) => Response.json({
      calls: ++calls, loaded, headers: [...request.headers], body: await request.text() })`,
  'main.py': `
import json, os, subprocess
loaded = json.dumps(dict(os.environ)) + subprocess.check_output('env').decode()
calls = 0
def handler(request, context):
    global calls
    calls += 1
    headers = [[header['key'], header['values'][0]] for header in request['headers']]
    return {'content': {'calls': calls, 'loaded': loaded, 'headers': headers, 'body': request.read().decode()}}
`,
}

const get = (more = ''): string => `GET / HTTP/1.1\r\nHost: x\r\n${more}\r\n`

const dir = mkdtempSync(join(tmpdir(), 'millrace-key-'))
const runtime = processRuntime({ dir, log: { warn: () => {} } })
afterAll(async () => {
  await runtime.close()
  rmSync(dir, { recursive: true, force: true })
})

const start = async (
  kind: 'node' | 'python',
  key: string,
  environment = {},
): Promise<RunningInstance> => {
  const instance = await runtime.start({
    key,
    source: await sourceOf(files),
    program: { kind, handler: 'main:handler' },
    user: undefined,
    size: 'cpu-1',
    environment,
  })
  await until(() => instance.check(new AbortController().signal))
  return instance
}

describe.each(['node', 'python'] as const)('a handler (%s)', (kind) => {
  let instance: RunningInstance
  let key: string
  beforeAll(async () => {
    instance = await start(kind, kind, { MILLRACE_INSTANCE_KEY: 'what the service says' })
    key = instance.headers[KEY] ?? ''
  })
  const ask = (init?: RequestInit) => fetch(instance.url, init)
  const seen = async () => (await ask({ headers: instance.headers })).json()

  test('answers whoever has its key, which it neither sees nor hands on', async () => {
    const answer = await ask({ method: 'POST', headers: instance.headers, body: 'hello' })
    expect(answer.status).toBe(200)
    const { loaded, headers, body } = await answer.json()
    expect(body).toBe('hello')
    expect(headers.map(([name]: [string]) => name)).not.toContain(KEY)
    expect(loaded).not.toContain('MILLRACE_INSTANCE_KEY')
    expect(loaded).not.toContain(key)
  })

  test('answers nobody else, whatever they send, and is not told of them', async () => {
    const { calls } = await seen()
    for (const wrong of ['', 'x', key.slice(0, -1), `${key}x`, `${key}, ${key}`, 'é'.repeat(43)])
      for (const init of [{}, { method: 'POST', body: 'x' }, { method: 'OPTIONS' }]) {
        const answer = await ask({ ...init, headers: { [KEY]: wrong } })
        expect([wrong, answer.status]).toEqual([wrong, 403])
        expect(answer.headers.get('content-type')).toBe('application/json')
        expect(await answer.json()).toEqual(REFUSAL)
      }
    expect((await ask()).status).toBe(403)
    expect((await seen()).calls).toBe(calls + 1)
  })

  test('reads nothing of a body that it refuses, and closes the connection', async () => {
    const socket = connect(Number(new URL(instance.url).port), '127.0.0.1')
    socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\nthe beginning')
    const answer = await text(socket)
    expect(answer).toMatch(/^HTTP\/1\.1 403 /)
    expect(answer).toMatch(/\r\nconnection: close\r\n/i)
    expect(JSON.parse(answer.split('\r\n\r\n')[1] ?? '')).toEqual(REFUSAL)
  })

  test('answers only one, of several requests on a connection, when that one is refused', async () => {
    const socket = connect(Number(new URL(instance.url).port), '127.0.0.1')
    socket.write(get() + get(`${KEY}: ${key}\r\n`))
    expect((await text(socket)).match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 403'])
  })

  test('has another key with every start', async () => {
    const other = await start(kind, `${kind}-2`)
    expect(other.headers[KEY]).toMatch(/^[\w-]{43}$/)
    expect(other.headers[KEY]).not.toBe(key)
    expect((await fetch(other.url, { headers: instance.headers })).status).toBe(403)
    await other.stop(0)
  })
})

test('a command has no key', async () => {
  const instance = await runtime.start({
    key: 'command',
    source: await sourceOf(files),
    program: { kind: 'command', command: 'env | grep -c MILLRACE_INSTANCE_KEY' },
    user: undefined,
    size: 'cpu-1',
    environment: {},
  })
  expect(instance.headers).toEqual({})
  expect(await instance.exited).toEqual({ code: 1, signal: null })
})

test('a handler that is started by hand answers everybody', async () => {
  const folder = join(dir, 'by-hand')
  const root = fileURLToPath(new URL('../../../', import.meta.url))
  mkdirSync(folder)
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content)
  for (const [program, shim] of [
    [process.execPath, 'src/ports/runtime/shared/node-handler.js'],
    ['python3', 'python/millrace_handler.py'],
  ] as const) {
    const port = await freePort(new Set())
    const env = { PATH: process.env.PATH, PORT: String(port), MILLRACE_INSTANCE_KEY: '' }
    const child: ChildProcess = spawn(program, [join(root, shim)], { cwd: folder, env })
    const ask = () => fetch(`http://127.0.0.1:${port}`, { headers: { [KEY]: 'any' } })
    try {
      await until(() =>
        ask().then(
          () => true,
          () => false,
        ),
      )
      const answer = await ask()
      expect(answer.status).toBe(200)
      expect(JSON.stringify(await answer.json())).not.toContain(KEY)
    } finally {
      child.kill('SIGKILL')
    }
  }
})
