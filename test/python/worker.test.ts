import { readFile } from 'node:fs/promises'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { Client } from '../../testkit/client.ts'
import { testDatabase, type TestDatabase } from '../../testkit/database/database.ts'
import type { TestFolder } from '../../testkit/folder.ts'
import { awayAnswers, interposed } from '../../testkit/interposed.ts'
import { isAlive } from '../../testkit/machine/alive.ts'
import { olderProxy } from '../../testkit/older.ts'
import { Workers } from '../../testkit/operations/workers.ts'
import { cancel, read, seedQueue, submit } from '../../testkit/seed/jobs.ts'
import { TestServer } from '../../testkit/server.ts'
import { until } from '../../testkit/until.ts'
import { graphql } from '../../testkit/generated/index.ts'
import { forgetfulProxy } from './forgetful.ts'
import { hasOpenssl, tlsProxy } from './tls.ts'
import { gateIn, Python, startWorker, workshop } from './worker.ts'

vi.setConfig({ testTimeout: 60_000 })

const FUNCTIONS =
  'echo talk lines raise exit give-up wait deaf chatter nan object huge fork threads everywhere bar daemon nowhere'
    .split(' ')
    .map((name) => ({ name }))

let database: TestDatabase
let server: TestServer
let folder: TestFolder
let started: Python[] = []

beforeAll(async () => {
  database = await testDatabase()
  server = new TestServer(database)
  await server.start()
  folder = await workshop(server.url)
})
afterEach(async () => {
  await Promise.all(started.map((one) => one.destroy()))
  started = []
})
afterAll(async () => {
  await server.end('SIGTERM')
  await folder.remove()
  await database.drop()
})

const LastLines = graphql(`
  query PythonLastLines($id: ID!) {
    job(id: $id) {
      logs(last: 2) {
        nodes {
          number
          text
        }
      }
    }
  }
`)

const queue = () =>
  seedQueue(server.admin, [
    ...FUNCTIONS,
    { name: 'numbers', resultSchema: { properties: { big: { type: 'integer' } } } },
    { name: 'strict', resultSchema: { type: 'object', required: ['y'] } },
  ])
function work(service: string, options?: Record<string, string | number>): Python {
  const one = startWorker(folder, server.admin, service, options)
  started.push(one)
  return one
}
const call = async (
  service: string,
  name: string,
  parameters: unknown = {},
  more: { maxAttempts?: number } = {},
) => (await submit(server.admin, service, { function: name, parameters, ...more })).id
const look = (id: string) => read(server.admin, id)
/** The job once it has this status. */
async function becomes(id: string, status: string) {
  await until(async () => (await look(id)).status === status, { timeoutMs: 30_000 })
  return look(id)
}
const logOf = async (id: string) => (await look(id)).logs.nodes.map(({ text }) => text)
const says = (id: string, line: string) =>
  until(async () => (await logOf(id)).includes(line), { timeoutMs: 30_000 })

test('the server serves the worker to everybody, once for every version', async () => {
  const response = await fetch(`${server.url}/millrace.py`)
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toMatch(/^text\/x-python/)
  const etag = response.headers.get('etag') ?? ''
  const again = await fetch(`${server.url}/millrace.py`, { headers: { 'if-none-match': etag } })
  expect(again.status).toBe(304)
  const python = new Python(folder, ['-c', 'import millrace; print(millrace.__doc__)'])
  expect(await python.end()).toBe(0)
  expect(python.output).toContain("@worker('train')")
})

test('a job is worked on, and its progress and log are seen while it is', async () => {
  const service = await queue()
  const gate = gateIn(folder)
  const echoed = await call(service, 'echo', { b: 1, a: [null, 'ü'] })
  const talking = await call(service, 'talk', { gate: gate.path })
  work(service)
  expect(await becomes(echoed, 'SUCCEEDED')).toMatchObject({
    result: { function: 'echo', parameters: { b: 1, a: [null, 'ü'] }, attempt: 1 },
  })
  await says(talking, 'in two lines')
  const progress = async () =>
    (await look(talking)).events.nodes.filter(({ kind }) => kind === 'PROGRESS')
  await until(async () => (await progress()).length > 0)
  expect((await look(talking)).status).toBe('RUNNING')
  await gate.open()
  expect(await becomes(talking, 'SUCCEEDED')).toMatchObject({ result: 'said' })
  expect(await logOf(talking)).toEqual([
    'from print',
    'from stderr',
    'INFO tasks: from logging',
    'from log',
    'in two lines',
    'one\u000bline\u2028of the log',
    'without an end ?',
  ])
  const told = (await progress()).map(({ changes }) => changes.map(({ to }) => to))
  expect(told[0]).toEqual([0.25, 'a quarter'])
  expect(told.at(-1)).toEqual([1, 'all of it'])
})

