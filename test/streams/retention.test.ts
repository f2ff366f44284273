import { afterAll, beforeAll, expect, test } from 'vitest'
import { sweepOnce } from '../../src/streams/retention.ts'
import { until } from '../support/until.ts'
import { firstFault, followLog, hasLines, linesOf, logPage, deliveriesOf } from './follow.ts'
import { numbered, streamApp, type StreamApp } from './stream-app.ts'

let app: StreamApp
beforeAll(async () => {
  app = await streamApp()
})
afterAll(() => app.close())

const keep = (logRetentionLines: number): Promise<void> =>
  sweepOnce(app.database, {
    logRetentionLines,
    logRetentionMs: 0,
    eventRetentionMs: 0,
    trafficRetentionMs: 0,
  })

test('a reader that comes back too late is told of the gap, and what it has joins up with it', async () => {
  const service = await app.service()
  await app.print(service, numbered(10))
  const before = followLog(app.admin, { id: service.id, after: 'start' })
  await hasLines(before, 10)
  const cursor = String(before.results.at(-1)?.extensions?.['cursor'])
  before.stop()

  for (let from = 11; from <= 5_000; from += 499)
    await app.print(service, numbered(499, 'line', from))
  await keep(1_000)
  const { totalCount, pageInfo } = await logPage(app.admin, { id: service.id, first: 1 })
  expect(totalCount).toBe(1_000)
  expect(pageInfo.hasPreviousPage).toBe(false)

  const late = followLog(app.admin, { id: service.id, after: cursor })
  await hasLines(late, 1_000)
  const [first] = deliveriesOf(late)
  expect(first?.gap).toEqual({ from: 11, to: 4_000, reason: 'RETENTION' })
  const numbers = linesOf(late).map(({ number }) => number)
  expect(numbers[0]).toBe(4_001)
  expect(firstFault(numbers.map((number) => number - 4_000))).toBeUndefined()
  late.stop()
})

test('whoever follows meanwhile is not disturbed, and new lines go on with the next number', async () => {
  const service = await app.service()
  await app.print(service, numbered(100))
  const reader = followLog(app.admin, { id: service.id, after: 'start' })
  await hasLines(reader, 100)
  await keep(10)
  await app.print(service, numbered(5, 'line', 101))
  await hasLines(reader, 105)
  expect(deliveriesOf(reader).some(({ gap }) => gap !== null)).toBe(false)
  expect(firstFault(linesOf(reader).map(({ number }) => number))).toBeUndefined()
  reader.stop()
})

test('a log of which nothing is left tells a gap up to its end', async () => {
  const service = await app.service()
  await app.print(service, numbered(50))
  await sweepOnce(app.database, {
    logRetentionLines: 0,
    logRetentionMs: 1,
    eventRetentionMs: 0,
    trafficRetentionMs: 0,
  })
  const reader = followLog(app.admin, { id: service.id, after: 'start' })
  await until(() => reader.results.length > 0)
  expect(deliveriesOf(reader)[0]?.gap).toEqual({ from: 1, to: 50, reason: 'RETENTION' })
  await app.print(service, ['line 51'])
  await hasLines(reader, 1)
  expect(linesOf(reader)[0]).toMatchObject({ number: 51, text: 'line 51' })
  reader.stop()
})

test('pages and deliveries of very long lines are bounded, and none is lost', async () => {
  const service = await app.service()
  const long = 'x'.repeat(249_000)
  for (let n = 0; n < 6; n += 1)
    await app.print(
      service,
      Array.from({ length: 10 }, () => long),
    )
  const page = await logPage(app.admin, { id: service.id, first: 60 })
  expect(page.nodes.length).toBeLessThan(60)
  expect(page.pageInfo.hasNextPage).toBe(true)
  const rest = await logPage(app.admin, {
    id: service.id,
    first: 60,
    after: page.pageInfo.endCursor,
  })
  expect(rest.nodes[0]?.number).toBe(page.nodes.length + 1)
  const reader = followLog(app.admin, { id: service.id, after: 'start' })
  await hasLines(reader, 60)
  expect(firstFault(linesOf(reader).map(({ number }) => number))).toBeUndefined()
  expect(Math.max(...deliveriesOf(reader).map(({ lines }) => lines.length))).toBeLessThan(30)
  reader.stop()
})
