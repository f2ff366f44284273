import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { Prisma } from '../../src/generated/prisma/client.ts'
import type { Operation as Work } from '../../src/kit/operation.ts'
import { board, seedQueue, submit } from '../../testkit/seed/jobs.ts'
import { until } from '../../testkit/until.ts'
import { streamApp, type StreamApp } from '../../testkit/stream-app.ts'
import { doors } from './doors.ts'

let app: StreamApp
beforeAll(async () => {
  app = await streamApp({ OPERATION_TIMEOUT_SECONDS: '3' })
})
afterEach(() => vi.restoreAllMocks())
afterAll(() => app.close())

/** A promise and what resolves it, which Node has from 22 on. */
function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  const made: { resolve?: () => void } = {}
  const promise = new Promise<void>((resolve) => (made.resolve = resolve))
  return { promise, resolve: () => made.resolve?.() }
}

type Query = StreamApp['database']['query']

/** Holds the statements that have a text in them until they are let go; says which have begun since. */
function holding(part: string) {
  const query: Query = app.database.query.bind(app.database)
  const begun: string[] = []
  let operation: Work | undefined
  const { promise: gate, resolve: letGo } = withResolvers()
  vi.spyOn(app.database, 'query').mockImplementation(async (sql, options) => {
    begun.push(sql.text)
    if (sql.text.includes(part)) {
      operation = options?.operation
      await gate
    }
    return query(sql, options)
  })
  const has = (text: string): boolean => begun.some((one) => one.includes(text))
  const isOver = (): boolean => {
    try {
      operation?.check()
      return false
    } catch {
      return true
    }
  }
  return { letGo, has, isOver }
}

/** Lets a server do whatever it is about to. */
async function settled(): Promise<void> {
  for (let n = 0; n < 3; n += 1)
    await doors['POST']!(app.admin, { query: '{ services { totalCount } }' })
}

const hasGoneOn = (has: (text: string) => boolean): boolean =>
  has('FROM "JobEvent"') || has('."retryOfId" =')

const NESTED = `query ($id: ID!) { service(id: $id) { ... on QueueService {
  jobs { nodes { retries { nodes { id } } events { nodes { kind } } } } } } }`
const LIST = 'CROSS JOIN LATERAL'

test('after TIMEOUT a query begins no statement any more, on any door', async () => {
  const id = await seedQueue(app.admin)
  await submit(app.admin, id)
  const { letGo, has } = holding(LIST)
  await Promise.all(
    Object.entries(doors).map(async ([door, ask]) => {
      const { data, errors } = await ask(app.admin, { query: NESTED, variables: { id } })
      expect({ door, data, errors }).toMatchObject({
        door,
        data: null,
        errors: [{ extensions: { code: 'TIMEOUT' } }],
      })
    }),
  )
  letGo()
  await settled()
  expect(hasGoneOn(has)).toBe(false)
})

test('a query whose caller has hung up begins no statement any more', async () => {
  const id = await seedQueue(app.admin)
  await submit(app.admin, id)
  const { letGo, has, isOver } = holding(LIST)
  const gone = new AbortController()
  const answer = fetch(`${app.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...app.admin.headers },
    body: JSON.stringify({ query: NESTED, variables: { id } }),
    signal: gone.signal,
  }).catch(() => 'gone')
  await until(() => has(LIST))
  gone.abort()
  expect(await answer).toBe('gone')
  await until(isOver)
  letGo()
  await settled()
  expect(hasGoneOn(has)).toBe(false)
})

test('after TIMEOUT a mutation that had begun is done, and the next of the same operation does not begin', async () => {
  const id = await seedQueue(app.admin)
  const { letGo } = holding('INSERT INTO "Job"')
  const one = (name: string): string =>
    `${name}: submitJob(input: { serviceId: "${id}" }) { __typename }`
  const { errors } = await doors['POST']!(app.admin, {
    query: `mutation { ${one('first')} ${one('second')} }`,
  })
  expect(errors?.[0]?.extensions?.['code']).toBe('TIMEOUT')
  letGo()
  await until(async () => (await board(app.admin, id)).jobCounts.queued === 1)
  await settled()
  expect((await board(app.admin, id)).jobCounts.queued).toBe(1)
})

test.runIf(process.env['TEST_DATABASE_URL'])(
  'a statement that runs on a server is canceled, after TIMEOUT and when the caller hangs up',
  async () => {
    const id = await seedQueue(app.admin)
    const query: Query = app.database.query.bind(app.database)
    const running = async (): Promise<number> => {
      const rows = await query(
        Prisma.sql`SELECT FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'
          AND datname = current_database()`,
      )
      return rows.length
    }
    vi.spyOn(app.database, 'query').mockImplementation((sql, options) =>
      sql.text.includes(LIST)
        ? query(Prisma.sql`SELECT pg_sleep(25)`, options)
        : query(sql, options),
    )
    const ask = () => doors['POST']!(app.admin, { query: NESTED, variables: { id } })
    const late = ask()
    await until(async () => (await running()) === 1)
    expect((await late).errors?.[0]?.extensions?.['code']).toBe('TIMEOUT')
    await until(async () => (await running()) === 0)
    const gone = new AbortController()
    const answer = fetch(`${app.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...app.admin.headers },
      body: JSON.stringify({ query: NESTED, variables: { id } }),
      signal: gone.signal,
    }).catch(() => 'gone')
    await until(async () => (await running()) === 1)
    gone.abort()
    expect(await answer).toBe('gone')
    await until(async () => (await running()) === 0)
  },
)
