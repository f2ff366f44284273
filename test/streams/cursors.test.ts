import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Prisma } from '../../src/generated/prisma/client.ts'
import type { LogFilter, LogPageQueryVariables } from '../../testkit/generated/graphql.ts'
import { LogPage, ServiceLogs } from '../../testkit/operations/streams.ts'
import { until } from '../../testkit/until.ts'
import {
  deliveriesOf,
  firstFault,
  follow,
  followLog,
  hasLines,
  linesOf,
  logPage,
  pageBackward,
  pageForward,
  type Line,
} from './follow.ts'
import { numbered, streamApp, type LogOwner, type StreamApp } from '../../testkit/stream-app.ts'

let app: StreamApp
let service: LogOwner
beforeAll(async () => {
  app = await streamApp()
  service = await app.service()
  await app.print(service, numbered(1_500))
})
afterAll(() => app.close())

const codeOf = async (cursor: string, argument: 'after' | 'before'): Promise<unknown> => {
  const answer = await app.admin.execute(LogPage, { id: service.id, [argument]: cursor })
  return answer.errors?.[0]?.extensions?.['code']
}

test('pages from both ends join up to the same log', async () => {
  const forward = await pageForward(app.admin, service.id, 333)
  expect(forward).toHaveLength(1_500)
  expect(firstFault(forward.map(({ number }) => number))).toBeUndefined()
  expect(await pageBackward(app.admin, service.id, 77)).toEqual(forward)
})

test('a page begins at the line whose number is asked for', async () => {
  const at = (from: number, more = {}) => logPage(app.admin, { id: service.id, from, ...more })
  const numbersOf = async (from: number, more = {}): Promise<number[]> =>
    (await at(from, more)).nodes.map(({ number }) => number)
  expect(await numbersOf(1_498)).toEqual([1498, 1499, 1500])
  const middle = await at(700, { first: 3 })
  expect(middle).toMatchObject({
    nodes: [{ number: 700 }, { number: 701 }, { number: 702 }],
    gap: null,
    firstNumber: 1,
    lastNumber: 1_500,
    totalCount: 1_500,
    pageInfo: { hasNextPage: true, hasPreviousPage: true },
  })
  // its cursors are those of every page
  const { startCursor: before, endCursor: after } = middle.pageInfo
  expect((await logPage(app.admin, { id: service.id, first: 1, after })).nodes).toMatchObject([
    { number: 703 },
  ])
  expect((await logPage(app.admin, { id: service.id, last: 1, before })).nodes).toMatchObject([
    { number: 699 },
  ])
  expect(await numbersOf(690, { before })).toEqual([
    690, 691, 692, 693, 694, 695, 696, 697, 698, 699,
  ])
  expect(await numbersOf(1_400, { filter: { text: '00' } })).toEqual([1400, 1500])
  expect((await at(1, { first: 1 })).pageInfo.hasPreviousPage).toBe(false)
  for (const from of [1_501, 1_502, 9_007_199_254_740_991])
    expect(await at(from)).toMatchObject({
      nodes: [],
      gap: null,
      lastNumber: 1_500,
      pageInfo: { hasNextPage: false, hasPreviousPage: true },
    })
})

test('a number is refused where a cursor or the end says where the page begins', async () => {
  const refused: Partial<LogPageQueryVariables>[] = [
    { from: 0 },
    { from: -1 },
    { from: 5, last: 1 },
    { from: 5, after: 'start' },
  ]
  for (const more of refused)
    expect(
      (await app.admin.execute(LogPage, { id: service.id, ...more })).errors?.[0]?.extensions?.[
        'code'
      ],
      JSON.stringify(more),
    ).toBe('BAD_REQUEST')
})

test('what is no cursor of this stream is refused, in queries', async () => {
  const other = await app.service()
  await app.print(other, ['one'])
  const { pageInfo } = await logPage(app.admin, { id: other.id })
  const own = (await logPage(app.admin, { id: service.id })).pageInfo.endCursor ?? ''
  const [name = ''] = own.split('.')
  const bad = [
    pageInfo.endCursor ?? '',
    '',
    'junk',
    '42',
    name,
    `${name}.`,
    `${name}.-1`,
    `${name}.1e3!`,
  ]
  for (const cursor of [...bad, `${name}.00`, `${own} `, `${name}.${'z'.repeat(40)}`])
    for (const argument of ['after', 'before'] as const)
      expect([cursor, await codeOf(cursor, argument)]).toEqual([cursor, 'BAD_CURSOR'])
})

