import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Prisma } from '../../src/generated/prisma/client.ts'
import type { LogPageQuery } from '../../testkit/generated/graphql.ts'
import { claimOne, seedQueue, submit } from '../../testkit/seed/jobs.ts'
import { AppendLog } from '../../testkit/operations/workers.ts'
import { DeleteService } from '../../testkit/operations/services.ts'
import { LogPage, LogUrl } from '../../testkit/operations/streams.ts'
import { numbered, streamApp, type LogOwner, type StreamApp } from '../../testkit/stream-app.ts'
import { until } from '../../testkit/until.ts'
import { fetched, keep, urlOf, type Asked } from './log-files.ts'

let app: StreamApp
beforeAll(async () => {
  app = await streamApp()
})
afterAll(() => app.close())

const textOf = async (id: string, asked: Asked = {}): Promise<string> =>
  (await fetched(await urlOf(app, id, asked))).text

type Line = NonNullable<LogPageQuery['service']>['logs']['nodes'][number]

/** A line as NDJSON has it. */
const ordered = ({ number, at, source, instance, attempt, text, isUnfinished }: Line) => ({
  number,
  at,
  source,
  instance,
  attempt,
  text,
  isUnfinished,
})

const linesOf = (texts: readonly string[]): string => texts.map((text) => `${text}\n`).join('')

