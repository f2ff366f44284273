import { once } from 'node:events'
import { createClient } from 'graphql-ws'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { readConfig } from '../../src/config.ts'
import { Buckets } from '../../src/execution/limits/bucket.ts'
import { quotas } from '../../src/execution/limits/index.ts'
import { testApp, type TestApp } from '../../testkit/app.ts'
import type { Client } from '../../testkit/client.ts'
import { seedOrganization, seedPerson, signedIn } from '../../testkit/seed/organizations.ts'
import { until } from '../../testkit/until.ts'
import { doors } from './doors.ts'

let app: TestApp
let slow: TestApp
beforeAll(async () => {
  app = await testApp({ MAX_SOCKETS: '2', MAX_SUBSCRIPTIONS: '2' })
  slow = await testApp({ OPERATIONS_PER_SECOND: '1' })
})
afterAll(() => Promise.all([app.close(), slow.close()]))

const reached = { extensions: { code: 'QUOTA_REACHED', retryAfterSeconds: expect.any(Number) } }

test('whoever begins operations faster than the rate is answered 429 and told when to come again', async () => {
  for (const door of ['POST', 'SSE']) {
    const asked = Array.from({ length: 12 }, () =>
      doors[door]!(slow.admin, { query: '{ __typename }' }),
    )
    const refused = (await Promise.all(asked)).filter(({ status }) => status === 429)
    expect(refused.length).toBeGreaterThan(0)
    for (const { errors, retryAfter } of refused) {
      expect(errors).toMatchObject([reached])
      expect(Number(retryAfter)).toBeGreaterThan(0)
    }
  }
})

test('over WebSocket the operation is refused and the socket lives on', async () => {
  const socket = slow.admin.socket()
  const ask = (): Promise<object> =>
    new Promise((resolve, reject) => {
      socket.subscribe(
        { query: '{ __typename }' },
        {
          next: resolve,
          error: (cause) => (Array.isArray(cause) ? resolve(cause) : reject(cause as Error)),
          complete: () => {},
        }, // graphql-ws gives GraphQL's errors as a list
      )
    })
  const answers = await Promise.all(Array.from({ length: 12 }, ask))
  expect(answers).toContainEqual([expect.objectContaining(reached)])
  await until(async () => 'data' in (await ask()))
  await socket.dispose()
})

const flood = (client: Client): Promise<(number | undefined)[]> =>
  Promise.all(
    Array.from(
      { length: 12 },
      async () => (await doors['POST']!(client, { query: '{ __typename }' })).status,
    ),
  )

test('callers have rates of their own, and those without a credential that of their address', async () => {
  expect(await flood(slow.admin)).toContain(429)
  expect(await flood(slow.stranger)).toContain(429)
  // who tries credentials is a stranger too
  const statuses = await flood(slow.client('mrt_guess'))
  expect(statuses).toContain(429)
  expect(statuses.filter((status) => status !== 401 && status !== 429)).toEqual([])
})

test('those who hold much leave a reserve to those who hold little', () => {
  const own = quotas(readConfig({}))
  const open = (key: string) =>
    own.openOperation({ key: () => key, isGone: () => false, onGone: () => () => {} })
  for (let n = 0; n < 8; n += 1) open(`much ${n >> 1}`).take(33_554_432)
  expect(() => open('more').take(1_048_577)).toThrow('MAX_ANSWER_BYTES_IN_ALL')
  expect(() => open('little').take(1_000_000)).not.toThrow()
  expect(() => open('little').take(100_000)).toThrow('MAX_ANSWER_BYTES_IN_ALL')
  for (let n = 0; n < 63; n += 1) open(`few ${n}`).take(1_048_576)
  expect(() => open('last').take(1_048_576)).toThrow('MAX_ANSWER_BYTES_IN_ALL')
})

test('a rate of 0 is none', () => {
  const unlimited = quotas(readConfig({ OPERATIONS_PER_SECOND: '0' }), () => 0)
  expect(() => {
    for (let n = 0; n < 100_000; n += 1) unlimited.takeOperation('one')
  }).not.toThrow()
})