test('what is no cursor of this stream is refused, in subscriptions', async () => {
  for (const after of ['', 'junk', 'start ']) {
    const following = followLog(app.admin, { serviceId: service.id, after })
    await until(() => following.over)
    expect(following.results).toHaveLength(1)
    expect(following.results[0]?.errors?.[0]?.extensions?.['code']).toBe('BAD_CURSOR')
  }
})

test('the cursor of a page resumes a subscription, and the other way round', async () => {
  const { pageInfo } = await logPage(app.admin, { id: service.id, first: 900 })
  const following = followLog(app.admin, { serviceId: service.id, after: pageInfo.endCursor })
  await hasLines(following, 600)
  following.stop()
  expect(linesOf(following)[0]?.number).toBe(901)
  const cursor = String(following.results[0]?.extensions?.['cursor'])
  const rest = await logPage(app.admin, { id: service.id, after: cursor })
  expect(rest.nodes[0]?.number).toBe((deliveriesOf(following)[0]?.lines.at(-1)?.number ?? 0) + 1)
})

test('an empty page has a cursor, behind which everything follows', async () => {
  const quiet = await app.service()
  const empty = await logPage(app.admin, { id: quiet.id })
  expect(empty).toMatchObject({ nodes: [], pageInfo: { hasNextPage: false }, totalCount: 0 })
  await app.print(quiet, ['first'])
  const next = await logPage(app.admin, { id: quiet.id, after: empty.pageInfo.endCursor })
  expect(next.nodes).toMatchObject([{ number: 1, text: 'first' }])
  const end = await logPage(app.admin, { id: quiet.id, after: next.pageInfo.endCursor })
  expect(end).toMatchObject({ nodes: [], pageInfo: { endCursor: next.pageInfo.endCursor } })
  const backward = await logPage(app.admin, {
    id: quiet.id,
    last: 5,
    before: next.pageInfo.startCursor,
  })
  expect(backward.nodes).toEqual([])
  const again = await logPage(app.admin, { id: quiet.id, after: backward.pageInfo.endCursor })
  expect(again.nodes).toMatchObject([{ number: 1 }])
})

test('without a cursor a subscription begins with the last lines', async () => {
  const tenLast = followLog(app.admin, { serviceId: service.id })
  const three = followLog(app.admin, { serviceId: service.id, last: 3 })
  const all = followLog(app.admin, { serviceId: service.id, last: 1_000 })
  await Promise.all([hasLines(tenLast, 10), hasLines(three, 3), hasLines(all, 1_000)])
  expect(linesOf(tenLast)[0]?.number).toBe(1_491)
  expect(linesOf(three).map(({ number }) => number)).toEqual([1_498, 1_499, 1_500])
  expect(linesOf(all)[0]?.number).toBe(501)
  for (const following of [tenLast, three, all]) following.stop()
})

test('with `last: 0` a subscription begins with what comes next', async () => {
  const noisy = await app.service()
  await app.print(noisy, numbered(5))
  const live = followLog(app.admin, { serviceId: noisy.id, last: 0 })
  const witness = followLog(app.admin, { serviceId: noisy.id, last: 1 })
  await hasLines(witness, 1)
  await until(async () => {
    await app.print(noisy, ['next'])
    return linesOf(live).length > 0
  })
  for (const following of [live, witness]) following.stop()
  expect(linesOf(live).every(({ text }) => text === 'next')).toBe(true)
})

test('a number of lines out of bounds is refused', async () => {
  for (const last of [-1, 1_001]) {
    const following = followLog(app.admin, { serviceId: service.id, last })
    await until(() => following.over)
    expect(following.results[0]?.errors?.[0]?.extensions?.['code']).toBe('BAD_REQUEST')
  }
})

test('a cursor of a database that was restored to an earlier state gets a gap, then what is there', async () => {
  const restored = await app.service()
  await app.print(restored, numbered(20))
  const { pageInfo } = await logPage(app.admin, { id: restored.id })
  // the database of a moment before: twelve lines
  await app.database.query(
    Prisma.sql`DELETE FROM "LogLine" WHERE stream = ${restored.uuid}::uuid AND number > 12`,
  )
  await app.database.query(
    Prisma.sql`UPDATE "LogHead" SET head = 12 WHERE stream = ${restored.uuid}::uuid`,
  )
  const following = follow(app.admin, ServiceLogs, {
    serviceId: restored.id,
    after: pageInfo.endCursor,
  })
  await until(() => following.results.length > 0)
  expect(deliveriesOf(following)[0]).toMatchObject({
    gap: { from: 13, to: 20, reason: 'RESTORED' },
    lines: [],
  })
  await app.print(restored, ['afterwards'])
  await hasLines(following, 1)
  following.stop()
  expect(linesOf(following)).toMatchObject([{ number: 13, text: 'afterwards' }])
})

