import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Database } from '../../src/db/database.ts'
import { Prisma } from '../../src/generated/prisma/client.ts'
import { sweepOnce } from '../../src/streams/retention.ts'
import { bucketOf, quantileMs } from '../../src/traffic/histogram.ts'
import { TrafficRecorder } from '../../src/traffic/index.ts'
import { graphql } from '../../testkit/generated/index.ts'
import { streamApp, type LogOwner, type StreamApp } from '../../testkit/stream-app.ts'
import { sharedApp, type SharedApp } from '../../testkit/shared.ts'
import { runningService } from '../../testkit/seed/services.ts'
import { until } from '../../testkit/until.ts'

const Traffic = graphql(`
  query ConsolesTraffic($id: ID!, $at: TimeRange!, $stepSeconds: Int) {
    service(id: $id) {
      ... on ProcessService {
        traffic(at: $at, stepSeconds: $stepSeconds) {
          at
          requests
          errors
          p50Ms
          p95Ms
          p99Ms
          maxInFlight
          instances
        }
      }
    }
  }
`)

let app: SharedApp
/** Whose traffic the tests themselves record. */
let stage: StreamApp
beforeAll(async () => {
  app = await sharedApp()
  stage = await streamApp()
})
afterAll(() => Promise.all([app.close(), stage.close()]))

const MINUTE = 60_000
const minute = (ms: number): number => Math.floor(ms / MINUTE) * MINUTE

/** The calls of all steps together. */
const sum = (steps: readonly { requests: number; errors: number }[]) => ({
  requests: steps.reduce((total, { requests }) => total + requests, 0),
  errors: steps.reduce((total, { errors }) => total + errors, 0),
})

const source = `let release, held = new Promise((resolve) => (release = resolve))
export async function handler(request) {
  const path = new URL(request.url).pathname
  if (path === '/fail') return new Response('no', { status: 500 })
  if (path === '/missing') return new Response('no', { status: 404 })
  if (path === '/release') { release(); return new Response('released') }
  if (path === '/hold') await held
  if (path === '/break')
    return new Response(new ReadableStream({ pull(c) { if (c.begun) process.exit(1); c.begun = true; c.enqueue('part') } }))
  return new Response('ok')
}
`

test('calls are counted with their errors, their time and how many were answered at once', async () => {
  const service = await runningService(app.admin, { 'main.mjs': source }, { image: 'node:22' })
  const from = new Date(minute(Date.now())).toISOString()
  const call = async (path: string) => {
    const response = await fetch(service.invokeUrl + path, { headers: app.admin.headers })
    await response.text()
    return response.status
  }
  for (let n = 0; n < 5; n += 1) expect(await call('/')).toBe(200)
  expect(await call('/fail')).toBe(500)
  expect(await call('/missing')).toBe(404)
  const holding = [call('/hold'), call('/hold'), call('/hold')]
  const read = async () => {
    const { service: found } = await app.admin.request(Traffic, { id: service.id, at: { from } })
    if (!found?.traffic) throw new Error('no traffic')
    return found.traffic
  }
  // told while they still are in flight
  await until(async () => (await read()).some(({ maxInFlight }) => maxInFlight >= 3))
  expect(await call('/release')).toBe(200)
  expect(await Promise.all(holding)).toEqual([200, 200, 200])
  await until(async () => sum(await read()).requests >= 11)
  const steps = await read()
  expect(sum(steps)).toEqual({ requests: 11, errors: 1 })
  expect(Math.max(...steps.map(({ instances }) => instances))).toBe(1)
  for (const { requests, p50Ms, p99Ms } of steps) {
    expect(p50Ms === null).toBe(requests === 0)
    expect(p99Ms ?? 0).toBeGreaterThanOrEqual(p50Ms ?? 0)
  }
})

