import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { Client, Pool } from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { join } from 'node:path'
import { type Embedded, startEmbedded } from '../../src/db/embedded.ts'
import { type TestDatabase, testEmbedded } from '../../testkit/database/database.ts'

const IDLE_MS = 1_000
const log = { info: () => {}, warn: () => {}, error: () => {} }

let files: TestDatabase
let embedded: Embedded
let pool: Pool
const start = () =>
  startEmbedded({
    folder: join(files.dataDir, 'postgres'),
    log,
    idleInTransactionMs: IDLE_MS,
  })
const config = { stream: () => embedded.connect(), user: 'postgres', ssl: false }

beforeAll(async () => {
  files = await testEmbedded()
  embedded = await start()
})
afterAll(async () => {
  await embedded.close()
  await files.drop()
})
beforeEach(() => {
  pool = new Pool(config)
  pool.on('error', () => {})
})
afterEach(() => pool.end())

async function connect() {
  const client = new Client(config)
  client.on('error', () => {})
  await client.connect()
  return client
}

const LARGE = 12

test('large inserts of one client and small ones of six others all reach their own table', async () => {
  await pool.query(`CREATE TABLE "Big" ("text" text); CREATE TABLE "Small" ("text" text)`)
  const big = 'x'.repeat(3_000_000)
  const work = { done: false }
  let small = 0
  const others = Array.from({ length: 6 }, async () => {
    while (!work.done) {
      await pool.query('INSERT INTO "Small" VALUES ($1)', ['y'])
      small += 1
    }
  })
  for (let i = 0; i < LARGE; i += 1) await pool.query('INSERT INTO "Big" VALUES ($1)', [big])
  work.done = true
  await Promise.all(others)
  const count = async (table: string, length: number) => {
    const sql = `SELECT count(*)::int AS n FROM "${table}" WHERE length("text") = $1`
    return (await pool.query(sql, [length])).rows[0].n
  }
  expect(await count('Big', big.length)).toBe(LARGE)
  expect(await count('Small', 1)).toBe(small)
  expect(small).toBeGreaterThan(LARGE)
})

async function preparedStatements() {
  return (await pool.query('SELECT count(*)::int AS n FROM pg_prepared_statements')).rows[0].n
}

test('two clients may give one name to different statements', async () => {
  const [one, two] = [await connect(), await connect()]
  const longName = 'n'.repeat(60)
  for (let i = 0; i < 2; i += 1) {
    const [a, b] = await Promise.all([
      one.query({ name: longName, text: 'SELECT 1 AS n' }),
      two.query({ name: longName, text: `SELECT 'two' AS n` }),
    ])
    expect([a.rows, b.rows]).toEqual([[{ n: 1 }], [{ n: 'two' }]])
  }
  expect(await preparedStatements()).toBe(2)
  await Promise.all([one.end(), two.end()])
  await expect.poll(preparedStatements).toBe(0)
})

test('parameters and results of many megabytes pass', async () => {
  const text = 'é'.repeat(5_000_000)
  const { rows } = await pool.query('SELECT $1::text AS text', [text])
  expect(rows[0].text === text).toBe(true)
})

const startUp = Buffer.from('\0\0\0\x17\0\x03\0\0user\0postgres\0\0', 'latin1')
const parse = 'P\0\0\0\x10\0SELECT 1\0\0\0'
const bad: [string, Buffer][] = [
  ['an unknown message type', Buffer.from('!\0\0\0\x04')],
  ['a length below the least', Buffer.from('Q\0\0\0\x01')],
  ['a Bind that is cut short', Buffer.from(`${parse}B\0\0\0\x06\0\0S\0\0\0\x04`, 'latin1')],
  ['a Parse whose name never ends', Buffer.from('P\0\0\0\x06xyS\0\0\0\x04', 'latin1')],
]
test.each(bad)('%s is answered with an error and harms nobody else', async (_what, bytes) => {
  const stream = embedded.connect()
  const answers: Buffer[] = []
  stream.on('data', (chunk: Buffer) => answers.push(chunk))
  stream.connect()
  await once(stream, 'connect')
  for (const byte of startUp) stream.write(Buffer.from([byte])) // split as finely as can be
  stream.write(bytes)
  await expect.poll(() => Buffer.concat(answers).toString('latin1')).toMatch(/C08P01/)
  expect((await pool.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }])
  stream.destroy()
})

test('half a message keeps nobody waiting', async () => {
  const stream = embedded.connect().connect()
  await once(stream, 'connect')
  stream.write(startUp)
  stream.write(Buffer.from('Q\0\0\0\x64SELECT'))
  expect((await pool.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }])
  stream.destroy()
})