describe('with a filter', () => {
  let service: LogOwner
  let lines: readonly Line[]
  beforeAll(async () => {
    service = await app.service()
    await app.print(service, numbered(20, 'apple'), 0)
    await app.print(service, numbered(20, 'Pear'), 1)
    await app.print(service, [
      { source: 'STDERR', text: 'an apple failed' },
      { source: 'SYSTEM', text: '100 % of _ and \\' },
      { source: 'STDERR', text: '50 % of an apple', isUnfinished: true },
      { source: 'STDERR', text: '100 % of an apple' },
    ])
    // so that the times of what follows differ
    const { nodes } = await logPage(app.admin, { id: service.id })
    await until(() => Date.now() > Date.parse(nodes.at(-1)?.at ?? '') + 5)
    await app.print(service, numbered(20, 'late'), 1)
    lines = (await logPage(app.admin, { id: service.id, first: 1_000 })).nodes
  })
  const cases: [string, () => LogFilter, (line: Line) => boolean][] = [
    ['text', () => ({ text: 'Apple 1' }), ({ text }) => text.includes('apple 1')],
    ['text in another case', () => ({ text: 'PEAR' }), ({ text }) => text.startsWith('Pear')],
    [
      'text that SQL would read',
      () => ({ text: '% of _ and \\' }),
      ({ source }) => source === 'SYSTEM',
    ],
    ['finished', () => ({ isUnfinished: false }), ({ isUnfinished }) => !isUnfinished],
    ['unfinished', () => ({ isUnfinished: true }), ({ isUnfinished }) => isUnfinished],
    ['sources', () => ({ sources: ['STDERR', 'SYSTEM'] }), ({ source }) => source !== 'STDOUT'],
    ['no sources', () => ({ sources: [] }), () => false],
    ['instances', () => ({ instances: [0] }), ({ instance }) => instance === 0],
    ['any of instances', () => ({ instances: [1, 7] }), ({ instance }) => instance === 1],
    ['no instances', () => ({ instances: [] }), () => false],
    ['attempts', () => ({ attempts: [1, 2] }), () => false],
    [
      'a time',
      () => ({ at: { from: timeOf('late 1') } }),
      ({ at }) => Date.parse(at) >= Date.parse(timeOf('late 1')),
    ],
    [
      'a range of time, its end not included',
      () => ({ at: { from: timeOf('apple 1'), to: timeOf('late 1') } }),
      ({ at }) => Date.parse(at) < Date.parse(timeOf('late 1')),
    ],
    [
      'all at once',
      () => ({ text: '2', sources: ['STDOUT'], instances: [1] }),
      ({ text, instance }) => text.includes('2') && instance === 1,
    ],
  ]

  const timeOf = (text: string): string => lines.find((line) => line.text === text)?.at ?? ''

  test.concurrent.each(cases)(
    'a filter by %s takes the same lines in a query and in a subscription',
    async (_name, filterOf, isWanted) => {
      const filter = filterOf()
      const wanted = lines.filter(isWanted)
      expect((await logPage(app.admin, { id: service.id, filter, first: 1_000 })).nodes).toEqual(
        wanted,
      )
      expect((await logPage(app.admin, { id: service.id, filter, last: 1_000 })).nodes).toEqual(
        wanted,
      )
      const following = followLog(app.admin, { serviceId: service.id, filter, after: 'start' })
      await hasLines(following, wanted.length)
      // the cursor has moved behind the whole log, with lines or without
      const end = (await logPage(app.admin, { id: service.id, last: 1 })).pageInfo.endCursor
      await until(() => following.results.at(-1)?.extensions?.['cursor'] === end)
      following.stop()
      expect(linesOf(following)).toEqual(wanted)
    },
  )

  test('with a filter a subscription begins with the last lines that match', async () => {
    const following = followLog(app.admin, {
      serviceId: service.id,
      filter: { text: 'apple' },
      last: 3,
    })
    await hasLines(following, 3)
    following.stop()
    expect(linesOf(following).map(({ text }) => text)).toEqual([
      'an apple failed',
      '50 % of an apple',
      '100 % of an apple',
    ])
  })
})
