import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Database } from '../../src/db/database.ts'
import { openDatabase } from '../../src/db/open.ts'
import { Prisma } from '../../src/generated/prisma/client.ts'
import { type TestDatabase, testDatabase } from '../../testkit/database/database.ts'

const log = { info: () => {}, warn: () => {}, error: console.error }
let files: TestDatabase
let db: Database
beforeAll(async () => {
  files = await testDatabase()
  db = await openDatabase({ ...files, log })
})
afterAll(async () => {
  await db.close()
  await files.drop()
})

const id = '01890000-0000-7000-8000-000000000001'

test('a row of named SQL is a row of Prisma', async () => {
  const at = new Date('2026-02-28T23:59:59.123Z')
  const [written] = await db.query<object>(
    Prisma.sql`
      INSERT INTO "Event" ("stream", "number", "at", "kind", "actor", "changes")
      VALUES (${id}::uuid, ${2n ** 53n + 1n}, ${at}, 'test', ${{ a: [1, null] }}, '[]')
      RETURNING *`,
    { name: 'test.insert' },
  )
  const read = await db.prisma.event.findFirst({ where: { stream: id } })
  expect(read?.at).toEqual(at)
  expect(read?.number).toBe(2n ** 53n + 1n)
  expect(written).toEqual(read)
})

test('lists of numbers and times keep their types', async () => {
  const sql = Prisma.sql`SELECT ARRAY[1, NULL, 9007199254740993]::int8[] AS numbers, '{}'::int8[] AS none,
    ARRAY['2026-01-01T00:00:00Z'::timestamptz] AS times, DATE '2026-01-01' AS day`
  expect(await db.query(sql)).toEqual([
    {
      numbers: [1n, null, 9007199254740993n],
      none: [],
      times: [new Date('2026-01-01T00:00:00Z')],
      day: new Date('2026-01-01T00:00:00Z'),
    },
  ])
})

test('a transaction that throws leaves nothing, and its connection is of use again', async () => {
  const failure = db.transaction(async (client) => {
    await db.query(Prisma.sql`INSERT INTO "Setting" VALUES ('gone', '1')`, { client })
    throw new Error('no')
  })
  await expect(failure).rejects.toThrow(new Error('no'))
  const kept = await db.transaction((client) =>
    db.query(Prisma.sql`INSERT INTO "Setting" VALUES ('kept', '1') RETURNING "name"`, { client }),
  )
  expect(kept).toEqual([{ name: 'kept' }])
  expect(await db.prisma.setting.findMany()).toEqual([{ name: 'kept', value: '1' }])
})

test('a transaction with a failed statement inside never passes for committed', async () => {
  const swallowed = db.transaction(async (client) => {
    await client.query('SELECT 1/0').catch(() => {})
  })
  await expect(swallowed).rejects.toThrow('The transaction was rolled back')
})

test('named SQL goes on when a table has been migrated under it', async () => {
  const select = () => db.query(Prisma.sql`SELECT * FROM "Annotation"`, { name: 'test.select' })
  await select()
  await db.pool.query('ALTER TABLE "Annotation" ADD COLUMN "more" text')
  expect(await select()).toEqual([])
  expect(await select()).toEqual([])
})

const one = (sql: Prisma.Sql, name: string) => db.read<{ value: unknown }>(sql, name)

test('reads of one moment are answered each by its own, and one that fails harms no other', async () => {
  const outcomes = await Promise.allSettled([
    ...Array.from({ length: 50 }, (_, n) => one(Prisma.sql`SELECT ${n}::int AS value`, 'test.int')),
    one(Prisma.sql`SELECT 1 / ${0}::int AS value`, 'test.zero'),
    one(Prisma.sql`SELECT ${2n ** 60n}::int8 AS value`, 'test.int8'),
  ])
  expect(outcomes.map((one) => (one.status === 'fulfilled' ? one.value : 'failed'))).toEqual([
    ...Array.from({ length: 50 }, (_, value) => [{ value }]),
    'failed',
    [{ value: 2n ** 60n }],
  ])
  expect(outcomes[50]).toMatchObject({ reason: { message: 'division by zero' } })
  expect(await one(Prisma.sql`SELECT 1 / ${1}::int AS value`, 'test.zero')).toEqual([{ value: 1 }])
})

test('a read goes on when a table has been migrated under it', async () => {
  const select = () => db.read(Prisma.sql`SELECT * FROM "Annotation"`, 'test.read')
  await select()
  await db.pool.query('ALTER TABLE "Annotation" ADD COLUMN "evenMore" text')
  expect(await Promise.all([select(), select()])).toEqual([[], []])
  expect(await select()).toEqual([])
})

test('reads whose connection is lost fail, and the next have a new one', async (context) => {
  if (files.url === undefined) context.skip('the embedded database ends no session')
  const pid = () => db.read<{ pid: number }>(Prisma.sql`SELECT pg_backend_pid() AS pid`, 'test.pid')
  const [before] = await pid()
  const sleeping = db.read(Prisma.sql`SELECT pg_sleep(60)`, 'test.sleep')
  // waited for from the start: they may fail before the statement that ends their session is answered
  const failed = Promise.all([
    expect(sleeping).rejects.toMatchObject({
      missing: 'database',
      cause: { message: expect.stringContaining('terminat') },
    }),
    expect(pid()).rejects.toThrow(),
  ])
  await db.pool.query('SELECT pg_terminate_backend($1)', [before?.pid])
  await failed
  const [after] = await pid()
  expect(after?.pid).not.toBe(before?.pid)
})

test('statements whose long names begin alike are told apart', async () => {
  const name = 'x'.repeat(70)
  for (const n of [1, 2, 1]) {
    const sql = Prisma.sql`SELECT ${n}::int AS n, ${Prisma.raw(String(n))} AS same`
    const rows = [{ n, same: n }]
    expect(await db.read(sql, `${name}${n}`)).toEqual(rows)
    expect(await db.query(sql, { name: `${name}${n}` })).toEqual(rows)
  }
})
