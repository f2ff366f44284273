import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { JobCanceled, LeaseLost, NonRetryable, type Handler } from '../../src/worker/index.ts'
import { sharedApp, type SharedApp } from '../../testkit/shared.ts'
import { Client } from '../../testkit/client.ts'
import { cutter } from '../../testkit/network/cutter.ts'
import { olderProxy } from '../../testkit/older.ts'
import { Amend } from '../../testkit/operations/jobs.ts'
import { Viewer } from '../../testkit/operations/organizations.ts'
import { Workers } from '../../testkit/operations/workers.ts'
import {
  cancel,
  jobBecomes,
  read,
  seedQueue,
  settled,
  submit,
  submitMany,
} from '../../testkit/seed/jobs.ts'
import { member } from '../../testkit/seed/organizations.ts'
import { until } from '../../testkit/until.ts'
import { gate, kinds, signaled, stopAll, work } from './support.ts'

let app: SharedApp
/** Whose role is all that a worker needs. */
let worker: Client
beforeAll(async () => {
  app = await sharedApp()
  worker = await member(app, (await app.admin.request(Viewer)).viewer.organization.id, 'WORKER')
})
afterEach(stopAll)
afterAll(() => app.close())

test('a handler gets the parameters, and what it returns is the result', async () => {
  const queue = await seedQueue(app.admin)
  const labels = [{ name: 'color', value: 'blue' }]
  const { id } = await submit(app.admin, queue, { parameters: { a: [1, 2] }, labels, lane: 'l' })
  let seen: unknown
  const { events } = work(worker, queue, ({ parameters, job }) => {
    seen = job
    return { got: parameters }
  })
  await jobBecomes(app.admin, id, 'SUCCEEDED')
  expect((await read(app.admin, id)).result).toEqual({ got: { a: [1, 2] } })
  expect(seen).toMatchObject({ id, function: 'default', attempt: 1, lane: 'l', labels })
  await until(() => events.length === 2)
  expect(kinds(events)).toEqual(['claimed', 'succeeded'])
})

test('results that are ready together go each to its own job, and a bad one hinders no other', async () => {
  const resultSchema = { type: 'array', items: { type: 'integer' } }
  const queue = await seedQueue(app.admin, [{ name: 'default', resultSchema }])
  const count = 100
  const ids = await submitMany(
    app.admin,
    queue,
    Array.from({ length: count }, (_, n) => ({ parameters: n })),
  )
  work(
    worker,
    queue,
    ({ parameters: n }) => {
      if (n === 13) return 'no list'
      return Array.from({ length: n === 50 ? 3_000 : 1 }, () => n) // one of them is large
    },
    { concurrency: 20 },
  )
  expect(await settled(app.admin, queue)).toMatchObject({ succeeded: count - 1, failed: 1 })
  const jobs = await Promise.all(ids.map((id) => read(app.admin, id)))
  expect(jobs.filter(({ status }) => status === 'FAILED')).toMatchObject([
    { parameters: 13, error: { message: expect.stringContaining('refused') } },
  ])
  for (const { status, result, parameters } of jobs)
    if (status === 'SUCCEEDED') expect((result as unknown[])[0]).toBe(parameters)
})

const drawing: Handler = async ({ log }) => {
  await log('begins\n10%', { isUnfinished: true })
  await log('100%')
}

test('an unfinished line is told as one, and left out where the server knows no such lines', async () => {
  const queue = await seedQueue(app.admin)
  const first = await submit(app.admin, queue)
  const logOf = async (id: string) =>
    (await read(app.admin, id)).logs.nodes.map(({ text, isUnfinished }) => [text, isUnfinished])
  work(worker, queue, drawing)
  await jobBecomes(app.admin, first.id, 'SUCCEEDED')
  await stopAll()
  const lines = [
    ['begins', false],
    ['10%', true],
    ['100%', false],
  ]
  expect(await logOf(first.id)).toEqual(lines)
  const older = await olderProxy(app.url)
  const { id } = await submit(app.admin, queue)
  work(new Client(older.url, worker.token), queue, drawing)
  await jobBecomes(app.admin, id, 'SUCCEEDED')
  expect(await logOf(id)).toEqual(lines.filter(([, isUnfinished]) => isUnfinished === false))
  expect(older.refused).toBe(1)
  await stopAll()
  await older.close()
})

