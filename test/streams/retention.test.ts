import { afterAll, beforeAll, expect, test } from 'vitest'
import { writeCursor } from '../../src/streams/index.ts'
import { sweepOnce } from '../../src/streams/retention.ts'
import { removeOldEvents } from '../../src/job-engine/index.ts'
import type { LogPageQueryVariables } from '../../testkit/generated/graphql.ts'
import { Activities } from '../../testkit/operations/organizations.ts'
import { JobEvents, ServiceEvents } from '../../testkit/operations/streams.ts'
import { seedQueue, submit } from '../../testkit/seed/jobs.ts'
import { until } from '../../testkit/until.ts'
import { firstFault, followLog, hasLines, linesOf, logPage, deliveriesOf } from './follow.ts'
import { numbered, streamApp, type StreamApp } from '../../testkit/stream-app.ts'

let app: StreamApp
beforeAll(async () => {
  app = await streamApp()
})
afterAll(() => app.close())

const removed = (from: number, to: number) => ({ from, to, reason: 'RETENTION' })

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
  const before = followLog(app.admin, { serviceId: service.id, after: 'start' })
  await hasLines(before, 10)
  const cursor = String(before.results.at(-1)?.extensions?.['cursor'])
  before.stop()

  for (let from = 11; from <= 5_000; from += 499)
    await app.print(service, numbered(499, 'line', from))
  await keep(1_000)
  const { totalCount, pageInfo } = await logPage(app.admin, { id: service.id, first: 1 })
  expect(totalCount).toBe(1_000)
  expect(pageInfo.hasPreviousPage).toBe(false)

  const late = followLog(app.admin, { serviceId: service.id, after: cursor })
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
  const reader = followLog(app.admin, { serviceId: service.id, after: 'start' })
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
  const reader = followLog(app.admin, { serviceId: service.id, after: 'start' })
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
  const reader = followLog(app.admin, { serviceId: service.id, after: 'start' })
  await hasLines(reader, 60)
  expect(firstFault(linesOf(reader).map(({ number }) => number))).toBeUndefined()
  expect(Math.max(...deliveriesOf(reader).map(({ lines }) => lines.length))).toBeLessThan(30)
  reader.stop()
})

test('whoever reads page by page is told of the gap where the page has it, whatever is filtered', async () => {
  const service = await app.service()
  const { id } = service
  await app.print(service, numbered(100))
  const at = (number: number) => writeCursor({ kind: 'log', id: service.uuid }, number)
  const gapOf = async (asked: Omit<LogPageQueryVariables, 'id'>) =>
    (await logPage(app.admin, { id, ...asked })).gap
  expect(await gapOf({ first: 10 })).toBeNull()
  expect(await gapOf({ last: 1_000 })).toBeNull()
  await keep(40)
  expect(await gapOf({ first: 10 })).toEqual(removed(1, 60))
  expect(await gapOf({ after: at(10), first: 10 })).toEqual(removed(11, 60))
  expect(await gapOf({ after: at(60) })).toBeNull()
  expect(await gapOf({ after: at(70) })).toBeNull()
  expect(await gapOf({ after: at(10), before: at(30) })).toEqual(removed(11, 29))
  expect(await gapOf({ after: at(10), filter: { text: 'line 99' } })).toEqual(removed(11, 60))
  expect(await gapOf({ after: at(60), filter: { text: 'line 99' } })).toBeNull()
  expect(await gapOf({ last: 10 })).toBeNull()
  expect(await gapOf({ last: 10, before: at(71) })).toEqual(removed(1, 60))
  expect(await gapOf({ last: 10, before: at(72) })).toBeNull()
  expect(await gapOf({ last: 10, after: at(5), before: at(66) })).toEqual(removed(6, 60))
  expect(await gapOf({ last: 10, before: at(50) })).toEqual(removed(1, 49))
})

test('a poller is told of a gap once, and goes on behind it, also in a database that was restored', async () => {
  const service = await app.service()
  const { id } = service
  await app.print(service, numbered(50))
  const at = (number: number) => writeCursor({ kind: 'log', id: service.uuid }, number)
  await sweepOnce(app.database, {
    logRetentionLines: 0,
    logRetentionMs: 1,
    eventRetentionMs: 0,
    trafficRetentionMs: 0,
  })
  const pageAfter = (after: string | null) => logPage(app.admin, { id, first: 100, after })
  const gone = await pageAfter(at(10))
  expect(gone).toMatchObject({ nodes: [], gap: removed(11, 50) })
  expect(await pageAfter(gone.pageInfo.endCursor)).toMatchObject({ nodes: [], gap: null })
  const restored = { from: 51, to: 900, reason: 'RESTORED' }
  const lost = await pageAfter(at(900))
  expect(lost).toMatchObject({ nodes: [], gap: restored })
  expect(await logPage(app.admin, { id, last: 5, before: at(901) })).toMatchObject({
    gap: restored,
  })
  await app.print(service, ['line 51'])
  for (const { pageInfo } of [gone, lost])
    expect(await pageAfter(pageInfo.endCursor)).toMatchObject({
      nodes: [{ number: 51 }],
      gap: null,
    })
})

test('pages of events tell their gaps as well', async () => {
  const { id: serviceId } = await app.service()
  const queue = await seedQueue(app.admin)
  const { id: jobId } = await submit(app.admin, queue)
  const read = async () => ({
    ...(await app.admin.request(ServiceEvents, { serviceId })),
    ...(await app.admin.request(JobEvents, { jobId })),
  })
  const whole = await read()
  expect(whole).toMatchObject({
    service: { events: { gap: null } },
    job: { events: { gap: null } },
  })
  const retained = { ...app.config, eventRetentionMs: 1 }
  await sweepOnce(app.database, retained)
  await removeOldEvents({ ...app.platform, config: retained })
  const left = await read()
  const [head] = whole.service?.events.nodes ?? []
  expect(left).toMatchObject({
    service: { events: { nodes: [], gap: removed(1, head?.number ?? 0) } },
    job: { events: { nodes: [], gap: removed(1, 1) } },
  })

  const { activity } = await app.admin.request(Activities, { last: 1 })
  expect(activity.gap).toBeNull()
  const organization = await app.database.prisma.organization.findFirstOrThrow()
  const before = writeCursor({ kind: 'audit', id: organization.id }, 1_000_000)
  const later = await app.admin.request(Activities, { before })
  expect(later.activity.gap).toMatchObject({ to: 1_000_000, reason: 'RESTORED' })
})