test('a log longer than the worker keeps arrives whole and in order', async () => {
  const service = await queue()
  const count = 25_000
  const id = await call(service, 'lines', { count, size: 100 })
  work(service)
  await becomes(id, 'SUCCEEDED')
  const { job } = await server.admin.request(LastLines, { id })
  expect(job?.logs.nodes.map(({ number, text }) => [number, text.split(' ')[0]])).toEqual([
    [count - 1, String(count - 2)],
    [count, String(count - 1)],
  ])
})

test('threads and forks of a function are its own: the log has the lines, a fork obeys signals', async () => {
  const service = await queue()
  const forking = await call(service, 'fork')
  const threading = await call(service, 'threads')
  work(service)
  expect((await becomes(forking, 'SUCCEEDED')).result).toBe(-15)
  expect(await logOf(forking)).toEqual(['before the fork'])
  await becomes(threading, 'SUCCEEDED')
  expect(await logOf(threading)).toEqual(['from a thread'])
})

test('what children, C code and descriptors print is in the log too, in its order', async () => {
  const service = await queue()
  const id = await call(service, 'everywhere')
  const worker = work(service)
  expect((await becomes(id, 'SUCCEEDED')).result).toBe('captured\n')
  expect(await logOf(id)).toEqual([
    'print',
    'child',
    'again',
    'print',
    'descriptor',
    'bytes ü',
    'C',
    'log',
    'fork',
    'INFO tasks: logging',
    'without an end',
  ])
  expect(await worker.end('SIGTERM')).toBe(0)
  expect(worker.output.split('\n').filter((line) => !line.startsWith('millrace: '))).toEqual([''])
})

test('what is printed while several jobs run and nobody can tell whose it is goes to the terminal', async () => {
  const service = await queue()
  const gate = gateIn(folder)
  const waiting = await call(service, 'wait', { gate: gate.path })
  const worker = work(service, { concurrency: 2 })
  await says(waiting, 'waiting 1')
  await becomes(await call(service, 'everywhere'), 'SUCCEEDED')
  await until(() => worker.output.includes('child\n'))
  await gate.open()
  await becomes(waiting, 'SUCCEEDED')
  expect(await logOf(waiting)).toEqual(['waiting 1'])
})

test('a line that is drawn over itself is seen as it moves, also by a server that knows no such lines', async () => {
  const service = await queue()
  const proxy = await olderProxy(server.url)
  const gates = [gateIn(folder), gateIn(folder)] as const
  const id = await call(service, 'bar', { gate: gates[0].path })
  const worker = work(service)
  await says(id, '20%')
  expect((await look(id)).logs.nodes.at(-1)?.isUnfinished).toBe(true)
  await gates[0].open()
  await becomes(id, 'SUCCEEDED')
  await worker.end('SIGTERM')
  const older = await call(service, 'bar', { gate: gates[1].path })
  const there = new Client(proxy.url, server.admin.token)
  started.push(startWorker(folder, there, service))
  await until(() => proxy.refused > 0)
  await gates[1].open()
  await becomes(older, 'SUCCEEDED')
  const all = [
    'begins',
    '100%',
    'x'.repeat(50_000),
    'y'.repeat(50_000),
    'y'.repeat(50_000),
    'y',
    'ends',
  ]
  expect(await logOf(older)).toEqual(all)
  expect(await logOf(id)).toEqual(['begins', '20%', ...all.slice(1)])
  await started.at(-1)?.end('SIGKILL')
  await proxy.close()
})

test('a daemon that holds the output keeps neither the job nor the worker', async () => {
  const service = await queue()
  const id = await call(service, 'daemon')
  const worker = work(service)
  const { result } = await becomes(id, 'SUCCEEDED')
  expect(await worker.exit('SIGTERM')).toBe(0)
  process.kill(Number(result))
  expect(await logOf(id)).toEqual(['started'])
})