describe('of a log', () => {
  let service: LogOwner
  beforeAll(async () => {
    service = await app.service()
    await app.print(service, numbered(3), 0)
    await app.print(service, [{ source: 'STDERR', text: ' 50 %', isUnfinished: true }], 1)
    await app.print(service, [{ source: 'STDERR', text: 'a\r"b" \\x00\t\u007f 😀' }], 1)
    await app.print(service, [{ source: 'SYSTEM', text: '' }])
  })

  test('the text is what was printed, line by line, once it is finished', async () => {
    const { text, ...about } = await fetched(await urlOf(app, service.id))
    expect(text).toBe(linesOf([...numbered(3), 'a\r"b" \\x00\t\u007f 😀', '']))
    expect(about).toMatchObject({
      status: 200,
      length: String(Buffer.byteLength(text)),
      type: 'text/plain; charset=utf-8',
      file: expect.stringMatching(/^attachment; filename="[a-z0-9-]+\.log"$/),
    })
    expect(await textOf(service.id, { filter: { isUnfinished: true } })).toBe(' 50 %\n')
  })

  test('with times each line says when and by whom it was printed', async () => {
    const lines = (await textOf(service.id, { format: 'TIMED_TEXT' })).split('\n')
    const time = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`
    expect(lines[0]).toMatch(new RegExp(`^${time} 0 stdout line 1$`))
    expect(lines[3]).toMatch(new RegExp(`^${time} 1 stderr a\r"b"`))
    expect(lines[4]).toMatch(new RegExp(`^${time} - system $`))
  })

  test('as NDJSON each line is an object with all that a query shows of it', async () => {
    const { text, type, file } = await fetched(await urlOf(app, service.id, { format: 'NDJSON' }))
    const { service: shown } = await app.admin.request(LogPage, { id: service.id })
    expect(text).toBe(
      linesOf((shown?.logs.nodes ?? []).map((line) => JSON.stringify(ordered(line)))),
    )
    expect(type).toBe('application/x-ndjson')
    expect(file).toMatch(/\.ndjson"$/)
  })

  test('numbers and a filter choose the lines, both ends included', async () => {
    expect(await textOf(service.id, { from: 2, to: 3 })).toBe('line 2\nline 3\n')
    expect(await textOf(service.id, { to: 1 })).toBe('line 1\n')
    expect(await textOf(service.id, { from: 6, to: 1_000 })).toBe('\n')
    expect(await textOf(service.id, { from: 3, to: 2 })).toBe('')
    expect(await textOf(service.id, { from: 7 })).toBe('')
    const filter = {
      text: 'LINE',
      sources: ['STDOUT' as const],
      instances: [0, 1],
      at: { from: '2000-01-01T00:00:00Z', to: '2100-01-01T00:00:00Z' },
    }
    expect(await textOf(service.id, { from: 2, filter })).toBe('line 2\nline 3\n')
    expect(await textOf(service.id, { filter: { at: { from: '2100-01-01T00:00:00Z' } } })).toBe('')
  })

  test('a file does not grow with the log', async () => {
    const url = await urlOf(app, service.id)
    const before = await fetched(url)
    await app.print(service, ['later'])
    expect(await fetched(url)).toEqual(before)
    expect(await textOf(service.id)).toBe(`${before.text}later\n`)
  })

  test('a URL is good as it was signed, for GET and HEAD alone', async () => {
    const url = await urlOf(app, service.id, { to: 2, filter: { text: 'line' } })
    const change = (edit: (url: URL) => void): string => {
      const changed = new URL(url)
      edit(changed)
      return changed.href
    }
    const other = await app.service()
    const bad = [
      ...['from', 'to', 'format', 'filter', 'expires', 'signature']
        .flatMap((name) => [
          change(({ searchParams }) => searchParams.set(name, '3')),
          change(({ searchParams }) => searchParams.delete(name)),
          change(({ searchParams }) => searchParams.append(name, '3')),
        ])
        .filter((one) => !/expires=\d+&signature=[^&]+&(?:expires|signature)=3$/.test(one)),
      change(({ searchParams }) => searchParams.set('more', '1')),
      change(({ searchParams }) => searchParams.set('expires', '1')),
      change((changed) => (changed.pathname = changed.pathname.replace(/[^/]+$/, 'x.html'))),
      change((changed) => (changed.pathname = changed.pathname.replace(service.id, other.id))),
    ]
    for (const one of bad) {
      const { status, text, type } = await fetched(one)
      expect({ one, status, type }).toEqual({
        one,
        status: 403,
        type: expect.stringMatching(/^application\/problem\+json/),
      })
      expect(JSON.parse(text)).toMatchObject({ status: 403, code: 'FORBIDDEN' })
    }
    expect((await fetched(url, {}, 'POST')).status).toBe(404)
    expect((await fetched(url)).text).toBe('line 1\nline 2\n')
    expect(await fetched(url, { range: 'bytes=0-1' }, 'HEAD')).toMatchObject({
      status: 200,
      text: '',
      length: '14',
    })
  })

  test('any part of the bytes can be fetched, and what is no part is refused', async () => {
    const url = await urlOf(app, service.id, { format: 'NDJSON' })
    const { text, etag } = await fetched(url)
    const bytes = Buffer.from(text)
    const size = bytes.length
    for (let first = 0; first < size; first += 37)
      for (const last of [first, first + 90, size + 5]) {
        const part = await fetch(url, { headers: { range: `bytes=${first}-${last}` } })
        expect(part.status).toBe(206)
        expect(part.headers.get('content-range')).toBe(
          `bytes ${first}-${Math.min(last, size - 1)}/${size}`,
        )
        expect(Buffer.from(await part.arrayBuffer())).toEqual(bytes.subarray(first, last + 1))
      }
    const said = async (range: string, headers = {}) => {
      const { status, text: part, range: told } = await fetched(url, { range, ...headers })
      return { status, part, told }
    }
    const whole = { status: 200, part: text, told: null }
    const none = { status: 416, part: '', told: `bytes */${size}` }
    expect(await said('bytes=-3')).toMatchObject({ status: 206, part: 'e}\n' })
    expect(await said(`bytes=-${size * 2}`)).toMatchObject({ status: 206, part: text })
    for (const range of [
      `bytes=${size}-`,
      `bytes=${size}-${size + 9}`,
      'bytes=-0',
      'bytes=99999999999-',
    ])
      expect([range, await said(range)]).toEqual([range, none])
    for (const range of [
      'bytes=0-1,4-5',
      'bytes=5-1',
      'bytes=',
      'bytes=a-b',
      'lines=1-2',
      'bytes=-',
    ])
      expect([range, await said(range)]).toEqual([range, whole])
    expect(await said('bytes=0-0', { 'if-range': etag })).toMatchObject({ status: 206, part: '{' })
    for (const other of ['"other"', `W/${etag}`, 'Mon, 30 Nov 2026 16:37:51 GMT'])
      expect(await said('bytes=0-0', { 'if-range': other })).toEqual(whole)
    expect(await fetched(url, { 'if-none-match': etag })).toMatchObject({ status: 304, text: '' })
  })
})

test('an empty log is an empty file, also for a range', async () => {
  const { id } = await app.service()
  for (const asked of [{}, { from: 5 }, { to: 5 }, { format: 'NDJSON' as const }]) {
    const url = await urlOf(app, id, asked)
    expect(await fetched(url)).toMatchObject({ status: 200, text: '', length: '0' })
    for (const range of ['bytes=0-', 'bytes=0-0', 'bytes=-0'])
      expect(await fetched(url, { range })).toMatchObject({ status: 416, range: 'bytes */0' })
    // RFC 9110, 14.1.2: what ends there can be had
    expect(await fetched(url, { range: 'bytes=-500' })).toMatchObject({ status: 200, text: '' })
  }
})

test('what is asked for wrongly is refused before anything is signed', async () => {
  const { id } = await app.service()
  const refused: Asked[] = [
    { from: 0 },
    { to: 0 },
    { from: -5 },
    { filter: { text: '\0' } },
    { filter: { text: 'x'.repeat(1_001) } },
    { filter: { text: '😀'.repeat(500) + 'x'.repeat(1) } },
    { filter: { instances: Array.from({ length: 100_000 }, (_, n) => n) } },
    { filter: { text: 'x'.repeat(1_000_000) } },
  ]
  for (const asked of refused) {
    const { errors } = await app.admin.execute(LogUrl, { id, ...asked })
    expect(errors?.[0]?.extensions?.['code'], JSON.stringify(asked).slice(0, 60)).toBe(
      'BAD_REQUEST',
    )
  }
})

test('lines that were removed are reported where they are missing, and their file is another one', async () => {
  const service = await app.service()
  await app.print(service, numbered(100))
  const url = await urlOf(app, service.id)
  const json = await urlOf(app, service.id, {
    format: 'NDJSON',
    from: 50,
    to: 70,
    filter: { text: '7' },
  })
  const untouched = await urlOf(app, service.id, { from: 90 })
  const before = await fetched(url)
  const same = await fetched(untouched)
  await keep(app, 40)
  const left = `[Lines 1 to 60 are gone: they were kept no longer.]\n${linesOf(numbered(40, 'line', 61))}`
  const after = await fetched(url)
  expect(after.text).toBe(left)
  expect(after.etag).not.toBe(before.etag)
  // a download that was cut begins anew
  const rest = { range: 'bytes=20-', 'if-range': before.etag }
  expect(await fetched(url, rest)).toMatchObject({ status: 200, text: left })
  expect(await fetched(url, { range: 'bytes=20-' })).toMatchObject({ status: 200, text: left })
  expect(await fetched(url, { ...rest, 'if-range': after.etag })).toMatchObject({
    status: 206,
    text: left.slice(20),
  })
  // nor are parts of it sent to whoever names the other one
  const part = { range: 'bytes=20-' }
  expect((await fetched(url, { ...part, 'if-match': before.etag })).status).toBe(412)
  expect((await fetched(url, { ...part, 'if-match': after.etag })).status).toBe(206)
  expect(
    (await fetched(json)).text.split('\n').map((one) => (one ? JSON.parse(one) : null)),
  ).toEqual([
    { gap: { from: 50, to: 60, reason: 'RETENTION' } },
    expect.objectContaining({ number: 67, text: 'line 67' }),
    expect.objectContaining({ number: 70, text: 'line 70' }),
    null,
  ])
  expect(await fetched(untouched)).toEqual(same)
  await keep(app, 0, 1)
  expect((await fetched(url)).text).toBe('[Lines 1 to 100 are gone: they were kept no longer.]\n')
})

test('lines that a restored database has lost are reported behind those that it has', async () => {
  const service = await app.service()
  await app.print(service, numbered(20))
  const url = await urlOf(app, service.id, { from: 10 })
  const before = await fetched(url)
  await app.database.query(
    Prisma.sql`DELETE FROM "LogLine" WHERE stream = ${service.uuid}::uuid AND number > 12`,
  )
  await app.database.query(
    Prisma.sql`UPDATE "LogHead" SET head = 12 WHERE stream = ${service.uuid}::uuid`,
  )
  expect((await fetched(url)).text).toBe(
    `line 10\nline 11\nline 12\n[Lines 13 to 20 are gone: the database was restored to before them.]\n`,
  )
  // others under the same numbers are another file
  await until(async () => Date.now() > Date.parse((await timesOf(service)).at(-1) ?? '') + 5)
  await app.print(service, numbered(8, 'line', 13))
  const again = await fetched(url)
  expect(again.text).toBe(before.text)
  expect(again.etag).not.toBe(before.etag)
})

const timesOf = async ({ id }: LogOwner): Promise<string[]> =>
  ((await app.admin.request(LogPage, { id })).service?.logs.nodes ?? []).map(({ at }) => at)

test('the log of a job has a file of its own, over all attempts', async () => {
  const queue = await seedQueue(app.admin)
  const { id } = await submit(app.admin, queue)
  const { jobId, fence } = await claimOne(app.admin, queue)
  const input = { jobId, fence, firstLine: 1, lines: ['begun', 'done'] }
  await app.admin.request(AppendLog, { input })
  expect(await textOf(id)).toBe('begun\ndone\n')
  expect(await textOf(id, { filter: { attempts: [2] } })).toBe('')
  const [timed = ''] = (await textOf(id, { format: 'TIMED_TEXT' })).split('\n')
  expect(timed).toMatch(/Z 1 worker begun$/)
  expect((await fetched(await urlOf(app, id))).file).toBe(`attachment; filename="${id}.log"`)
})

test('of a service that is deleted there is no file any more', async () => {
  const service = await app.service()
  await app.print(service, ['last words'])
  const url = await urlOf(app, service.id)
  await app.admin.request(DeleteService, { input: { id: service.id } })
  const { status, text } = await fetched(url)
  expect(status).toBe(404)
  expect(JSON.parse(text)).toMatchObject({ code: 'NOT_FOUND' })
})