test('it says what it is and how many jobs it does at a time', async () => {
  const queue = await seedQueue(app.admin)
  const { id } = await submit(app.admin, queue)
  const { opened, open } = gate()
  const handler = ({ progress }: { progress: (fraction: number) => void }) => {
    progress(0.5)
    return opened
  }
  work(worker, queue, handler, { name: 'told', concurrency: 2 })
  // a heartbeat, which says nothing of this, changes nothing
  const hasBeaten = async () =>
    (await read(app.admin, id)).events.nodes.some(({ kind }) => kind === 'PROGRESS')
  await until(hasBeaten)
  const told = {
    name: 'told',
    version: expect.stringMatching(/^millrace \d+\.\d+\.\d+, Node\.js \d+/),
    concurrency: 2,
  }
  expect((await app.admin.request(Workers, { service: queue })).workers.nodes).toEqual([told])
  open()
  await jobBecomes(app.admin, id, 'SUCCEEDED')
})

test('what it logs is the log of the job, line by line, and all of it before the end', async () => {
  const queue = await seedQueue(app.admin)
  const { id } = await submit(app.admin, queue)
  work(worker, queue, async ({ log }) => {
    await log('one\ntwo\n')
    void log('')
    void log('x'.repeat(70_000))
  })
  await jobBecomes(app.admin, id, 'SUCCEEDED')
  const { logs } = await read(app.admin, id)
  expect(logs.nodes.map(({ text, attempt, source }) => [text.length, attempt, source])).toEqual(
    [3, 3, 0, 65_536, 70_000 - 65_536].map((length) => [length, 1, 'WORKER']),
  )
})

test('progress is told while it runs, and the last of it before the end', async () => {
  const queue = await seedQueue(app.admin)
  const { id } = await submit(app.admin, queue)
  const { opened, open } = gate()
  work(worker, queue, async ({ progress }) => {
    progress(0.5, 'half')
    await opened
    progress(1, 'all')
  })
  const told = async (): Promise<unknown[]> =>
    (await read(app.admin, id)).events.nodes
      .filter(({ kind }) => kind === 'PROGRESS')
      .map(({ changes }) => changes.map(({ to }) => to))
  await until(async () => (await told()).length === 1)
  open()
  await jobBecomes(app.admin, id, 'SUCCEEDED')
  expect(await told()).toEqual([
    [0.5, 'half'],
    [1, 'all'],
  ])
})

test('what a handler throws fails the attempt, with its trace, and the job is tried again', async () => {
  const queue = await seedQueue(app.admin)
  const { id } = await submit(app.admin, queue, { maxAttempts: 2 })
  work(worker, queue, ({ job }) => {
    if (job.attempt === 1) throw new RangeError('too\0 far')
    return job.attempt
  })
  await jobBecomes(app.admin, id, 'SUCCEEDED')
  const { attempts, result } = await read(app.admin, id)
  expect(result).toBe(2)
  expect(attempts).toMatchObject([
    { outcome: 'FAILED', error: { kind: 'RAISED', message: String.raw`too\x00 far` } },
    { outcome: 'SUCCEEDED' },
  ])
})

const hopeless: readonly [why: string, handler: () => unknown][] = [
  [
    'it is said so',
    () => {
      throw new NonRetryable('it is said so')
    },
  ],
  ['The result was refused: result: ', () => 'no number'],
  ['The result was refused: The result is no JSON: ', () => 1n],
  [
    'The result was refused: The result is no JSON: "loss" is NaN, which',
    () => ({ none: null, text: 'NaN', deep: [{ loss: Number.NaN }] }),
  ],
  ['The result was refused: A request has at most ', () => 'x'.repeat(1_100_000)],
]

