import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestDatabase, testEmbedded } from '../testkit/database/database.ts'
import { becomes } from '../testkit/seed/services.ts'
import { TestServer } from '../testkit/server.ts'
import { until } from '../testkit/until.ts'

/*
 * The walk of the README, each block run by a shell as it stands, but for the port. The server is the one that
 * `npm start` runs; `npm ci` and `npm test` are what got this far.
 */
const root = fileURLToPath(new URL('..', import.meta.url))
const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const walk = readme.slice(0, readme.indexOf('\n## '))
const blocks = walk
  .split(/\n(?! {4}|\n)/)
  .flatMap((part) => part.match(/(?:^ {4}.*\n?|^\n(?= {4}))+/gm) ?? [])
  .map((block) => block.replaceAll(/^ {4}/gm, '').trim())

let database: TestDatabase
let server: TestServer
const started: ChildProcess[] = []

beforeAll(async () => {
  database = await testEmbedded()
  server = new TestServer({ dataDir: database.dataDir }, { AUTH: 'open' })
  await server.start()
})

afterAll(async () => {
  for (const child of started)
    if (child.pid && child.exitCode === null && child.signalCode === null)
      process.kill(-child.pid, 'SIGKILL')
  await server.end('SIGTERM')
  await database.drop()
})

/** Starts a block; `output` grows as it prints. */
function paste(block: string): { child: ChildProcess; output: () => string } {
  const port = new URL(server.url).port
  const child = spawn(
    'sh',
    ['-c', block.replaceAll(/(localhost|127\.0\.0\.1):4000/g, `$1:${port}`)],
    {
      cwd: root,
      detached: true,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, MILLRACE_URL: server.url },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  started.push(child)
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  return { child, output: () => text }
}

async function run(block: string): Promise<string> {
  const { child, output } = paste(block)
  const [code] = (await once(child, 'close')) as [number] // the event's own arguments
  expect(code, `${block}\n${output()}`).toBe(0)
  return output()
}

const block = (contains: string): string => {
  const found = blocks.find((one) => one.includes(contains))
  if (found === undefined) throw new Error(`The README has no block with ${contains}`)
  return found
}

test('the first two commands are the ones that start and test it', () => {
  const { scripts } = JSON.parse(
    readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
  ) as {
    scripts: Record<string, string>
  }
  expect(blocks[0]).toBe('npm ci && npm start')
  expect(blocks.at(-1)).toBe('npm ci && npm test')
  expect(scripts.start).toBe('node dist/bin.js serve')
})

test('the walk of the README works word for word, through a kill -9 of the server', async () => {
  const first = await run(block('deploy examples/image-stats'))
  expect(first).toContain('image-stats is READY')
  expect(first).toContain('"width"')

  const follower = paste(block('logs image-stats -f'))
  await until(() => follower.output().includes('measured a picture'))
  await server.end('SIGKILL')
  await server.start()
  await becomes(server.admin, 'image-stats', 'READY')
  await run(block('invoke image-stats').split('\n')[1] ?? '')
  const lines = (): string[] =>
    follower
      .output()
      .split('\n')
      .filter((line) => line.includes('measured a picture'))
  await until(() => lines().length === 2)
  if (follower.child.pid) process.kill(-follower.child.pid, 'SIGINT')
  await once(follower.child, 'close')
  expect(follower.output()).toContain('verified: lines 1 to 2 complete')
  expect(new Set(lines()).size).toBe(2)

  const answers = await run(block('services { nodes'))
  expect(answers).toContain('"name":"image-stats"')
  expect(answers).toContain('"__typename":"WrongState"')

  const stream = paste(block('text/event-stream'))
  await until(
    () => /^id: \S+$/m.test(stream.output()) && stream.output().includes('measured a picture'),
    { told: () => `curl ended with ${stream.child.exitCode}, and printed: ${stream.output()}` },
  )
})
