import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { catalogue, type Definition } from '../../src/ports/metrics/catalogue.ts'
import { testApp, type TestApp } from '../../testkit/app.ts'
import { ServiceStatus } from '../../testkit/operations/services.ts'
import { ServiceLogs } from '../../testkit/operations/streams.ts'
import { runningService } from '../../testkit/seed/services.ts'
import { until } from '../../testkit/until.ts'
import { samplesIn, scrape, total } from './scrape.ts'

const METRICS_TOKEN = 'only-for-the-scraper'

const printer = {
  'package.json': '{"type":"module"}',
  'main.js': `
    export function handler(request) {
      const { searchParams } = new URL(request.url)
      console.log(searchParams.get('say') ?? 'called')
      return new Response('ok', { status: Number(searchParams.get('status') ?? 200) })
    }`,
}

let app: TestApp
let service: { id: string; invokeUrl: string; versionId: string }
beforeAll(async () => {
  app = await testApp({ METRICS_TOKEN })
  service = await runningService(app.admin, printer, { image: 'node' })
})
afterAll(() => app.close())

const read = () => scrape(app.url, app.admin.headers)

const readAs = (accept: string) =>
  fetch(`${app.url}/metrics`, { headers: { ...app.admin.headers, accept } })

const call = async (query: string, headers = app.admin.headers): Promise<string> =>
  (await fetch(`${service.invokeUrl}${query}`, { headers })).text()

/** What a metric has grown by since `before`. */
async function growth(
  before: Awaited<ReturnType<typeof read>>,
  name: keyof typeof catalogue | `${keyof typeof catalogue}_${'count' | 'sum'}`,
  labels: Record<string, string> = {},
): Promise<number> {
  return total(await read(), name, labels) - total(before, name, labels)
}

test('docs/metrics.md and the code have the same metrics', async () => {
  const page = await readFile(new URL('../../docs/metrics.md', import.meta.url), 'utf8')
  const rows = page.split('\n').filter((line) => line.startsWith('| `millrace_'))
  const documented = rows.map((row) => row.slice(2, -2).split(' | '))
  const defined = Object.entries<Definition>(catalogue).map(([name, { type, help, labels }]) => [
    `\`${name}\``,
    type,
    Object.keys(labels)
      .map((label) => `\`${label}\``)
      .join(', '),
    help,
  ])
  expect(documented).toEqual(defined)
  const used = [...page.matchAll(/\bmillrace_\w+/g)].map(([name]) =>
    name.replace(/_(bucket|sum|count)$/, ''),
  )
  expect(used.filter((name) => !(name in catalogue))).toEqual([])
})

test('what is served has exactly these names, each with its type and meaning, and those of the process', async () => {
  const response = await fetch(`${app.url}/metrics`, { headers: app.admin.headers })
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  const text = await response.text()
  const types = [...text.matchAll(/^# TYPE (millrace_\S+) (\S+)$/gm)].map(([, name, type]) => [
    name,
    type,
  ])
  expect(types).toEqual(Object.entries(catalogue).map(([name, { type }]) => [name, type]))
  expect(text).toMatch(/^process_cpu_seconds_total \d/m)
  expect(text).toMatch(/^nodejs_eventloop_lag_p99_seconds \d/m)
})

