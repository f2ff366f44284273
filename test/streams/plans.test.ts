import { afterAll, beforeAll, expect, test } from 'vitest'
import { Prisma } from '../../src/generated/prisma/client.ts'
import type { LogRangeQueryVariables } from '../../testkit/generated/graphql.ts'
import { graphql } from '../../testkit/generated/index.ts'
import { streamApp, type StreamApp } from '../../testkit/stream-app.ts'
import { until } from '../../testkit/until.ts'

const LINES = 50_000

let app: StreamApp
beforeAll(async () => {
  app = await streamApp()
})
afterAll(() => app.close())

const Range = graphql(`
  query LogRange($id: ID!, $first: Int, $from: SafeInt, $after: String) {
    service(id: $id) {
      logs(first: $first, from: $from, after: $after) {
        nodes {
          number
        }
        pageInfo {
          startCursor
        }
        firstNumber
        lastNumber
      }
    }
  }
`)

/** Lines that were read since the database was made, as the database counts them. */
async function linesRead(): Promise<number> {
  const [row] = await app.database.query<{ count: bigint }>(Prisma.sql`
    SELECT seq_tup_read + idx_tup_fetch AS count FROM pg_stat_user_tables WHERE relname = 'LogLine'`)
  return Number(row?.count ?? 0)
}

test('a page from the middle of a long log reads its own lines, by number as by cursor', async () => {
  const { id, uuid } = await app.service()
  await app.database.query(Prisma.sql`
    INSERT INTO "LogHead" (stream, head, at) VALUES (${uuid}::uuid, ${LINES}::bigint, now())`)
  await app.database.query(Prisma.sql`
    INSERT INTO "LogLine" (stream, number, at, source, text)
    SELECT ${uuid}::uuid, n, now(), 'STDOUT', 'line ' || n FROM generate_series(1, ${LINES}::bigint) AS n`)
  const from = LINES / 2
  const middle = await app.admin.request(Range, { id, from, first: 1 })
  const after = middle.service?.logs.pageInfo.startCursor
  const rounds = 20
  const page = 100
  const cost = async (range: Pick<LogRangeQueryVariables, 'from' | 'after'>): Promise<number> => {
    const before = await linesRead()
    for (let round = 0; round < rounds; round += 1) {
      const { service } = await app.admin.request(Range, { id, first: page, ...range })
      expect(service?.logs.nodes).toHaveLength(page)
      expect(service?.logs).toMatchObject({ firstNumber: 1, lastNumber: LINES })
    }
    // each connection counts what it has done when it is idle for a moment
    await until(async () => (await linesRead()) - before >= rounds * page)
    return (await linesRead()) - before
  }
  for (const range of [{ from: from + 1 }, { after }])
    expect(await cost(range), JSON.stringify(range)).toBeLessThan(rounds * (page + 1) * 2)
})
