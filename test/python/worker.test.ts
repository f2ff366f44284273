import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedApp, type SharedApp } from '../../testkit/shared.ts'
import { Client } from '../../testkit/client.ts'
import { Workers } from '../../testkit/operations/workers.ts'
import { until } from '../../testkit/until.ts'
import { crewAt, type Crew } from './crew.ts'
import { hasOpenssl, tlsProxy } from './tls.ts'
import { gateIn, Python } from './worker.ts'

/* A worker in Python: what its functions return and raise, and what it says of itself. */

let app: SharedApp
let crew: Crew
beforeAll(async () => {
  app = await sharedApp()
  crew = await crewAt(app)
})
afterAll(async () => {
  await crew.close()
  await app.close()
})

test.concurrent('the server serves the worker to everybody, once for every version', async () => {
  const response = await fetch(`${app.url}/millrace.py`)
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toMatch(/^text\/x-python/)
  const etag = response.headers.get('etag') ?? ''
  const again = await fetch(`${app.url}/millrace.py`, { headers: { 'if-none-match': etag } })
  expect(again.status).toBe(304)
  const python = new Python(crew.folder, ['-c', 'import millrace; print(millrace.__doc__)'])
  expect(await python.end()).toBe(0)
  expect(python.output).toContain("@worker('train')")
})