test.each(hopeless)(
  'there is no other attempt where it would not help: %s',
  async (why, handler) => {
    const queue = await seedQueue(app.admin, [{ resultSchema: { type: 'number' } }])
    const { id } = await submit(app.admin, queue, { maxAttempts: 5 })
    work(worker, queue, handler)
    await jobBecomes(app.admin, id, 'FAILED')
    const { attempt, error } = await read(app.admin, id)
    expect(attempt).toBe(1)
    expect(error?.message).toContain(why)
    expect(error?.detail).toMatchObject({
      name: 'NonRetryable',
      trace: expect.stringContaining('    at '),
    })
  },
)

test('as many jobs as the concurrency says run at a time, and no more', async () => {
  const queue = await seedQueue(app.admin)
  await submitMany(
    app.admin,
    queue,
    Array.from({ length: 30 }, () => ({})),
  )
  let running = 0
  let most = 0
  const handler = async (): Promise<void> => {
    running += 1
    most = Math.max(most, running)
    await new Promise((resolve) => setTimeout(resolve, 20))
    running -= 1
  }
  work(worker, queue, handler, { concurrency: 4 })
  expect(await settled(app.admin, queue)).toMatchObject({ succeeded: 30 })
  expect(most).toBe(4)
})

test('a job that is canceled fires the signal of its handler, and no other', async () => {
  const queue = await seedQueue(app.admin)
  const [one = '', other = ''] = await submitMany(app.admin, queue, [{}, {}])
  const reasons = new Map<string, unknown>()
  const { opened, open } = gate()
  const { events } = work(
    worker,
    queue,
    async ({ job, signal }) => {
      if (job.id === other) return opened
      reasons.set(job.id, await signaled(signal))
      signal.throwIfAborted()
    },
    { concurrency: 2, leaseSeconds: 1 },
  )
  await until(() => events.length === 2)
  await cancel(app.admin, one)
  await jobBecomes(app.admin, one, 'CANCELED')
  open()
  await jobBecomes(app.admin, other, 'SUCCEEDED')
  expect([...reasons.keys()]).toEqual([one])
  expect(reasons.get(one)).toBeInstanceOf(JobCanceled)
  expect(events).toContainEqual(expect.objectContaining({ kind: 'failed', status: 'CANCELED' }))
})

test('a lost lease fires the signal, and what comes of the handler is dropped', async () => {
  const queue = await seedQueue(app.admin)
  const { id } = await submit(app.admin, queue)
  const reasons: unknown[] = []
  const { events } = work(
    worker,
    queue,
    async ({ job, signal }) => {
      if (job.attempt > 1) return 'second'
      reasons.push(await signaled(signal))
      return 'first'
    },
    { leaseSeconds: 1 },
  )
  await until(() => events.length === 1)
  await app.admin.request(Amend, { input: { id, status: 'QUEUED' } })
  await jobBecomes(app.admin, id, 'SUCCEEDED')
  expect((await read(app.admin, id)).result).toBe('second')
  expect(reasons).toEqual([expect.any(LeaseLost)])
  await until(() => events.length === 5)
  expect(kinds(events)).toEqual(['claimed', 'lost', 'dropped', 'claimed', 'succeeded'])
})

test('over a network that breaks all the time, each line is stored once and each job done once', async () => {
  const queue = await seedQueue(app.admin)
  const LINES = 40
  // long enough that answers to claims are cut in their middle
  const parameters = 'x'.repeat(4_000)
  const ids = await submitMany(
    app.admin,
    queue,
    Array.from({ length: 30 }, () => ({ parameters })),
  )
  const way = await cutter(app.url)
  work(
    worker,
    queue,
    async ({ log }) => {
      for (let n = 1; n <= LINES; n += 1) {
        await log(`line ${n} ${'x'.repeat(100)}`)
        if (n % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 10))
      }
    },
    { url: way.url, concurrency: 3 },
  )
  for (const id of ids) {
    await jobBecomes(app.admin, id, 'SUCCEEDED')
    const { attempts, logs } = await read(app.admin, id)
    expect(attempts).toHaveLength(1)
    const numbers = logs.nodes.map(({ text }) => Number(text.split(' ')[1]))
    expect(numbers).toEqual(Array.from({ length: LINES }, (_, n) => n + 1))
  }
  expect(way.cuts).toBeGreaterThan(5)
  await stopAll()
  await way.close()
})
