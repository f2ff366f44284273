import { afterAll, beforeAll, expect, test } from 'vitest'
import type { LogFilter } from '../../testkit/generated/graphql.ts'
import { until } from '../../testkit/until.ts'
import { followLog, hasLines, linesOf, logPage, type Line } from './follow.ts'
import { numbered, streamApp, type LogOwner, type StreamApp } from '../../testkit/stream-app.ts'

let app: StreamApp
let service: LogOwner
let lines: readonly Line[]
beforeAll(async () => {
  app = await streamApp()
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
afterAll(() => app.close())

const cases: [string, () => LogFilter, (line: Line) => boolean][] = [
  ['contains', () => ({ contains: 'apple 1' }), ({ text }) => text.includes('apple 1')],
  ['contains, case and all', () => ({ contains: 'pear' }), () => false],
  [
    'contains what SQL would read',
    () => ({ contains: '% of _ and \\' }),
    ({ source }) => source === 'SYSTEM',
  ],
  ['finished', () => ({ isUnfinished: false }), ({ isUnfinished }) => !isUnfinished],
  ['unfinished', () => ({ isUnfinished: true }), ({ isUnfinished }) => isUnfinished],
  ['sources', () => ({ sources: ['STDERR', 'SYSTEM'] }), ({ source }) => source !== 'STDOUT'],
  ['no sources', () => ({ sources: [] }), () => false],
  ['instance', () => ({ instance: 0 }), ({ instance }) => instance === 0],
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
    () => ({ contains: '2', sources: ['STDOUT'], instance: 1 }),
    ({ text, instance }) => text.includes('2') && instance === 1,
  ],
]

const timeOf = (text: string): string => lines.find((line) => line.text === text)?.at ?? ''

test.each(cases)(
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
    filter: { contains: 'apple' },
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