test('numbers stay exact, and what JSON cannot hold fails the job for good', async () => {
  const service = await queue()
  const more = { maxAttempts: 3 }
  const numbers = await call(service, 'numbers')
  const nan = await call(service, 'nan', {}, more)
  const object = await call(service, 'object', {}, more)
  const huge = await call(service, 'huge', {}, more)
  work(service)
  expect((await becomes(numbers, 'SUCCEEDED')).result).toEqual({
    big: '1152921504606846976',
    whole: 9007199254740991,
    tenth: 0.1,
    7: [true, null],
    half: '\ud800',
  })
  const failed = async (id: string) => {
    const { error, attempt } = await becomes(id, 'FAILED')
    return [attempt, error?.message]
  }
  expect(await failed(nan)).toEqual([1, expect.stringContaining('result.losses.1 is nan')])
  expect(await failed(object)).toEqual([1, expect.stringContaining('result.model is a object')])
  expect(await failed(huge)).toEqual([1, expect.stringContaining('MAX_BODY_BYTES')])
})

test('a result that does not fit the schema fails the job with what is wrong', async () => {
  const service = await queue()
  const id = await call(service, 'strict', {}, { maxAttempts: 3 })
  work(service)
  const { attempt, error } = await becomes(id, 'FAILED')
  expect([attempt, error?.message]).toEqual([1, expect.stringMatching(/result.*required.*y/)])
})

test('what a function raises is told with its traceback, and tried again', async () => {
  const service = await queue()
  const raised = await call(service, 'raise', { what: 'x' }, { maxAttempts: 2 })
  const ended = await call(service, 'exit')
  work(service)
  const job = await becomes(raised, 'FAILED')
  expect(job.attempts.map(({ outcome }) => outcome)).toEqual(['FAILED', 'FAILED'])
  expect(job.error).toMatchObject({
    kind: 'RAISED',
    message: "ValueError: no such thing as 'x'",
    detail: { type: 'ValueError', traceback: expect.stringMatching(/tasks\.py.*raise_it/) },
  })
  expect(await logOf(raised)).toContain("ValueError: no such thing as 'x'")
  expect((await becomes(ended, 'FAILED')).error?.message).toBe('SystemExit: a script that ends')
})

test('a failure that nothing would cure is not tried again, nor is an unknown function', async () => {
  const service = await queue()
  const hopeless = await call(service, 'give-up', {}, { maxAttempts: 3 })
  const unknown = await call(service, 'nowhere', {}, { maxAttempts: 3 })
  work(service)
  const { error, attempt } = await becomes(hopeless, 'FAILED')
  expect([attempt, error?.message]).toEqual([1, 'NonRetryable: wrong for ever'])
  const job = await becomes(unknown, 'FAILED')
  expect(job.attempt).toBe(1)
  expect(job.error?.message).toMatch(/^This worker has no function "nowhere", only: bar, chatter/)
})

test('a canceled job ends where its function looks, and one that does not look may finish', async () => {
  const service = await queue()
  const gate = gateIn(folder)
  const heeding = await call(service, 'wait', { gate: gate.path })
  const deaf = await call(service, 'deaf', { gate: gate.path })
  work(service, { 'lease-seconds': 3, concurrency: 2 })
  await says(heeding, 'waiting 1')
  await says(deaf, 'waiting 1')
  await cancel(server.admin, heeding)
  await cancel(server.admin, deaf)
  expect((await becomes(heeding, 'CANCELED')).attempts).toMatchObject([{ outcome: 'CANCELED' }])
  await gate.open()
  await becomes(deaf, 'SUCCEEDED')
})

test('what a killed worker had is done by another, and the log says by whom', async () => {
  const service = await queue()
  const gate = gateIn(folder)
  const id = await call(service, 'wait', { gate: gate.path }, { maxAttempts: 2 })
  const first = work(service, { 'lease-seconds': 2, name: 'first' })
  await says(id, 'waiting 1')
  await first.end('SIGKILL')
  const second = work(service, { 'lease-seconds': 2, name: 'second' })
  await says(id, 'waiting 2')
  await gate.open()
  const job = await becomes(id, 'SUCCEEDED')
  expect(job.result).toEqual({ by: second.pid })
  expect(job.attempts).toMatchObject([
    { worker: 'first', outcome: 'LOST' },
    { worker: 'second', outcome: 'SUCCEEDED' },
  ])
})

test('a worker that slept through its lease drops its late result', async () => {
  const service = await queue()
  const gate = gateIn(folder)
  const id = await call(service, 'deaf', { gate: gate.path }, { maxAttempts: 2 })
  const first = work(service, { 'lease-seconds': 2 })
  await says(id, 'waiting 1')
  first.kill('SIGSTOP')
  const second = work(service, { 'lease-seconds': 2 })
  await says(id, 'waiting 2')
  first.kill('SIGCONT')
  await until(() => first.output.includes('is no longer held'))
  await gate.open()
  expect((await becomes(id, 'SUCCEEDED')).result).toEqual({ by: second.pid })
  await until(() => first.output.includes('was dropped'))
  expect(isAlive(first.pid)).toBe(true)
})