test('a request for TLS is declined as a server without it does', async () => {
  const client = new Client({ ...config, ssl: true })
  client.on('error', () => {})
  await expect(client.connect()).rejects.toThrow('The server does not support SSL connections')
})

test('an open transaction keeps others waiting until it ends', async () => {
  const client = await connect()
  await pool.query('CREATE TABLE "Order" ("n" int)')
  await client.query('BEGIN')
  const other = pool.query('INSERT INTO "Order" SELECT count(*) FROM "Order" RETURNING "n"')
  await client.query('INSERT INTO "Order" VALUES (7)')
  await client.query('COMMIT')
  expect((await other).rows).toEqual([{ n: 1 }])
  await client.end()
})

test('a silent transaction is rolled back at its limit and its client is told', async () => {
  const client = await connect()
  const told = once(client, 'error')
  await pool.query('CREATE TABLE "Silent" ("n" int)')
  const began = Date.now()
  await client.query('BEGIN')
  await client.query('INSERT INTO "Silent" VALUES (1)')
  const { rows } = await pool.query('SELECT * FROM "Silent"')
  expect(rows).toEqual([])
  expect(Date.now() - began).toBeGreaterThan(IDLE_MS / 2)
  expect(String(await told)).toContain('idle-in-transaction timeout')
  await expect(client.query('SELECT 1')).rejects.toThrow()
})

test('a client that vanishes within a transaction leaves nothing behind', async () => {
  const stream = { last: embedded.connect() }
  const client = new Client({ ...config, stream: () => stream.last })
  client.on('error', () => {})
  await client.connect()
  await pool.query('CREATE TABLE "Ghost" ("n" int)')
  await client.query('BEGIN')
  await client.query('INSERT INTO "Ghost" VALUES (1)')
  stream.last.destroy()
  expect((await pool.query('SELECT * FROM "Ghost"')).rows).toEqual([])
})

test('an unnamed statement is never another client’s', async () => {
  const stream = embedded.connect()
  const answers: Buffer[] = []
  stream.on('data', (chunk: Buffer) => answers.push(chunk))
  stream.connect()
  await once(stream, 'connect')
  stream.write(startUp)
  const sync = 'S\0\0\0\x04'
  stream.write(Buffer.from(parse + sync, 'latin1'))
  await expect.poll(() => Buffer.concat(answers).includes('1\0\0\0\x04')).toBe(true)
  await pool.query('SELECT $1::text', ['other'])
  stream.write(Buffer.from(`B\0\0\0\x0c\0\0\0\0\0\0\0\0${sync}`, 'latin1'))
  await expect.poll(() => Buffer.concat(answers).toString('latin1')).toMatch(/C26000/)
  stream.destroy()
})

test('COPY FROM STDIN, which cannot work here, is an error like any other', async () => {
  await expect(pool.query('COPY pg_class FROM STDIN')).rejects.toThrow()
  expect((await pool.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }])
})

test('a statement without end fails loudly, and the database goes on with what it had', async () => {
  const copy = await testEmbedded()
  const folder = join(copy.dataDir, 'postgres')
  const strict = await startEmbedded({ folder, log, statementLimitMs: 1_500 })
  const strictPool = new Pool({ ...config, stream: () => strict.connect() })
  strictPool.on('error', () => {})
  await strictPool.query('CREATE TABLE "Kept" AS SELECT 1 AS n')
  const endless = strictPool.query('SELECT count(*) FROM generate_series(1, 1000000000000)')
  await expect(endless).rejects.toThrow('A statement ran longer than 1500 ms')
  expect((await strictPool.query('SELECT * FROM "Kept"')).rows).toEqual([{ n: 1 }])
  await strictPool.end()
  await strict.close()
  await copy.drop()
})

test('reopening keeps every row', async () => {
  await pool.query('CREATE TABLE "Durable" AS SELECT generate_series(1, 1000) AS n')
  await embedded.close()
  embedded = await start()
  const again = await connect()
  const { rows } = await again.query('SELECT sum("n")::int AS n FROM "Durable"')
  expect(rows).toEqual([{ n: 500500 }])
  await again.end()
})

test('a database that was being made when its process was killed is made anew', async () => {
  const folder = join(files.dataDir, 'half')
  await mkdir(folder)
  await writeFile(join(folder, 'PG_VERSION'), '18\n')
  await writeFile(`${folder}.unfinished`, '')
  const other = await startEmbedded({ folder, log })
  const client = new Client({ ...config, stream: () => other.connect() })
  await client.connect()
  expect((await client.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }])
  await client.end()
  await other.close()
})