test('a range has a step for every step of time, with zeros where nothing was called', async () => {
  const service = await runningService(app.admin, { 'main.mjs': source }, { image: 'node:22' })
  const at = { from: '2026-03-01T10:00:30Z', to: '2026-03-01T11:00:00Z' }
  const read = async (stepSeconds: number) =>
    (await app.admin.request(Traffic, { id: service.id, at, stepSeconds })).service?.traffic
  const steps = await read(60)
  expect(steps).toHaveLength(60)
  expect(steps?.[0]).toEqual({
    at: '2026-03-01T10:00:00.000000Z',
    requests: 0,
    errors: 0,
    p50Ms: null,
    p95Ms: null,
    p99Ms: null,
    maxInFlight: 0,
    instances: 0,
  })
  expect((await read(600))?.map((step) => step.at.slice(11, 16))).toEqual([
    '10:00',
    '10:10',
    '10:20',
    '10:30',
    '10:40',
    '10:50',
  ])
})

test.each([
  ['steps shorter than a minute', { from: '2026-03-01T10:00:00Z', to: '2026-03-01T11:00:00Z' }, 30],
  ['steps of no whole minutes', { from: '2026-03-01T10:00:00Z', to: '2026-03-01T11:00:00Z' }, 90],
  ['negative steps', { from: '2026-03-01T10:00:00Z', to: '2026-03-01T11:00:00Z' }, -60],
  ['more than 1,500 steps', { from: '2026-03-01T10:00:00Z', to: '2026-03-02T11:00:01Z' }, 60],
  ['a range without end that begins long ago', { from: '0001-01-01T00:00:00Z' }, 60],
  ['an end before the beginning', { from: '2026-03-01T10:00:00Z', to: '2026-03-01T09:00:00Z' }, 60],
])('%s are refused', async (_name, at, stepSeconds) => {
  const service = await runningOnce()
  const { errors } = await app.admin.execute(Traffic, { id: service, at, stepSeconds })
  expect(errors?.[0]?.extensions?.code).toBe('BAD_REQUEST')
})

let once: Promise<string> | undefined
const runningOnce = (): Promise<string> =>
  (once ??= runningService(app.admin, { 'main.mjs': source }, { image: 'node:22' }).then(
    ({ id }) => id,
  ))

test('a call that breaks off is an error', async () => {
  const service = await runningService(app.admin, { 'main.mjs': source }, { image: 'node:22' })
  const from = new Date(minute(Date.now())).toISOString()
  const response = await fetch(`${service.invokeUrl}/break`, { headers: app.admin.headers })
  await response.text().catch(() => '') // it may break off before or after its first byte
  await until(async () => {
    const { service: found } = await app.admin.request(Traffic, { id: service.id, at: { from } })
    return (found?.traffic ?? []).some(({ errors }) => errors > 0)
  })
})

/** Several servers on one database, on a clock of the test's own. */
const withServers = async (
  work: (stage: {
    readonly app: StreamApp
    readonly service: LogOwner
    readonly server: (database?: Database) => TrafficRecorder
    readonly clock: { now: number }
  }) => Promise<void>,
): Promise<void> => {
  const clock = { now: Date.parse('2026-03-01T10:00:00Z') }
  const server = (database: Database = stage.database) =>
    new TrafficRecorder({
      database,
      log: { warn() {} } as never, // the only word of it that is used
      now: () => new Date(clock.now),
      server: { id: crypto.randomUUID(), run: crypto.randomUUID(), url: '' },
    })
  await work({ app: stage, service: await stage.service(), server, clock })
}

