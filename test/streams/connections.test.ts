import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase, type TestDatabase } from '../../testkit/database/database.ts'
import { inspect, inspectable, type Inspector } from '../../testkit/inspector.ts'
import { amount } from '../../testkit/random.ts'
import { runningService } from '../../testkit/seed/services.ts'
import { TestServer } from '../../testkit/server.ts'
import { until } from '../../testkit/until.ts'
import { comers } from './comers.ts'

const WARM_UP = amount({ share: 300, whole: 1_000 })
const CONNECTIONS = amount({ share: 800, whole: 10_000 })
const AT_ONCE = 100
/** A leak of one thing a connection leaves all of them; of one in a single way, of which there are 20, a soak finds it. */
const FEW = 150
/** What may be left besides, as caches and compiled code: in a soak 1 kB a connection. */
const HEAP_BOUND = amount({ share: 5_000_000, whole: 10_000_000 })

const program = `
import { createServer } from 'node:http'
console.log('here')
createServer((_, response) => response.end()).listen(process.env.PORT, '127.0.0.1')
`

type Service = Awaited<ReturnType<typeof runningService>>

let database: TestDatabase
let server: TestServer
let inside: Inspector
beforeAll(async () => {
  database = await testDatabase()
  server = new TestServer(database, { ...inspectable, OPERATIONS_PER_SECOND: '0' })
  await server.start()
  inside = await inspect(server)
})
afterAll(async () => {
  inside.close() // the process does not end before
  await server.end('SIGTERM')
  await database.drop()
})

/** What the server says of what is open on it. */
async function open(): Promise<Record<string, number>> {
  const response = await fetch(`${server.url}/metrics`, { headers: server.admin.headers })
  const text = await response.text()
  function sum(name: string): number {
    const found = [...text.matchAll(new RegExp(`^millrace_${name}(?:{.*})? (\\d+)$`, 'gm'))]
    if (found.length === 0) throw new Error(`No metric ${name}:\n${text}`)
    return found.reduce((total, [, value]) => total + Number(value), 0)
  }
  return {
    sockets: sum('websockets'),
    streams: sum('sse_streams'),
    subscriptions: sum('subscriptions'),
    followers: sum('stream_followers'),
    followed: sum('streams_followed'),
  }
}

const nothing = { sockets: 0, streams: 0, subscriptions: 0, followers: 0, followed: 0 }
const isQuiet = async (): Promise<boolean> =>
  Object.values(await open()).every((count) => count === 0)

/** So many connections, all ways in turn; those that wait for deliveries leave once the server counts just them. */
async function comeAndGo(count: number, service: Service): Promise<void> {
  const ways = Object.values(comers)
  for (let from = 0; from < count; from += AT_ONCE) {
    const coming = Array.from({ length: AT_ONCE }, async (_, place) =>
      ways[(from + place) % ways.length]?.(server.admin, service),
    )
    const waiting = (await Promise.all(coming)).filter((leave) => leave !== undefined)
    await until(async () => (await open()).subscriptions === waiting.length)
    for (const leave of waiting) leave()
  }
  await until(isQuiet)
}

test('connections that come and go leave nothing behind', async () => {
  const service = await runningService(
    server.admin,
    { 'main.mjs': program },
    { command: 'node main.mjs' },
  )
  await comeAndGo(WARM_UP, service)
  const base = await inside.alive()
  await comeAndGo(CONNECTIONS, service)
  const after = await inside.alive()

  expect(await open()).toEqual(nothing)
  expect(after.functions - base.functions).toBeLessThan(FEW)
  expect(after.promises - base.promises).toBeLessThan(FEW)
  expect(after.resources - base.resources).toBeLessThan(10)
  expect(after.heapBytes - base.heapBytes).toBeLessThan(HEAP_BOUND)
})