test.concurrent('a job is worked on, and its progress and log are seen while it is', async () => {
  const service = await crew.queue()
  const gate = gateIn(crew.folder)
  const echoed = await crew.call(service, 'echo', { b: 1, a: [null, 'ü'] })
  const talking = await crew.call(service, 'talk', { gate: gate.path })
  crew.work(service)
  expect(await crew.becomes(echoed, 'SUCCEEDED')).toMatchObject({
    result: { function: 'echo', parameters: { b: 1, a: [null, 'ü'] }, attempt: 1 },
  })
  await crew.says(talking, 'in two lines')
  const progress = async () =>
    (await crew.look(talking)).events.nodes.filter(({ kind }) => kind === 'PROGRESS')
  await until(async () => (await progress()).length > 0)
  expect((await crew.look(talking)).status).toBe('RUNNING')
  await gate.open()
  expect(await crew.becomes(talking, 'SUCCEEDED')).toMatchObject({ result: 'said' })
  // whether a line is seen before it is finished as well is a matter of time
  const finished = (await crew.look(talking)).logs.nodes.filter((line) => !line.isUnfinished)
  expect(finished.map(({ text }) => text)).toEqual([
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

test.concurrent('numbers stay exact, and what JSON cannot hold fails the job for good', async () => {
  const service = await crew.queue()
  const more = { maxAttempts: 3 }
  const numbers = await crew.call(service, 'numbers')
  const nan = await crew.call(service, 'nan', {}, more)
  const object = await crew.call(service, 'object', {}, more)
  const huge = await crew.call(service, 'huge', {}, more)
  crew.work(service)
  expect((await crew.becomes(numbers, 'SUCCEEDED')).result).toEqual({
    big: '1152921504606846976',
    whole: 9007199254740991,
    tenth: 0.1,
    long: 1.5,
    7: [true, null],
    half: '\ud800',
  })
  const failed = async (id: string) => {
    const { error, attempt } = await crew.becomes(id, 'FAILED')
    return [attempt, error?.message]
  }
  expect(await failed(nan)).toEqual([1, expect.stringContaining('result.losses.1 is nan')])
  expect(await failed(object)).toEqual([1, expect.stringContaining('result.model is a object')])
  expect(await failed(huge)).toEqual([1, expect.stringContaining('MAX_BODY_BYTES')])
})

test.concurrent('a result that does not fit the schema fails the job with what is wrong', async () => {
  const service = await crew.queue()
  const id = await crew.call(service, 'strict', {}, { maxAttempts: 3 })
  crew.work(service)
  const { attempt, error } = await crew.becomes(id, 'FAILED')
  expect([attempt, error?.message]).toEqual([1, expect.stringMatching(/result.*required.*y/)])
})

test.concurrent('what a function raises is told with its traceback, and tried again', async () => {
  const service = await crew.queue()
  const raised = await crew.call(service, 'raise', { what: 'x' }, { maxAttempts: 2 })
  const ended = await crew.call(service, 'exit')
  crew.work(service)
  const job = await crew.becomes(raised, 'FAILED')
  expect(job.attempts.map(({ outcome }) => outcome)).toEqual(['FAILED', 'FAILED'])
  expect(job.error).toMatchObject({
    kind: 'RAISED',
    message: "ValueError: no such thing as 'x'",
    detail: { type: 'ValueError', traceback: expect.stringMatching(/tasks\.py.*raise_it/) },
  })
  expect(await crew.logOf(raised)).toContain("ValueError: no such thing as 'x'")
  expect((await crew.becomes(ended, 'FAILED')).error?.message).toBe(
    'SystemExit: a script that ends',
  )
})

test.concurrent('a failure that nothing would cure is not tried again, nor is an unknown function', async () => {
  const service = await crew.queue()
  const hopeless = await crew.call(service, 'give-up', {}, { maxAttempts: 3 })
  const unknown = await crew.call(service, 'nowhere', {}, { maxAttempts: 3 })
  crew.work(service)
  const { error, attempt } = await crew.becomes(hopeless, 'FAILED')
  expect([attempt, error?.message]).toEqual([1, 'NonRetryable: wrong for ever'])
  const job = await crew.becomes(unknown, 'FAILED')
  expect(job.attempt).toBe(1)
  expect(job.error?.message).toMatch(/^This worker has no function "nowhere", only: bar, chatter/)
})

test.runIf(hasOpenssl)(
  'a worker reaches its server over HTTPS, and trusts no stranger',
  async () => {
    const service = await crew.queue()
    const id = await crew.call(service, 'lines', { count: 3, size: 1 })
    const proxy = await tlsProxy(app.url)
    const there = new Client(proxy.url, app.admin.token)
    const stranger = crew.workAt(there, service)
    await until(() => stranger.output.includes('CERTIFICATE_VERIFY_FAILED'))
    expect((await crew.look(id)).status).toBe('QUEUED')
    await stranger.end('SIGTERM')
    const worker = crew.workAt(there, service, {}, { SSL_CERT_FILE: proxy.ca })
    await crew.becomes(id, 'SUCCEEDED')
    expect(await crew.logOf(id)).toEqual(['0 x', '1 x', '2 x'])
    expect(await worker.end('SIGTERM')).toBe(0)
    await proxy.close()
  },
)

test.concurrent('a worker says what it is and how many jobs it does at a time', async () => {
  const service = await crew.queue()
  const worker = crew.work(service, { concurrency: 3, name: 'told in Python' })
  await crew.becomes(await crew.call(service, 'echo'), 'SUCCEEDED')
  const { workers } = await app.admin.request(Workers, { service })
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

test.concurrent('a script submits a job, waits for it and reads it', async () => {
  const service = await crew.queue()
  crew.work(service)
  const script = `
import millrace, sys
job = millrace.submit(sys.argv[1], 'echo', {'x': [1, 2.5]}, wait_seconds=20)
print(job['status'], job['result']['parameters'], millrace.get(job['id']) == job)
try:
    millrace.submit('nobody', 'echo')
except millrace.Refused as refusal:
    print(refusal.code)
`
  const python = new Python(crew.folder, ['-c', script, service], {
    MILLRACE_URL: app.url,
    MILLRACE_TOKEN: app.admin.token ?? '',
  })
  expect(await python.end()).toBe(0)
  expect(python.output).toBe("SUCCEEDED {'x': [1, 2.5]} True\nNOT_FOUND\n")
})

test.concurrent('a worker that may not claim says so and ends', async () => {
  const { url } = app
  const service = await crew.queue()
  const stranger = crew.workAt(new Client(url, 'unknown'), service)
  expect(await stranger.end()).toBe(1)
  expect(stranger.output).toContain('cannot claim')
  const lost = crew.work('nobody')
  expect(await lost.end()).toBe(1)
  expect(lost.output).toMatch(/cannot claim: There is no service "nobody"\.\n.*stopping/)
  const elsewhere = crew.work(service, { organization: 'nosuch' })
  expect(await elsewhere.end()).toBe(1)
  expect(elsewhere.output).toContain(
    'cannot claim: The organization "nosuch" (--organization, MILLRACE_ORGANIZATION) is not one of your organizations',
  )
})

test.concurrent('a base URL brings the token of a worker along', async () => {
  const service = await crew.queue()
  const url = app.url.replace('://', `://any:${app.admin.token}@`)
  crew.workAt(new Client(url, undefined), service)
  await crew.becomes(await crew.call(service, 'echo'), 'SUCCEEDED')
})

test.concurrent('what a worker tells of others cannot drive the terminal it runs in', async () => {
  const one = crew.workAt(app.admin, 'none\u001b[2J\u009b2J\u202e')
  expect(await one.end()).not.toBe(0)
  expect(one.output).toContain(String.raw`none\x1b[2J\x9b2J\u202e`)
  expect(one.output).not.toMatch(/[^\P{Cc}\n]|\u202e/u)
})