test('several servers add up, and what was stored twice counts once', () =>
  withServers(async ({ app: { admin, database }, service, server, clock }) => {
    const { id, uuid } = service
    const [one, two] = [server(), server()]
    const calls = (recorder: TrafficRecorder, count: number, isError = false) => {
      const ends = Array.from({ length: count }, () => recorder.begin(uuid, 2))
      for (const end of ends) end(isError)
    }
    calls(one, 10)
    calls(two, 5, true)
    clock.now += MINUTE
    calls(one, 3)
    // minutes that are over are stored with the present one, each as often as one likes
    for (let round = 0; round < 2; round += 1)
      for (const recorder of [one, two]) await recorder.flush()
    const at = { from: '2026-03-01T10:00:00Z', to: '2026-03-01T10:03:00Z' }
    const read = async (stepSeconds: number) =>
      (await admin.request(Traffic, { id, at, stepSeconds })).service?.traffic?.map(
        ({ requests, errors, maxInFlight, instances }) => [
          requests,
          errors,
          maxInFlight,
          instances,
        ],
      )
    expect(await read(60)).toEqual([
      [15, 5, 10, 2],
      [3, 0, 3, 2],
      [0, 0, 0, 0],
    ])
    expect(await read(180)).toEqual([[18, 5, 10, 2]])

    // what is older than is kept goes
    await sweepOnce(database, {
      logRetentionLines: 0,
      logRetentionMs: 0,
      eventRetentionMs: 0,
      trafficRetentionMs: Date.now() - Date.parse('2026-03-01T10:00:30Z'),
    })
    expect(await read(180)).toEqual([[3, 0, 3, 2]])
  }))

test('percentiles are at most 10 % off, whatever the times', () =>
  withServers(async ({ app: { admin, database }, service }) => {
    const { id, uuid } = service
    const times = Array.from({ length: 2_000 }, (_, n) => 0.2 * 1.005 ** n) // 0.2 ms to 70 min
      .filter((ms) => ms < 3_000_000)
    const counts = new Map<number, number>()
    for (const ms of times) counts.set(bucketOf(ms), (counts.get(bucketOf(ms)) ?? 0) + 1)
    const buckets = [...counts.keys()].toSorted((a, b) => a - b)
    const histogram = { buckets, counts: buckets.map((bucket) => counts.get(bucket) ?? 0) }
    for (let share = 0.001; share < 1; share += 0.001) {
      const exact = times[Math.ceil(times.length * share) - 1] ?? 0
      const read = quantileMs(histogram, share) ?? 0
      expect(Math.abs(read - exact) / exact, `${share}: ${read} for ${exact}`).toBeLessThan(0.1)
    }
    await database.query(Prisma.sql`
      INSERT INTO "Traffic" VALUES (${uuid}::uuid, '2026-03-01T10:00:00Z', gen_random_uuid(), ${times.length}, 0, 1, 1,
        ${histogram.buckets}::int[], ${histogram.counts}::int[])`)
    const at = { from: '2026-03-01T10:00:00Z', to: '2026-03-01T10:01:00Z' }
    const { service: found } = await admin.request(Traffic, { id, at })
    const [step] = found?.traffic ?? []
    for (const [share, read] of [
      [0.5, step?.p50Ms],
      [0.95, step?.p95Ms],
      [0.99, step?.p99Ms],
    ] as const) {
      const exact = times[Math.ceil(times.length * share) - 1] ?? 0
      expect(Math.abs((read ?? 0) - exact) / exact).toBeLessThan(0.1)
    }
  }))

test('counts wait for a database that is away', () =>
  withServers(async ({ app: { admin, database }, service, server, clock }) => {
    const { id, uuid } = service
    const state = { isAway: true }
    const query: Database['query'] = (...args) =>
      state.isAway ? Promise.reject(new Error('It is away.')) : database.query(...args)
    const recorder = server({ ...database, query })
    recorder.begin(uuid, 1)(false)
    await recorder.flush()
    clock.now += MINUTE
    recorder.begin(uuid, 1)(true)
    await recorder.flush()
    state.isAway = false
    await recorder.close(1_000)
    const at = { from: '2026-03-01T10:00:00Z', to: '2026-03-01T10:02:00Z' }
    const { service: found } = await admin.request(Traffic, { id, at })
    expect(found?.traffic?.map(({ requests, errors }) => [requests, errors])).toEqual([
      [1, 0],
      [1, 1],
    ])
  }))
