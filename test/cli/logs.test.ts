import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Ended, millrace, millraceAt, RunningCommand } from '../../testkit/cli.ts'
import { type TestDatabase, testEmbedded } from '../../testkit/database/database.ts'
import { testFolder, type TestFolder } from '../../testkit/folder.ts'
import { TestServer } from '../../testkit/server.ts'
import { until } from '../../testkit/until.ts'

/** Prints as many lines as it is asked for, and one every few milliseconds without being asked. */
const source = `
let printed = 0
setInterval(() => console.log('tick ' + (printed += 1)), 5)
export async function handler(request) {
  for (let n = Number(await request.text()); n > 0; n -= 1) console.log('asked ' + n)
  return new Response('done')
}`

let database: TestDatabase
let server: TestServer
let folder: TestFolder
let run: ReturnType<typeof millraceAt>

beforeAll(async () => {
  database = await testEmbedded()
  server = new TestServer(database, { AUTH: 'open' })
  await server.start()
  run = millraceAt(server.url)
  folder = await testFolder({ 'main.mjs': source })
  await run('deploy', folder.path, '--name', 'ticker')
})
afterAll(async () => {
  await server.end('SIGTERM')
  await database.drop()
  await folder.remove()
})

const linesOf = (text: string): { number: number; text: string }[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line)) // one object a line, as the types say

it('a log is followed through the death of the server, with no line lost and none twice', async () => {
  const env = { MILLRACE_URL: server.url }
  const logs = new RunningCommand(['logs', 'ticker', '-f', '--verify', '--json'], { env })
  await until(() => linesOf(whole(logs.stdout)).length > 50)
  for (let round = 0; round < 2; round += 1) {
    const losses = logs.stderr.split('is not available').length
    await server.end('SIGKILL')
    await until(() => logs.stderr.split('is not available').length > losses)
    await server.start()
    const before = linesOf(whole(logs.stdout)).length
    await until(() => linesOf(whole(logs.stdout)).length > before + 100)
  }
  expect(logs.stderr).toContain('Millrace is available again.\n')
  logs.signal('SIGINT')
  const { code, stdout, stderr } = await logs.ended()
  const lines = linesOf(whole(stdout))
  expect(lines.map(({ number }) => number)).toEqual(lines.map((_, index) => index + 1))
  expect(stderr).toContain(`verified: lines 1 to ${lines.length} complete\n`)
  expect(code).toBe(0)
  const ticks = lines.flatMap(({ text }) => /^tick (\d+)$/.exec(text)?.[1] ?? []).map(Number)
  expect(ticks.length).toBeGreaterThan(250)
})

/** What a command has printed, up to its last whole line. */
const whole = (text: string): string => text.slice(0, text.lastIndexOf('\n') + 1)

it('without -f the whole log is read, page by page', async () => {
  await run('invoke', 'ticker', '--data', '2500')
  await run('stop', 'ticker')
  const env = { MILLRACE_URL: server.url }
  const { code, stdout, stderr } = await millrace(['logs', 'ticker', '--json', '--verify'], { env })
  const lines = linesOf(stdout)
  expect(lines.filter(({ text }) => text.startsWith('asked'))).toHaveLength(2500)
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: `verified: lines 1 to ${lines.length} complete\n`,
  })
})

it('--tail begins with the last lines, also beyond a page, and --since with a time', async () => {
  const all = linesOf(await run('logs', 'ticker', '--json'))
  expect(linesOf(await run('logs', 'ticker', '--json', '--tail', '1200'))).toEqual(all.slice(-1200))
  expect(await run('logs', 'ticker', '--tail', '0')).toBe('')
  expect(linesOf(await run('logs', 'ticker', '--json', '--since', '1h'))).toEqual(all)
  expect(await run('logs', 'ticker', '--since', '2100-01-01')).toBe('')
  const [last = ''] = (await run('logs', 'ticker', '--tail', '1')).split('\n')
  expect(last).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (millrace|0 stdout) /)
})

it('--output writes the whole log into a file, as it would be printed', async () => {
  const file = join(folder.path, 'ticker.log')
  expect(await run('logs', 'ticker', '--output', file)).toBe('')
  const printed = await run('logs', 'ticker')
  const saved = await readFile(file, 'utf8')
  expect(saved.split('\n').length).toBe(printed.split('\n').length)
  expect(saved).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (?:- system|0 stdout) /)
  await run('logs', 'ticker', '--json', '--since', '1h', '--output', file)
  expect(
    linesOf(await readFile(file, 'utf8')).map(({ number, text }) => ({ number, text })),
  ).toEqual(
    linesOf(await run('logs', 'ticker', '--json')).map(({ number, text }) => ({ number, text })),
  )
  const env = { MILLRACE_URL: server.url }
  const { code, stderr } = await millrace(['logs', 'ticker', '-f', '--output', file], { env })
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: 'error: give --output without -f, --tail, --verify and --color\n',
  })
})

it('a file that cannot be written is said to be so, in one sentence', async () => {
  const env = { MILLRACE_URL: server.url }
  const into = (output: string): Promise<Ended> =>
    millrace(['logs', 'ticker', '--output', output], { env })
  const nowhere = join(folder.path, 'nowhere/ticker.log')
  expect(await into(nowhere)).toMatchObject({
    code: 1,
    stderr: `${nowhere} cannot be written: its folder does not exist.\n`,
  })
  expect(await into(folder.path)).toMatchObject({
    code: 1,
    stderr: `${folder.path} cannot be written: it is a folder.\n`,
  })
})

it('following ends with the service, once all of its log is told', async () => {
  const env = { MILLRACE_URL: server.url }
  const logs = new RunningCommand(['logs', 'ticker', '-f', '--verify', '--tail', '3'], { env })
  await until(() => logs.stdout.split('\n').length > 3)
  await run('delete', 'ticker')
  const { code, stderr } = await logs.ended()
  expect(stderr).toMatch(/was the last line\.\nverified: lines \d+ to \d+ complete\n$/)
  expect(code).toBe(0)
})