test('a job outlives the server it came from: its log and its result are delivered to the next', async () => {
  const service = await queue()
  const gate = gateIn(folder)
  const id = await call(service, 'wait', { gate: gate.path })
  const worker = work(service)
  await says(id, 'waiting 1')
  await server.end('SIGKILL')
  await gate.open()
  await until(() => worker.output.includes('cannot be reached'))
  await server.start()
  const job = await becomes(id, 'SUCCEEDED')
  expect(job.attempts).toMatchObject([{ number: 1, outcome: 'SUCCEEDED' }])
  expect(await logOf(id)).toEqual(['waiting 1'])
  const next = await call(service, 'echo')
  await becomes(next, 'SUCCEEDED')
  expect(worker.output).toContain('the server answers again')
})

test('what a proxy answers, and what the server says of what it needs, is an outage: told once, and waited out', async () => {
  const service = await queue()
  const proxy = await interposed(server.url)
  const gate = gateIn(folder)
  const id = await call(service, 'wait', { gate: gate.path })
  const there = new Client(proxy.url, server.admin.token)
  const worker = startWorker(folder, there, service, { 'lease-seconds': 60, concurrency: 2 })
  started.push(worker)
  await says(id, 'waiting 1')
  for (const [status, body] of awayAnswers) await proxy.answer(status, body)
  await gate.open()
  for (const [status, body] of awayAnswers.slice(0, 2)) await proxy.answer(status, body)
  proxy.pass()
  const { attempts } = await becomes(id, 'SUCCEEDED')
  expect(attempts).toMatchObject([{ number: 1, outcome: 'SUCCEEDED' }])
  await until(() => worker.output.includes('the server answers again'))
  expect(worker.output.match(/trying again|answers again/g)).toHaveLength(2)
  await worker.end('SIGKILL')
  await proxy.close()
})

test('where the first answer to every call gets lost each job is done once all the same, and its log is whole', async () => {
  const service = await queue()
  const proxy = await forgetfulProxy(server.url)
  const ids = await Promise.all(
    Array.from({ length: 20 }, () => call(service, 'lines', { count: 3, size: 1 })),
  )
  const worker = startWorker(folder, new Client(proxy.url, server.admin.token), service, {
    concurrency: 2,
  })
  started.push(worker)
  for (const id of ids) {
    const { attempts } = await becomes(id, 'SUCCEEDED')
    expect(attempts).toMatchObject([{ outcome: 'SUCCEEDED' }])
    expect(await logOf(id)).toEqual(['0 x', '1 x', '2 x'])
  }
  for (const operation of ['claimJobs', 'appendJobLog', 'completeJob'])
    expect(proxy.lost).toContain(operation)
  await worker.end('SIGKILL')
  await proxy.close()
})

test.runIf(hasOpenssl)(
  'a worker reaches its server over HTTPS, and trusts no stranger',
  async () => {
    const service = await queue()
    const id = await call(service, 'lines', { count: 3, size: 1 })
    const proxy = await tlsProxy(server.url)
    const there = new Client(proxy.url, server.admin.token)
    const stranger = startWorker(folder, there, service)
    started.push(stranger)
    await until(() => stranger.output.includes('CERTIFICATE_VERIFY_FAILED'))
    expect((await look(id)).status).toBe('QUEUED')
    await stranger.end('SIGTERM')
    const worker = startWorker(folder, there, service, {}, { SSL_CERT_FILE: proxy.ca })
    started.push(worker)
    await becomes(id, 'SUCCEEDED')
    expect(await logOf(id)).toEqual(['0 x', '1 x', '2 x'])
    expect(await worker.end('SIGTERM')).toBe(0)
    await proxy.close()
  },
)

test('a worker says what it is and how many jobs it does at a time', async () => {
  const service = await queue()
  const worker = work(service, { concurrency: 3, name: 'told in Python' })
  await becomes(await call(service, 'echo'), 'SUCCEEDED')
  const { workers } = await server.admin.request(Workers, { service })
  const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string }
  expect(workers.nodes).toEqual([
    {
      name: 'told in Python',
      version: expect.stringMatching(`^millrace.py ${version}, Python 3`),
      concurrency: 3,
    },
  ])
  await worker.end('SIGTERM')
})