test('a bucket fills at its rate, holds two seconds of it, and is forgotten when it is full', () => {
  let now = 0
  const buckets = new Buckets(10, () => now)
  const taken = (key: string): number => {
    let count = 0
    while (buckets.take(key) === 0) count += 1
    return count
  }
  expect(taken('one')).toBe(20)
  expect(buckets.take('one')).toBeCloseTo(0.1)
  now += 500
  expect(taken('one')).toBe(5)
  now += 60_000
  expect(taken('one')).toBe(20)
  for (let n = 0; n < 25_000; n += 1) buckets.take(`other ${n}`)
  expect(buckets.size).toBeLessThanOrEqual(10_000)
  now += 2_000
  buckets.take('last')
  expect(buckets.size).toBe(1)
})

/** A socket that is acknowledged, or the event with which it was closed. */
export const opened = (
  client: Client,
): Promise<{ close(): void | Promise<void> } | { code: number; reason: string }> =>
  new Promise((resolve, reject) => {
    const socket = createClient({
      url: `${client.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: client.headers,
      retryAttempts: 0,
      lazy: false,
      onNonLazyError: (cause) => reject(cause as Error), // what graphql-ws gives
      on: {
        connected: () => resolve({ close: () => socket.dispose() }),
        closed: (event) => resolve(event as { code: number; reason: string }), // as above
      },
    })
  })

test('a caller has so many WebSockets at once; one more is closed for good', async () => {
  const first = await opened(app.admin)
  const second = await opened(app.admin)
  expect(await opened(app.admin)).toMatchObject({ code: 4429, reason: 'Too many sockets' })
  const other = await opened(app.stranger)
  expect(other).toHaveProperty('close')
  if ('close' in first) await first.close()
  let third: Awaited<ReturnType<typeof opened>> | undefined
  await until(async () => 'close' in (third = await opened(app.admin)))
  for (const one of [second, other, third]) if (one && 'close' in one) await one.close()
})

test('a person has one share, with however many sign-ins', async () => {
  const person = await seedPerson(app.admin, 'VIEWER', (await seedOrganization(app)).id)
  const again = async () => app.client((await signedIn(app.stranger, person)).secret)
  const sockets = [await opened(await again()), await opened(await again())]
  for (const one of sockets) expect(one).toHaveProperty('close')
  expect(await opened(await again())).toMatchObject({ code: 4429 })
  for (const one of sockets) if ('close' in one) await one.close()
})

test('sockets that say nothing count against their address until they are closed', async () => {
  const url = `${app.url.replace('http', 'ws')}/graphql`
  const silent = [1, 2].map(() => new WebSocket(url, 'graphql-transport-ws'))
  await Promise.all(silent.map((socket) => once(socket, 'open')))
  const third = new WebSocket(url, 'graphql-transport-ws')
  const [cause] = (await once(third, 'error').catch((error: unknown) => [error])) as [Error] // what the event carries
  expect(cause.message).toContain('429')
  const codes = await Promise.all(silent.map((socket) => once(socket, 'close')))
  expect(codes.map(([code]) => code as number)).toEqual([4408, 4408])
  const after = await opened(app.admin)
  expect(after).toHaveProperty('close')
  if ('close' in after) await after.close()
})

test('a caller has so many subscriptions at once, over WebSocket and SSE together', async () => {
  const query = 'subscription { organizationChanged { cursor } }'
  const socket = app.admin.socket()
  const received: unknown[] = []
  const stop = socket.subscribe(
    { query },
    { next: (result) => received.push(result), error: () => {}, complete: () => {} },
  )
  await until(() => received.length > 0)
  const gone = new AbortController()
  const streaming = (signal: AbortSignal) =>
    fetch(`${app.url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'text/event-stream',
        ...app.admin.headers,
      },
      body: JSON.stringify({ query }),
      signal,
    })
  const stream = await streaming(gone.signal)
  expect(stream.status).toBe(200)
  const third = await doors['SSE']!(app.admin, { query })
  expect(third).toMatchObject({ status: 429, errors: [{ extensions: { code: 'QUOTA_REACHED' } }] })
  expect(Number(third.retryAfter)).toBeGreaterThan(0)
  expect(JSON.stringify(third.errors)).not.toContain('http')
  const fourth = await new Promise((resolve) => {
    socket.subscribe({ query }, { next: resolve, error: resolve, complete: () => {} })
  })
  expect(JSON.stringify(fourth)).toContain('QUOTA_REACHED')
  expect(JSON.stringify(fourth)).not.toContain('"http"')
  // a place that is left is free again, on whichever door
  gone.abort()
  stop()
  for (let n = 0; n < 2; n += 1)
    await until(async () => (await doors['WebSocket']!(app.admin, { query })).errors === undefined)
  await socket.dispose()
})
