import { afterAll, beforeAll, expect, test } from 'vitest'
import type { LogFilter } from '../../testkit/generated/graphql.ts'
import { deliveriesOf, followLog, hasLines, linesOf, logPage } from '../streams/follow.ts'
import { amount } from '../../testkit/random.ts'
import { numbered, streamApp, type StreamApp } from '../../testkit/stream-app.ts'
import { until } from '../../testkit/until.ts'

let app: StreamApp
beforeAll(async () => {
  app = await streamApp()
})
afterAll(() => app.close())

const filters: [string, LogFilter][] = [
  ['text', { text: '7' }],
  ['sources', { sources: ['STDERR'] }],
  ['instances', { instances: [1] }],
  ['a time', { at: { from: '2000-01-01T00:00:00Z', to: '2100-01-01T00:00:00Z' } }],
  ['a time that is over', { at: { from: '2000-01-01T00:00:00Z', to: '2001-01-01T00:00:00Z' } }],
  ['all of it', { text: '3', sources: ['STDOUT', 'STDERR'], instances: [0, 7] }],
]

test.each(filters)(
  'a live log filtered by %s has the lines that its pages have, and both cursors agree',
  async (_name, filter) => {
    const service = await app.service()
    const live = followLog(app.admin, { serviceId: service.id, filter, last: 0 })
    const sentinel = followLog(app.admin, { serviceId: service.id, last: 0 })
    // both are there before the first line is
    await until(async () => {
      await app.print(service, ['begin'])
      return linesOf(sentinel).length > 0
    })
    for (let round = 0; round < 10; round += 1) {
      await app.print(service, numbered(5, 'out', round * 5), round % 2)
      const errors = numbered(3, 'err', round * 3).map((text) => ({
        source: 'STDERR' as const,
        text,
      }))
      await app.print(service, errors, round % 3)
    }
    const page = await logPage(app.admin, { id: service.id, filter, first: 1_000 })
    const end = (await logPage(app.admin, { id: service.id, last: 1 })).pageInfo.endCursor
    await until(() => live.results.at(-1)?.extensions?.['cursor'] === end)
    live.stop()
    sentinel.stop()
    const seen = linesOf(live)
    const first = seen[0]?.number ?? Infinity
    expect(seen).toEqual(page.nodes.filter(({ number }) => number >= first))
    expect(seen.filter(({ text }) => text !== 'begin')).toEqual(
      page.nodes.filter(({ text }) => text !== 'begin'),
    )
    // a cursor of the one is good for the other
    await app.print(service, [{ source: 'STDERR', text: '7 and 3' }], 1)
    const rest = await logPage(app.admin, { id: service.id, filter, after: end, first: 10 })
    const resumed = followLog(app.admin, { serviceId: service.id, filter, after: end })
    await until(() => resumed.results.length > 0)
    resumed.stop()
    expect(linesOf(resumed)).toEqual(rest.nodes)
  },
)

test('a filter that matches nothing of a busy log tells its progress once a second, and its end', async () => {
  const service = await app.service()
  const busy = followLog(app.admin, { serviceId: service.id, last: 0 })
  const quiet = followLog(app.admin, {
    serviceId: service.id,
    filter: { text: 'never printed' },
    last: 0,
  })
  const began = performance.now()
  await until(async () => {
    await app.print(service, ['begin'])
    return linesOf(busy).length > 0
  })
  const rounds = amount({ share: 50, whole: 150 })
  for (let n = 0; n < rounds; n += 1) {
    const count = linesOf(busy).length
    await app.print(service, numbered(3))
    await hasLines(busy, count + 1)
  }
  const end = (await logPage(app.admin, { id: service.id, last: 1 })).pageInfo.endCursor
  await until(() => quiet.results.at(-1)?.extensions?.['cursor'] === end)
  const seconds = (performance.now() - began) / 1000
  busy.stop()
  quiet.stop()
  expect(linesOf(quiet)).toEqual([])
  expect(deliveriesOf(busy).length).toBeGreaterThanOrEqual(rounds)
  expect(deliveriesOf(quiet).length).toBeLessThanOrEqual(seconds + 2)

  // it goes on where it was told to be
  await app.print(service, ['never printed before'])
  const cursor = String(quiet.results.at(-1)?.extensions?.['cursor'])
  const filter = { text: 'never printed' }
  const resumed = followLog(app.admin, { serviceId: service.id, filter, after: cursor })
  await hasLines(resumed, 1)
  resumed.stop()
})
