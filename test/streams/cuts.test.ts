import { chmod, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase, type TestDatabase } from '../../testkit/database/database.ts'
import { testFolder, type TestFolder } from '../../testkit/folder.ts'
import { cutting, type Cutting } from '../../testkit/network/cutting.ts'
import { DeleteService } from '../../testkit/operations/services.ts'
import { amount, freshSeed, random } from '../../testkit/random.ts'
import { seed } from '../../testkit/seed/chain.ts'
import { TestServer } from '../../testkit/server.ts'
import { until } from '../../testkit/until.ts'
import { firstFault, pageBackward, pageForward } from './follow.ts'
import { overEventSource, overFetch, overWebSocket, type Subscriber } from './resume.ts'

const LINES = amount({ share: 5_000, whole: 20_000 })
const RESETS = amount({ share: 19, whole: 96 })
const KILLS = amount({ share: 1, whole: 4 })

/*
 * Prints `<run>:<number>` until all its runs together have printed enough. A run is one start of the program; it
 * notes what it has printed in a file of its own, after printing it: so the log holds what was noted, and of the
 * last few lines before a kill as many as were written.
 */
const program = `
import { appendFileSync, readdirSync, readFileSync, writeSync } from 'node:fs'
import { createServer } from 'node:http'
const { NOTES, PORT } = process.env
const printed = readdirSync(NOTES).map((name) => Number(readFileSync(NOTES + '/' + name, 'utf8').trim().split('\\n').at(-1)))
const run = printed.length
let left = ${LINES} - printed.reduce((sum, count) => sum + count, 0)
appendFileSync(NOTES + '/' + run, '0\\n')
createServer((_request, response) => response.end('ok')).listen(PORT, '127.0.0.1')
let number = 0
const timer = setInterval(() => {
  const lines = []
  for (let i = 0; i < 15 && left > 0; i += 1, left -= 1) lines.push(run + ':' + (number += 1) + '\\n')
  writeSync(1, lines.join(''))
  appendFileSync(NOTES + '/' + run, number + '\\n')
  if (left === 0) clearInterval(timer)
}, 10)
`

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0)

let database: TestDatabase
let notes: TestFolder
let server: TestServer
const ways: Cutting[] = []
beforeAll(async () => {
  database = await testDatabase()
  notes = await testFolder()
  await chmod(notes.path, 0o777) // services have users of their own
  server = new TestServer(database)
  await server.start()
})
afterAll(async () => {
  for (const way of ways) await way.close()
  await server.end('SIGTERM')
  await notes.remove()
  await database.drop()
})

test('subscribers who are cut again and again, by resets and kill -9, have every line once and in order', async () => {
  const chance = random(freshSeed())
  const { id } = await seed(server.admin)
    .deployment()
    .version({ 'main.mjs': program }, { command: 'node main.mjs' })
    .service({ environment: [{ name: 'NOTES', value: notes.path }] })
    .ready()
    .made()

  const way = async (): Promise<string> => {
    const made = await cutting(
      server.url,
      RESETS,
      // from the middle of the first answer to some deliveries further
      () => 300 + chance() * (chance() < 0.75 ? 8_000 : 40_000),
    )
    ways.push(made)
    return made.url
  }
  const source = overEventSource(server.admin, await way(), id)
  const subscribers = [
    overWebSocket(server.admin, await way(), id),
    overFetch(server.admin, await way(), id),
    source,
  ]
  for (let kill = 0; kill < KILLS; kill += 1) {
    const at = ((kill + 0.2 + chance() * 0.6) * LINES) / KILLS
    await until(() => subscribers.some(({ lines }) => lines.length >= at), { timeoutMs: 120_000 })
    await server.end('SIGKILL')
    await server.start()
  }
  const runs = async (): Promise<number[]> =>
    Promise.all(
      (await readdir(notes.path)).sort().map(async (name) => {
        const text = await readFile(join(notes.path, name), 'utf8')
        return Number(text.trim().split('\n').at(-1))
      }),
    )
  await until(async () => sum(await runs()) >= LINES, { timeoutMs: 120_000 })
  const noted = await runs()
  // a run that began when enough was printed prints nothing
  const final = noted.findLastIndex((count) => count > 0)
  const last = `${final}:${noted[final]}`
  const hasLast = ({ lines }: Subscriber): boolean =>
    lines.slice(-50).some(({ text }) => text === last)
  await until(() => subscribers.every(hasLast), { timeoutMs: 120_000 })

  const log = await pageForward(server.admin, id)
  expect(await pageBackward(server.admin, id)).toEqual(log)
  expect(firstFault(log.map(({ number }) => number))).toBeUndefined()
  for (const [run, count] of noted.entries()) {
    const numbers = log
      .filter(({ source, text }) => source === 'STDOUT' && text.startsWith(`${run}:`))
      .map(({ text }) => Number(text.split(':')[1]))
    expect(firstFault(numbers)).toBeUndefined()
    expect(numbers.length).toBeGreaterThanOrEqual(count)
    expect(numbers.length).toBeLessThanOrEqual(count + 15)
  }

  await server.admin.request(DeleteService, { input: { id } })
  await until(() => subscribers.every(({ lastNumber }) => lastNumber !== undefined), {
    timeoutMs: 120_000,
  })
  await until(() => source.statuses.at(-1) === 204)
  for (const { lines, lastNumber, gaps, connections } of subscribers) {
    expect(lastNumber).toBe(lines.length)
    expect(lines.slice(0, log.length)).toEqual(log)
    expect(lines).toEqual(subscribers[0]?.lines)
    expect(gaps).toBe(0)
    expect(connections).toBeGreaterThanOrEqual(RESETS + KILLS)
  }
  expect(ways.map(({ cuts }) => cuts)).toEqual([RESETS, RESETS, RESETS])
})
