import { Writable } from 'node:stream'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Prisma } from '../../src/generated/prisma/client.ts'
import { prometheusMetrics } from '../../src/ports/metrics/prometheus.ts'
import { sweepOnce } from '../../src/streams/retention.ts'
import { followLog, hasLines } from '../streams/follow.ts'
import { numbered, streamApp, type StreamApp } from '../../testkit/stream-app.ts'
import { until } from '../../testkit/until.ts'
import { samplesIn, scrape, total } from './scrape.ts'

let app: StreamApp
const lines: Record<string, unknown>[] = []
beforeAll(async () => {
  const into = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(JSON.parse(chunk.toString()) as Record<string, unknown>)
      done()
    },
  })
  app = await streamApp({}, pino({ level: 'debug' }, into))
})
afterAll(() => app.close())

const read = () => scrape(app.url, app.admin.headers)

const ask = (headers: Record<string, string> = {}) =>
  fetch(`${app.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...app.admin.headers, ...headers },
    body: JSON.stringify({ query: '{ deployments(first: 1) { nodes { id } } }' }),
  })
const rename = (from: string, to: string) =>
  app.database.query(
    Prisma.sql`ALTER TABLE ${Prisma.raw(`"${from}"`)} RENAME TO ${Prisma.raw(`"${to}"`)}`,
  )
const ofRequest = () => lines.filter(({ requestId }) => requestId === 'the-callers-own')

test('a reader that comes too late is counted as a gap, and what it reads is counted by its source', async () => {
  const service = await app.service()
  await app.print(service, numbered(20))
  const metrics = prometheusMetrics()
  const keep = {
    logRetentionLines: 5,
    logRetentionMs: 0,
    eventRetentionMs: 0,
    trafficRetentionMs: 0,
  }
  await sweepOnce(app.database, keep, metrics)
  const swept = samplesIn((await metrics.read('prometheus')).text)
  expect(total(swept, 'millrace_retention_removed_rows_total', { table: 'log_lines' })).toBe(15)
  const before = await read()
  const reader = followLog(app.admin, { serviceId: service.id, after: 'start' })
  await hasLines(reader, 5)
  await app.print(service, numbered(3, 'line', 21))
  await hasLines(reader, 8)
  reader.stop()
  const now = await read()
  const growth = (name: string, labels: Record<string, string>) =>
    total(now, name, labels) - total(before, name, labels)
  expect(growth('millrace_stream_gaps_total', { reason: 'RETENTION' })).toBe(1)
  expect(growth('millrace_stream_entries_delivered_total', { source: 'table' })).toBe(5)
  expect(growth('millrace_stream_entries_delivered_total', { source: 'window' })).toBe(3)
  expect(growth('millrace_stream_lag_seconds_count', {})).toBeGreaterThan(0)
})

test('a fault is answered with the id of its request, which is in the header and on all its lines in the log', async () => {
  const before = await read()
  await rename('Deployment', 'Elsewhere')
  const response = await ask({ 'x-request-id': 'the-callers-own' })
  const text = await response.text()
  await rename('Elsewhere', 'Deployment')
  expect(response.headers.get('x-request-id')).toBe('the-callers-own')
  expect(JSON.parse(text)).toMatchObject({
    errors: [
      {
        message: 'Something went wrong on the server (request the-callers-own).',
        extensions: { code: 'INTERNAL', requestId: 'the-callers-own' },
      },
    ],
  })
  await until(() => ofRequest().length === 2)
  expect(ofRequest().map(({ msg }) => msg)).toEqual(['a request failed', 'a request was answered'])
  expect(JSON.stringify(ofRequest()[0])).toContain('Deployment')
  const now = await read()
  const growth = (name: string, labels: Record<string, string>) =>
    total(now, name, labels) - total(before, name, labels)
  expect(growth('millrace_graphql_operations_total', { code: 'INTERNAL' })).toBe(1)
  expect(growth('millrace_database_errors_total', { cause: 'statement' })).toBeGreaterThan(0)
})
