import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedApp, type SharedApp } from '../../testkit/shared.ts'
import { AppendLog } from '../../testkit/operations/workers.ts'
import { claimOne, complete, fail, read, seedQueue, submit } from '../../testkit/seed/jobs.ts'

let app: SharedApp
beforeAll(async () => {
  app = await sharedApp()
})
afterAll(() => app.close())

type Held = { jobId: string; fence: string }
const append = async (
  { jobId, fence }: Held,
  firstLine: number,
  lines: string[],
  unfinished?: number[],
) =>
  (await app.admin.request(AppendLog, { input: { jobId, fence, firstLine, lines, unfinished } }))
    .appendJobLog

test('lines are stored once, however often and however cut they are sent', async () => {
  const queue = await seedQueue(app.admin)
  const { id } = await submit(app.admin, queue)
  const lease = await claimOne(app.admin, queue)
  expect(await append(lease, 1, ['one', 'two'])).toMatchObject({ nextLine: 3 })
  expect(await append(lease, 1, ['one', 'two'])).toMatchObject({ nextLine: 3 })
  expect(await append(lease, 2, ['two', 'three'])).toMatchObject({ nextLine: 4 })
  expect(await append(lease, 9, ['nine'])).toMatchObject({ __typename: 'ValidationError' })
  expect(await append(lease, 4, ['a\0b', '\ud800'])).toMatchObject({ nextLine: 6 })
  await complete(app.admin, lease)
  expect(await append(lease, 6, ['late'])).toMatchObject({ __typename: 'StaleLease', attempt: 1 })
  expect(await append(lease, 5, ['\ud800'])).toMatchObject({ nextLine: 6 })
  const { nodes } = (await read(app.admin, id)).logs
  expect(nodes.map(({ text }) => text)).toEqual([
    'one',
    'two',
    'three',
    String.raw`a\x00b`,
    '\ufffd',
  ])
  expect(nodes.map(({ number, attempt, source }) => [number, attempt, source])).toEqual(
    [1, 2, 3, 4, 5].map((number) => [number, 1, 'WORKER']),
  )
})

test('each attempt counts its own lines, and says which are its', async () => {
  const queue = await seedQueue(app.admin)
  const { id } = await submit(app.admin, queue, { maxAttempts: 2 })
  const first = await claimOne(app.admin, queue)
  await append(first, 1, ['first'])
  await fail(app.admin, first)
  const second = await claimOne(app.admin, queue, { waitSeconds: 20 })
  await append(second, 1, ['second'])
  const { nodes } = (await read(app.admin, id)).logs
  expect(nodes.map(({ attempt, text }) => [attempt, text])).toEqual([
    [1, 'first'],
    [2, 'second'],
  ])
})

test('lines sent twice at the same moment are stored once', async () => {
  const queue = await seedQueue(app.admin)
  const { id } = await submit(app.admin, queue)
  const lease = await claimOne(app.admin, queue)
  const lines = Array.from({ length: 50 }, (_, n) => `line ${n}`)
  await Promise.all(Array.from({ length: 8 }, () => append(lease, 1, lines)))
  expect((await read(app.admin, id)).logs.nodes.map(({ text }) => text)).toEqual(lines)
})

test('lines that are not finished say so, however they are sent again', async () => {
  const queue = await seedQueue(app.admin)
  const { id } = await submit(app.admin, queue)
  const lease = await claimOne(app.admin, queue)
  expect(await append(lease, 1, ['10 %', '20 %', 'loaded'], [0, 1])).toMatchObject({ nextLine: 4 })
  expect(await append(lease, 1, ['10 %', '20 %', 'loaded'], [0, 1])).toMatchObject({ nextLine: 4 })
  expect(await append(lease, 2, ['20 %', 'loaded', '30 %', 'done'], [2, 0])).toMatchObject({
    nextLine: 6,
  })
  const { nodes } = (await read(app.admin, id)).logs
  expect(nodes.map(({ number, text, isUnfinished }) => [number, text, isUnfinished])).toEqual([
    [1, '10 %', true],
    [2, '20 %', true],
    [3, 'loaded', false],
    [4, '30 %', true],
    [5, 'done', false],
  ])
})

test('every place that is wrong is named, and no line is stored', async () => {
  const queue = await seedQueue(app.admin)
  const { id } = await submit(app.admin, queue)
  const lease = await claimOne(app.admin, queue)
  expect(await append(lease, 1, ['one', 'two'], [1, 2, 1, -1])).toMatchObject({
    __typename: 'ValidationError',
    issues: [
      { path: ['unfinished', '1'], message: 'There is no line at place 2.' },
      { path: ['unfinished', '2'], message: 'Place 1 is named twice.' },
      { path: ['unfinished', '3'], message: 'There is no line at place -1.' },
    ],
  })
  expect((await read(app.admin, id)).logs.nodes).toEqual([])
})
