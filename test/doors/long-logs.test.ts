import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Prisma } from '../../src/generated/prisma/client.ts'
import { streamApp, type LogOwner, type StreamApp } from '../../testkit/stream-app.ts'
import { until } from '../../testkit/until.ts'
import { fetched, keep, urlOf } from './log-files.ts'

/** A log of 60 MB, which no buffer holds. */
const COUNT = 30_000
const line = (number: number): string => `${'x'.repeat(1_990)} ${String(number).padStart(8)}\n`
const TOKEN = 'metrics-of-the-test'
const SIZE = COUNT * line(1).length
let app: StreamApp
let service: LogOwner
/** What the server has logged. */
let log = ''
beforeAll(async () => {
  const into = new Writable({
    write(chunk: Buffer, _encoding, done) {
      log += chunk.toString()
      done()
    },
  })
  app = await streamApp({ METRICS_TOKEN: TOKEN }, pino({}, into))
  service = await filled(1_990)
})

afterAll(() => app.close())

/** A service with that many lines, each of so many letters and its number. */
async function filled(letters: number): Promise<LogOwner> {
  const owner = await app.service()
  await app.database.query(Prisma.sql`
    INSERT INTO "LogHead" (stream, head, at) VALUES (${owner.uuid}::uuid, ${COUNT}::bigint, now())`)
  await app.database.query(Prisma.sql`
    INSERT INTO "LogLine" (stream, number, at, source, text)
    SELECT ${owner.uuid}::uuid, n, now(), 'STDOUT', repeat('x', ${letters}::int) || ' ' || lpad(n::text, 8)
    FROM generate_series(1, ${COUNT}::bigint) AS n`)
  return owner
}

/** Nine hundred letters, as many as a URL holds, of which no two are alike, also in another case. */
const letters = Array.from({ length: 3_000 }, (_, n) => String.fromCodePoint(n + 0x01_00))
const various = [
  ...new Set(letters.filter((one) => /\p{L}/u.test(one)).map((one) => one.toLowerCase())),
]
  .filter((one) => one.length === 1)
  .slice(0, 900)
  .join('')

test('lines that are shorter than what is searched for cost nothing', async () => {
  const short = await filled(10)
  const took = async (text: string): Promise<number> => {
    const url = await urlOf(app, short.id, { filter: { text } })
    const start = performance.now()
    expect(await fetched(url)).toMatchObject({ status: 200, text: '' })
    return performance.now() - start
  }
  const least = async (text: string): Promise<number> =>
    Math.min(await took(text), await took(text), await took(text))
  expect(await least(various)).toBeLessThan((await least('y')) * 3 + 50)
})

test('a caller who goes while the file is measured is no fault of the server', async () => {
  const request = get(await urlOf(app, service.id, { filter: { text: various } }))
  request.once('error', () => {}) // as the test ends it
  const before = await statements(app)
  await until(async () => (await statements(app)) > before)
  request.destroy()
  await atRest()
  expect(log).not.toContain('a request failed')
})

/** Statements so far. */
async function statements({ url }: StreamApp): Promise<number> {
  const headers = { authorization: `Bearer ${TOKEN}` }
  const text = await (await fetch(`${url}/metrics`, { headers })).text()
  const counts = text.matchAll(/^millrace_database_statement_duration_seconds_count\S* (\d+)/gm)
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0)
}

/** Resolves when the server reads no more. */
async function atRest(): Promise<void> {
  let before = -1
  await until(async () => {
    const now = await statements(app)
    const isAtRest = now === before
    before = now
    await new Promise((resolve) => setTimeout(resolve, 100))
    return isAtRest
  })
}

async function begun(url: string): Promise<IncomingMessage> {
  const [response] = (await once(get(url), 'response')) as [IncomingMessage] // what the event carries
  return response
}

test('it is the same from its first to its last line', async () => {
  const { text, length } = await fetched(await urlOf(app, service.id))
  expect(length).toBe(String(SIZE))
  expect(text).toHaveLength(SIZE)
  const numbers = text.split('\n').map((one) => Number(one.slice(-8)))
  expect(numbers).toEqual([...Array.from({ length: COUNT }, (_, n) => n + 1), 0])
  const middle = await fetched(await urlOf(app, service.id), { range: `bytes=${SIZE / 2}-` })
  expect(middle.text).toBe(text.slice(SIZE / 2))
})

test('of whoever does not read, no more is read than buffers hold; of whoever has gone, nothing', async () => {
  const url = await urlOf(app, service.id)
  const before = await statements(app)
  await fetched(url)
  const whole = (await statements(app)) - before

  const slow = await begun(url)
  await atRest()
  const read = (await statements(app)) - before - whole
  expect(read).toBeLessThan(whole / 2)
  slow.destroy()
  await atRest()
  expect((await statements(app)) - before - whole - read).toBeLessThan(5)
})

test('lines that are removed while they are read cut the download, which begins anew with a gap', async () => {
  const url = await urlOf(app, service.id)
  const response = await begun(url)
  const { etag = '' } = response.headers
  await atRest()
  await keep(app, 100)
  const chunks: Buffer[] = []
  const reading = (async () => {
    for await (const chunk of response) chunks.push(chunk as Buffer) // a response is a stream of bytes
  })()
  await expect(reading).rejects.toThrow(/aborted/)
  const came = Buffer.concat(chunks).toString()
  expect(came.length).toBeLessThan(SIZE)
  const whole = came.split('\n').slice(0, -1)
  expect(whole.every((one, place) => `${one}\n` === line(place + 1))).toBe(true)

  const rest = await fetched(url, { range: `bytes=${came.length}-`, 'if-range': etag })
  expect(rest.status).toBe(200)
  expect(rest.text.split('\n')).toHaveLength(102)
  expect(rest.text).toMatch(/^\[Lines 1 to 29900 are gone: they were kept no longer\.\]\n/)
})
