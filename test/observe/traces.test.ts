import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { graphql } from '../../testkit/generated/index.ts'
import { testDatabase, type TestDatabase } from '../../testkit/database/database.ts'
import { ServiceLogs } from '../../testkit/operations/streams.ts'
import { runningService } from '../../testkit/seed/services.ts'
import { TestServer } from '../../testkit/server.ts'
import { until } from '../../testkit/until.ts'
import { receiver, type ReceivedSpan, type Receiver } from './receiver.ts'

const Traced = graphql(`
  query ObserveTraced($id: ID!) {
    service(id: $id) {
      id
      ... on ProcessService {
        deployment {
          id
        }
      }
    }
  }
`)

/** Answers the headers it was called with. */
const mirror = {
  'package.json': '{"type":"module"}',
  'main.js': `export const handler = (request) => Response.json(Object.fromEntries(request.headers))`,
}

const SERVER = 2
const CLIENT = 3

let database: TestDatabase
let collector: Receiver
let server: TestServer
let service: { id: string; invokeUrl: string }
beforeAll(async () => {
  database = await testDatabase()
  collector = await receiver()
  server = new TestServer(database, {
    OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/`,
    OTEL_EXPORTER_OTLP_HEADERS: 'x-receiver=a%20secret',
    OTEL_SERVICE_NAME: 'millrace-under-test',
  })
  await server.start()
  service = await runningService(server.admin, mirror, { image: 'node' })
})
afterAll(async () => {
  await server.end('SIGTERM')
  await collector.close()
  await database.drop()
})

interface Caller {
  readonly traceId: string
  readonly spanId: string
  readonly headers: Record<string, string>
}

/** A trace of a caller's own. */
function caller(): Caller {
  const traceId = randomBytes(16).toString('hex')
  const spanId = randomBytes(8).toString('hex')
  const traceparent = `00-${traceId}-${spanId}-01`
  return { traceId, spanId, headers: { traceparent, tracestate: 'theirs=1' } }
}

/** All spans of a trace, once one with that name has come. */
async function spansOf({ traceId }: Caller, name: string | RegExp): Promise<ReceivedSpan[]> {
  const found = () => collector.spans.filter((span) => span.traceId === traceId)
  await until(() => found().some((span) => span.name.match(name) !== null))
  return found()
}

const named = (spans: readonly ReceivedSpan[], name: string | RegExp): ReceivedSpan => {
  const span = spans.find((one) => one.name.match(name) !== null)
  if (span === undefined) throw new Error(`No ${name} in ${spans.map((one) => one.name).join()}`)
  return span
}

const post = (by: Caller, query: string, variables: object) =>
  fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...server.admin.headers, ...by.headers },
    body: JSON.stringify({ query, variables }),
  })

// spans are sent every two seconds: these wait for theirs together
test.concurrent('one request is one connected trace, from the caller over HTTP and GraphQL to SQL', async () => {
  const by = caller()
  expect((await post(by, Traced.toString(), { id: service.id })).status).toBe(200)
  const spans = await spansOf(by, /^POST \/graphql$/)
  const http = named(spans, 'POST /graphql')
  expect(http).toMatchObject({
    parentSpanId: by.spanId,
    kind: SERVER,
    service: 'millrace-under-test',
    attributes: {
      'http.request.method': 'POST',
      'http.route': '/graphql',
      'url.path': '/graphql',
      'http.response.status_code': 200,
    },
  })
  const operation = named(spans, 'query ObserveTraced')
  expect(operation.parentSpanId).toBe(http.spanId)
  expect(operation.attributes).toMatchObject({
    'graphql.operation.type': 'query',
    'graphql.operation.name': 'ObserveTraced',
  })
  expect(operation.attributes['graphql.document.sha256']).toMatch(/^[\da-f]{64}$/)
  const sql = spans.filter((span) => span.attributes['db.system.name'] === 'postgresql')
  const ofOperation = sql.filter((span) => span.parentSpanId === operation.spanId)
  expect(ofOperation.some((span) => span.name.includes('SELECT Service'))).toBe(true)
  for (const span of sql) expect(span.kind).toBe(CLIENT)
  // every span but the first has its parent in the trace
  const ids = new Set(spans.map((span) => span.spanId))
  for (const span of spans) expect([by.spanId, ...ids], span.name).toContain(span.parentSpanId)
  // neither the id that was asked for nor any other value
  expect(JSON.stringify(spans)).not.toContain(service.id)
})

test.concurrent('named SQL is traced like that of Prisma, by what it does to which tables', async () => {
  const by = caller()
  const logs = 'query { services(first: 1) { nodes { logs(first: 1) { nodes { text } } } } }'
  await post(by, logs, {})
  const spans = await spansOf(by, 'POST /graphql')
  expect(spans.map(({ name }) => name)).toContain('SELECT LogHead, SELECT LogLine')
})

test.concurrent('a call hands the trace and the id of the request to the instance', async () => {
  const by = caller()
  const response = await fetch(`${service.invokeUrl}?signature=hush`, {
    headers: { ...server.admin.headers, ...by.headers, 'x-request-id': 'mine-1' },
  })
  const seen = (await response.json()) as Record<string, string>
  expect(response.headers.get('x-request-id')).toBe('mine-1')
  expect(seen['x-request-id']).toBe('mine-1')
  const spans = await spansOf(by, /^GET \/deployments/)
  const call = named(spans, 'GET service')
  expect(seen['traceparent']).toBe(`00-${by.traceId}-${call.spanId}-01`)
  expect(seen['tracestate']).toBe('theirs=1')
  expect(call.kind).toBe(CLIENT)
  expect(call.parentSpanId).toBe(named(spans, /^GET \/deployments/).spanId)
  expect(JSON.stringify(spans)).not.toContain('hush')
})

test.concurrent('an operation over a WebSocket is a trace of its own, and its deliveries are none', async () => {
  const socket = server.admin.socket()
  let delivered = 0
  const leave = socket.subscribe(
    { query: ServiceLogs.toString(), variables: { serviceId: service.id, last: 0 } },
    { next: () => (delivered += 1), error() {}, complete() {} },
  )
  const name = 'subscription ServiceLogs'
  await until(() => collector.spans.some((span) => span.name === name))
  const start = named(collector.spans, name)
  expect(start.parentSpanId ?? '').toBe('')
  expect(start.attributes['millrace.door']).toBe('websocket')
  leave()
  await socket.dispose()
  expect(delivered).toBeGreaterThanOrEqual(0)
})

test.concurrent('a malformed traceparent is no parent, and a caller that does not sample is heeded', async () => {
  const bad = { ...caller(), headers: { traceparent: '00-xyz-1-01' } }
  await post(bad, 'query OfNobody { __typename }', {})
  const by = caller()
  const quiet = { ...by, headers: { traceparent: `00-${by.traceId}-${by.spanId}-00` } }
  await post(quiet, '{ __typename }', {})
  const ofNobody = () => collector.spans.find(({ name }) => name === 'query OfNobody')
  await until(() => ofNobody() !== undefined)
  const spans = await spansOf({ ...bad, traceId: ofNobody()?.traceId ?? '' }, 'POST /graphql')
  expect(named(spans, 'POST /graphql').parentSpanId ?? '').toBe('')
  const last = caller()
  await post(last, '{ __typename }', {})
  await spansOf(last, 'POST /graphql')
  expect(collector.spans.filter((span) => span.traceId === by.traceId)).toEqual([])
})

test('a receiver that fails harms no request and fills no log, and is sent to again when it is back', async () => {
  collector.refuseWith = 400
  for (let n = 0; n < 5; n += 1)
    expect((await post(caller(), '{ __typename }', {})).status).toBe(200)
  await until(() => server.output.includes('traces cannot be sent'))
  collector.refuseWith = undefined
  const by = caller()
  await post(by, '{ __typename }', {})
  await spansOf(by, 'POST /graphql')
  expect(server.output.split('traces cannot be sent')).toHaveLength(2)
  expect(collector.headers['x-receiver']).toBe('a secret')
  expect(server.output).not.toContain('a secret')
})

test('what is not sent yet is sent when the server stops', async () => {
  const by = caller()
  await post(by, Traced.toString(), { id: service.id })
  await server.end('SIGTERM')
  const names = collector.spans
    .filter((span) => span.traceId === by.traceId)
    .map(({ name }) => name)
  expect(names).toContain('POST /graphql')
  expect(names).toContain('query ObserveTraced')
})

test('without a receiver nothing of OpenTelemetry is loaded but the interface that prom-client names', async () => {
  const tell = `import { Module } from 'node:module'
    process.on('exit', () => console.error('LOADED ' + JSON.stringify(
      Object.keys(Module._cache).map((file) => /@opentelemetry.[\\w-]+/.exec(file)?.[0]).filter(Boolean))))`
  const plain = new TestServer(database, {
    NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(tell)}`,
  })
  await server.end('SIGTERM') // it has the data folder
  try {
    await plain.start()
    await fetch(`${plain.url}/metrics`, { headers: plain.admin.headers })
  } finally {
    await plain.end('SIGTERM')
  }
  // each thread tells of its own
  const lists = [...plain.output.matchAll(/LOADED (.*)/g)].map(([, list = '']) => list)
  const loaded = lists.flatMap((list) => JSON.parse(list) as string[])
  expect([...new Set(loaded)]).toEqual(['@opentelemetry/api'])
})