test('OpenMetrics is spoken where it is asked for, time and again', async () => {
  for (let round = 0; round < 2; round += 1) {
    const open = await readAs('application/openmetrics-text;version=1.0.0,text/plain;q=0.5')
    expect(open.headers.get('content-type')).toMatch(/^application\/openmetrics-text; version=1/)
    const text = await open.text()
    expect(text.endsWith('\n# EOF\n')).toBe(true)
    expect(text).toContain('# TYPE millrace_http_requests counter\n')
    expect(text).toMatch(/^millrace_http_requests_total\{/m)
    expect(text).not.toContain('\n\n')
    expect(await (await readAs('text/plain')).text()).toContain(
      '# TYPE millrace_http_requests_total counter\n',
    )
  }
})

test('requests are counted by route, method and class, with no path of a caller in any label', async () => {
  const before = await read()
  await fetch(`${app.url}/healthz`)
  await fetch(`${app.url}/nowhere/at-all`)
  await fetch(`${app.url}/uploads/upl_secret-looking/source.tgz?signature=hush`, { method: 'PUT' })
  await app.admin.request(ServiceStatus, { id: service.id })
  const requests = (labels: Record<string, string>) =>
    growth(before, 'millrace_http_requests_total', labels)
  await until(
    async () => (await requests({ route: '/graphql', method: 'POST', status: '2xx' })) === 1,
  )
  expect(await requests({ route: '/healthz', method: 'GET', status: '2xx' })).toBe(1)
  expect(await requests({ route: 'none', status: '4xx' })).toBe(1)
  expect(await requests({ route: '/uploads/:id/source.tgz', method: 'PUT', status: '4xx' })).toBe(1)
  expect(
    await growth(before, 'millrace_http_request_duration_seconds_count', { route: 'none' }),
  ).toBe(1)
  const text = await (await fetch(`${app.url}/metrics`, { headers: app.admin.headers })).text()
  expect(text).not.toMatch(/at-all|secret-looking|hush/)
  expect(text).not.toContain(service.id)
})

test('operations are counted by door, kind and code, refused documents too', async () => {
  const before = await read()
  await app.admin.request(ServiceStatus, { id: service.id })
  await app.stranger.execute(ServiceStatus, { id: service.id })
  await fetch(`${app.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...app.admin.headers },
    body: JSON.stringify({ query: '{ nothing { of } that }' }),
  })
  const operations = (labels: Record<string, string>) =>
    growth(before, 'millrace_graphql_operations_total', labels)
  expect(await operations({ kind: 'query', code: 'OK' })).toBe(1)
  expect(await operations({ kind: 'query', code: 'UNAUTHENTICATED' })).toBe(1)
  expect(await operations({ kind: 'none', code: 'BAD_REQUEST' })).toBe(1)
  expect(
    await growth(before, 'millrace_graphql_operation_duration_seconds_count', { kind: 'query' }),
  ).toBe(2)
})

test('a credential that is not known is counted, over HTTP and over a socket', async () => {
  const before = await read()
  const liar = app.client('a-token-that-nobody-has')
  await liar.execute(ServiceStatus, { id: service.id })
  const socket = liar.socket()
  await new Promise<void>((resolve) => {
    socket.subscribe(
      { query: ServiceLogs.toString(), variables: { serviceId: service.id, last: 0 } },
      { next() {}, error: () => resolve(), complete: resolve },
    )
  })
  await socket.dispose()
  expect(await growth(before, 'millrace_authentication_failures_total')).toBe(2)
})

test('following a log moves sockets, subscriptions, streams, entries and lag, and cutting it moves them back', async () => {
  const before = await read()
  const socket = app.admin.socket()
  const heard: string[] = []
  const leave = socket.subscribe<{ serviceLogs: { lines: { text: string }[] } }>(
    { query: ServiceLogs.toString(), variables: { serviceId: service.id, last: 0 } },
    {
      next: ({ data }) => heard.push(...(data?.serviceLogs.lines ?? []).map(({ text }) => text)),
      error() {},
      complete() {},
    },
  )
  await until(
    async () => total(await read(), 'millrace_subscriptions', { door: 'websocket' }) === 1,
  )
  await until(async () => total(await read(), 'millrace_stream_followers') === 1)
  const during = await read()
  expect(total(during, 'millrace_websockets')).toBe(1)
  expect(total(during, 'millrace_streams_followed')).toBe(1)
  // said until it is heard: the follower may have come before its reader was at the head
  await until(async () => {
    await fetch(`${service.invokeUrl}?say=hello`, { headers: app.admin.headers })
    return heard.includes('hello')
  })
  await until(async () => (await growth(before, 'millrace_stream_lag_seconds_count')) > 0)
  expect(await growth(before, 'millrace_stream_entries_delivered_total')).toBeGreaterThan(0)
  expect(
    await growth(before, 'millrace_subscription_deliveries_total', { door: 'websocket' }),
  ).toBeGreaterThan(0)
  expect(await growth(before, 'millrace_bus_hints_published_total')).toBeGreaterThan(0)
  expect(await growth(before, 'millrace_bus_hints_received_total')).toBeGreaterThan(0)
  expect(await growth(before, 'millrace_log_lines_stored_total')).toBeGreaterThan(0)
  expect(await growth(before, 'millrace_log_append_duration_seconds_count')).toBeGreaterThan(0)
  expect(
    await growth(before, 'millrace_graphql_operations_total', {
      door: 'websocket',
      kind: 'subscription',
      code: 'OK',
    }),
  ).toBe(1)
  leave()
  await socket.dispose()
  await until(async () => {
    const after = await read()
    return (
      total(after, 'millrace_subscriptions') === 0 &&
      total(after, 'millrace_stream_followers') === 0 &&
      total(after, 'millrace_streams_followed') === 0 &&
      total(after, 'millrace_websockets') === 0
    )
  })
})

test('an SSE stream is counted while it is open', async () => {
  const stop = new AbortController()
  const query = new URLSearchParams({
    query: ServiceLogs.toString(),
    variables: JSON.stringify({ serviceId: service.id, last: 0 }),
  })
  const response = await fetch(`${app.url}/graphql?${query}`, {
    headers: { ...app.admin.headers, accept: 'text/event-stream' },
    signal: stop.signal,
  })
  expect(response.ok).toBe(true)
  await until(async () => total(await read(), 'millrace_sse_streams') === 1)
  expect(total(await read(), 'millrace_subscriptions', { door: 'sse' })).toBe(1)
  stop.abort()
  await until(async () => total(await read(), 'millrace_sse_streams') === 0)
  await until(async () => total(await read(), 'millrace_subscriptions', { door: 'sse' }) === 0)
})

test('calls of a service are counted by what became of them', async () => {
  const before = await read()
  await call('')
  await call('?status=503')
  await call('', {})
  const calls = (outcome: string) =>
    growth(before, 'millrace_invocations_total', { via: 'local', outcome })
  await until(async () => (await calls('ok')) === 1 && (await calls('error')) === 1)
  expect(await calls('refused')).toBe(1)
  expect(await growth(before, 'millrace_invocation_duration_seconds_count')).toBe(3)
  expect(total(await read(), 'millrace_invocations_in_flight')).toBe(0)
})

test('the service is owned with its status, and the database tells of its work', async () => {
  await until(async () => total(await read(), 'millrace_services_owned', { status: 'READY' }) === 1)
  const before = await read()
  await app.admin.request(ServiceStatus, { id: service.id })
  expect(
    await growth(before, 'millrace_database_statement_duration_seconds_count'),
  ).toBeGreaterThan(0)
  const now = await read()
  expect(total(now, 'millrace_database_connections')).toBeGreaterThan(0)
  expect(total(now, 'millrace_database_transactions_total')).toBeGreaterThan(0)
  for (const kind of ['named', 'plain', 'prisma', 'transaction'])
    expect(
      total(now, 'millrace_database_statement_duration_seconds_count', { kind }),
    ).toBeGreaterThan(0)
})

test('metrics are for administrators of the server and for the scraper, whose token does nothing else', async () => {
  const ask = async (token: string | undefined) => {
    const { headers } = app.client(token)
    return (await fetch(`${app.url}/metrics`, { headers })).status
  }
  expect(await ask(app.admin.token)).toBe(200)
  expect(await ask(METRICS_TOKEN)).toBe(200)
  expect(await ask(undefined)).toBe(401)
  expect(await ask('not-the-token-of-any')).toBe(401)
  const answer = await app.client(METRICS_TOKEN).execute(ServiceStatus, { id: service.id })
  expect(answer.data?.service ?? null).toBeNull()
  expect(answer.errors?.[0]?.extensions?.['code']).toBe('UNAUTHENTICATED')
})

test('a server that is open lets its own machine read them, and no page of another site', async () => {
  const open = await testApp({ AUTH: 'open' })
  try {
    const mine = await fetch(`${open.url}/metrics`)
    expect(mine.status).toBe(200)
    expect(samplesIn(await mine.text()).get('millrace_websockets')).toBe(0)
    const page = await fetch(`${open.url}/metrics`, { headers: { origin: 'https://evil.example' } })
    expect(page.status).toBe(403)
  } finally {
    await open.close()
  }
})
