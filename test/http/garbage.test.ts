import { readFile } from 'node:fs/promises'
import * as fc from 'fast-check'
import { OperationTypeNode } from 'graphql'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase, type TestDatabase } from '../../testkit/database/database.ts'
import { each } from '../../testkit/each.ts'
import { amount, freshSeed } from '../../testkit/random.ts'
import { TestServer } from '../../testkit/server.ts'
import { until } from '../../testkit/until.ts'
import { wrongArguments } from './garbage/arguments.ts'
import { bodies } from './garbage/documents.ts'
import { sockets } from './garbage/frames.ts'
import { makeNormal, worksAsBefore } from './garbage/normal.ts'
import { requests } from './garbage/requests.ts'
import { exchange, posted, type Garbage } from './garbage/wire.ts'

const TOTAL = amount({ share: 1_000, whole: 10_000 })
const BATCH = 250
const AT_ONCE = 16
/** How much more memory the second half may leave than the first. */
const MORE_BYTES = 100 * 2 ** 20
/** Has the server collect its garbage on a signal: one that rests does not do it by itself. */
const COLLECTING = `--import=data:text/javascript,${encodeURIComponent(`
  import { setFlagsFromString } from 'node:v8'
  import { runInNewContext } from 'node:vm'
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc')
  process.on('SIGUSR2', () => collect())
`)}`

let database: TestDatabase
let server: TestServer
beforeAll(async () => {
  database = await testDatabase()
  server = new TestServer(database, { OPERATIONS_PER_SECOND: '0', NODE_OPTIONS: COLLECTING })
  await server.start()
})
afterAll(async () => {
  await server.end('SIGTERM')
  await database.drop()
})

test('bad requests are the caller’s mistakes, and leave the server as it was', async () => {
  const seed = freshSeed()
  const { pid } = server
  const garbage = await everything(seed)
  const faults: object[] = []
  const half = async (from: number): Promise<void> => {
    for (let at = from; at < from + TOTAL / 2 && faults.length < 10; at += BATCH)
      faults.push(...(await send(fc.sample(garbage, { seed: seed + at, numRuns: BATCH }))))
  }
  await half(0)
  const before = await settledBytes()
  await half(TOTAL / 2)
  expect(faults, `SEED=${seed}`).toEqual([])
  expect(server.output).not.toContain('a request failed')
  await until(async () => (await settledBytes()) <= before + MORE_BYTES)
  await worksAsBefore(server.admin)
  expect(server.pid).toBe(pid)
})

async function everything(seed: number): Promise<fc.Arbitrary<Garbage>> {
  const { admin } = server
  const { deploymentId: id, organizationId } = await makeNormal(admin)
  const token = fc.oneof(
    { weight: 6, arbitrary: fc.constant(`Bearer ${admin.token}`) },
    fc.constantFrom(
      'Bearer none',
      'Bearer',
      'Basic Og==',
      'Basic %',
      'Bearer \xff',
      `Bearer ${'x'.repeat(9_000)}`,
    ),
    fc.constant(undefined),
  )
  const credential = token.map((text) => (text === undefined ? [] : [`authorization: ${text}`]))
  const wrong = wrongArguments(id, organizationId, seed)
  // a subscription goes on, so it has a socket, where something else can come after it
  const overHttp = wrong.filter(({ kind }) => kind !== OperationTypeNode.SUBSCRIPTION)
  return fc.oneof(
    {
      weight: 8,
      arbitrary: fc
        .tuple(overHttp, credential)
        .map(([{ json }, who]) => ({ bytes: posted(json, who) })),
    },
    {
      weight: 4,
      arbitrary: fc
        .tuple(bodies(id), credential)
        .map(([body, who]) => ({ bytes: posted(body, who) })),
    },
    { weight: 5, arbitrary: requests(id, credential) },
    { weight: 3, arbitrary: sockets(id, token, wrong) },
  )
}

/** Sends them, some at once, and answers what the server should not have said. */
async function send(all: readonly Garbage[]): Promise<object[]> {
  const port = Number(new URL(server.url).port)
  const faults: object[] = []
  await each(all, AT_ONCE, async (one) => {
    const { text, isHung } = await exchange(port, one)
    const why = isHung ? 'no end' : whyWrong(text, one)
    if (why !== undefined)
      faults.push({
        why,
        sent: one.bytes.toString('latin1').slice(0, 800),
        said: text.slice(0, 800),
      })
  })
  return faults
}

const FORBIDDEN = {
  'a status of 500 or more': /^HTTP\/1\.1 5\d\d/m,
  'a fault': /"INTERNAL"|internal_server_error/,
  'a stack': /\bat [^"]+:\d+:\d+|node_modules|\bdist\/|\.[jt]s:\d|file:\/\//,
  'what is within': /PrismaClient|\b(SELECT|INSERT INTO|UPDATE|DELETE FROM) "/,
}

function whyWrong(text: string, { cut }: Garbage): string | undefined {
  if (!cut && !text.startsWith('HTTP/1.1 ')) return 'no answer'
  return Object.entries(FORBIDDEN).find(([, form]) => form.test(text))?.[0]
}

/** What it holds when it has let go of what it needs no more, and does its work. */
async function settledBytes(): Promise<number> {
  process.kill(server.pid, 'SIGUSR2')
  await worksAsBefore(server.admin)
  const status = await readFile(`/proc/${server.pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024
}