test('SIGTERM ends a worker when its job is done; it takes no other', async () => {
  const service = await queue()
  const gate = gateIn(folder)
  const id = await call(service, 'wait', { gate: gate.path })
  const worker = work(service)
  await says(id, 'waiting 1')
  const next = await call(service, 'echo')
  worker.kill('SIGTERM')
  await until(() => worker.output.includes('1 jobs to finish'))
  await gate.open()
  expect(await worker.end()).toBe(0)
  expect((await look(id)).status).toBe('SUCCEEDED')
  expect((await look(next)).status).toBe('QUEUED')
})

test('an idle worker ends at once', async () => {
  const service = await queue()
  const worker = work(service)
  await becomes(await call(service, 'echo'), 'SUCCEEDED')
  expect(await worker.end('SIGTERM')).toBe(0)
  expect(worker.output).toContain('no job to finish')
})

test.each([
  { how: 'when its grace is over', signals: ['SIGTERM'], grace: 0.2, code: 0 },
  { how: 'at a second SIGTERM', signals: ['SIGTERM', 'SIGTERM'], grace: 600, code: 143 },
  { how: 'at SIGINT', signals: ['SIGINT'], grace: 600, code: 130 },
] as const)('a worker gives its jobs back unharmed $how', async ({ signals, grace, code }) => {
  const service = await queue()
  const gate = gateIn(folder)
  const id = await call(service, 'deaf', { gate: gate.path })
  const worker = work(service, { 'grace-seconds': grace })
  await says(id, 'waiting 1')
  for (const signal of signals) {
    worker.kill(signal)
    if (signals.length > 1) await until(() => worker.output.includes('1 jobs to finish'))
  }
  expect(await worker.end()).toBe(code)
  expect(worker.output).toContain('gave back 1 jobs')
  await gate.open()
  work(service)
  expect((await becomes(id, 'SUCCEEDED')).attempts).toMatchObject([
    { outcome: 'PREEMPTED' },
    { outcome: 'SUCCEEDED' },
  ])
})

test('four jobs at a time keep their logs apart', async () => {
  const service = await queue()
  const names = ['a', 'b', 'c', 'd']
  const ids = await Promise.all(names.map((name) => call(service, 'chatter', { name })))
  work(service, { concurrency: 4 })
  for (const [place, name] of names.entries()) {
    const id = ids[place] ?? ''
    expect((await becomes(id, 'SUCCEEDED')).result).toBe(name)
    expect(await logOf(id)).toEqual(Array.from({ length: 100 }, (_, n) => `${name} ${n}`))
  }
})

test('a script submits a job, waits for it and reads it', async () => {
  const service = await queue()
  work(service)
  const script = `
import millrace, sys
job = millrace.submit(sys.argv[1], 'echo', {'x': [1, 2.5]}, wait_seconds=20)
print(job['status'], job['result']['parameters'], millrace.get(job['id']) == job)
try:
    millrace.submit('nobody', 'echo')
except millrace.Refused as refusal:
    print(refusal.code)
`
  const python = new Python(folder, ['-c', script, service], {
    MILLRACE_URL: server.url,
    MILLRACE_TOKEN: server.admin.token ?? '',
  })
  expect(await python.end()).toBe(0)
  expect(python.output).toBe("SUCCEEDED {'x': [1, 2.5]} True\nNOT_FOUND\n")
})

test('a worker that may not claim says so and ends', async () => {
  const { url } = server
  const service = await queue()
  const stranger = startWorker(folder, new Client(url, 'unknown'), service)
  expect(await stranger.end()).toBe(1)
  expect(stranger.output).toContain('cannot claim')
  const lost = work('nobody')
  expect(await lost.end()).toBe(1)
  expect(lost.output).toMatch(/cannot claim: There is no service "nobody"\.\n.*stopping/)
  const elsewhere = work(service, { organization: 'nosuch' })
  expect(await elsewhere.end()).toBe(1)
  expect(elsewhere.output).toContain(
    'cannot claim: The organization "nosuch" (--organization, MILLRACE_ORGANIZATION) is none of yours',
  )
})

test('a base URL brings the token of a worker along', async () => {
  const service = await queue()
  const url = server.url.replace('://', `://any:${server.admin.token}@`)
  started.push(startWorker(folder, new Client(url, undefined), service))
  await becomes(await call(service, 'echo'), 'SUCCEEDED')
})

test('what a worker tells of others cannot drive the terminal it runs in', async () => {
  const one = startWorker(folder, server.admin, 'none\u001b[2J\u009b2J\u202e')
  started.push(one)
  expect(await one.end()).not.toBe(0)
  expect(one.output).toContain(String.raw`none\x1b[2J\x9b2J\u202e`)
  expect(one.output).not.toMatch(/[^\P{Cc}\n]|\u202e/u)
})
