import { afterAll, beforeAll, expect, it } from 'vitest'
import { millrace, millraceAt, RunningCommand } from '../../testkit/cli.ts'
import { type TestDatabase, testEmbedded } from '../../testkit/database/database.ts'
import { testFolder, type TestFolder } from '../../testkit/folder.ts'
import { seedQueue } from '../../testkit/seed/jobs.ts'
import { TestServer } from '../../testkit/server.ts'

/** Sets the title and the clipboard, clears the screen, in C0 and C1, and turns text around. */
const LINE = '\u001b]0;t\u0007\u001b]52;c;eA==\u0007\u001b[2J\u009b2Jb\u202ec\u2028d'
const SPELLED_LINE = String.raw`\x1b]0;t\x07\x1b]52;c;eA==\x07\x1b[2J\x9b2Jb\u202ec\u2028d`
/** The same behind a return, over which a log has it drawn. */
const DRIVING = `a\r${LINE}`
const SPELLED = String.raw`a\r${SPELLED_LINE}`
const COLORED = '\u001b[1;31mred'
/** What drives a terminal, but for colors and line ends. */
const ANY = /[^\P{Cc}\n\t]|[\u2028\u2029\u202a-\u202e\u2066-\u2069]/u

const source = `
const driving = ${JSON.stringify(DRIVING)}
console.log(driving)
console.log(${JSON.stringify(COLORED)})
export const handler = () => new Response(driving)`

let database: TestDatabase
let server: TestServer
let folder: TestFolder
let run: ReturnType<typeof millraceAt>
const env = (): Record<string, string> => ({ MILLRACE_URL: server.url })

beforeAll(async () => {
  database = await testEmbedded()
  server = new TestServer(database, { AUTH: 'open' })
  await server.start()
  run = millraceAt(server.url)
  folder = await testFolder({ 'main.mjs': source })
  await run('deploy', folder.path, '--name', 'driver')
})
afterAll(async () => {
  await server.end('SIGTERM')
  await database.drop()
  await folder.remove()
})

it('the log of a service cannot drive the terminal that shows it', async () => {
  const shown = await run('logs', 'driver')
  expect(shown).not.toMatch(ANY)
  expect(shown).toContain(`${SPELLED_LINE}\n`)
  expect(shown).toContain(String.raw`\x1b[1;31mred`)
})

it('with --color colors work to the end of their line, and nothing else does', async () => {
  const shown = await run('logs', 'driver', '--color')
  expect(shown).toContain(`${COLORED}\u001b[0m\n`)
  expect(shown).toContain(`${SPELLED_LINE}\n`)
  expect(shown.replaceAll(`${COLORED}\u001b[0m`, '')).not.toMatch(ANY)
})

it('with --json what was written is told exactly, in escapes', async () => {
  const shown = await run('logs', 'driver', '--json')
  expect(shown).not.toMatch(ANY)
  const lines = shown.trim().split('\n')
  const texts = lines.map((line) => (JSON.parse(line) as { text: string }).text) // as it is shown
  expect(texts).toEqual(expect.arrayContaining([LINE, COLORED]))
  expect(JSON.parse(await run('invoke', 'driver', '--json', '--data', ''))).toMatchObject({
    body: DRIVING,
  })
})

it('an answer is exact in a pipe and visible on a terminal', async () => {
  expect(await run('invoke', 'driver', '--data', '')).toBe(DRIVING)
  const onTerminal = { env: env(), columns: 80 }
  const { stdout } = await millrace(['invoke', 'driver', '--data', ''], onTerminal)
  expect(stdout.replaceAll('\r\n', '\n')).toBe(`${SPELLED}\n`)
})

it('what a job says is shown visibly by every command, its result as JSON too', async () => {
  const queue = await seedQueue(server.admin)
  const program = `
const [driving, fails] = [${JSON.stringify(DRIVING)}, process.argv[1] === 'fail']
console.error(driving)
console.log(JSON.stringify({ driving }))
process.exitCode = fails ? 1 : 0`
  const worker = (end: string): RunningCommand =>
    new RunningCommand(['worker', '--service', queue, '--', process.execPath, '-e', program, end], {
      env: env(),
    })
  const failing = worker('fail')
  const failed = await millrace(['job', 'submit', queue, '--wait'], { env: env() })
  failing.signal('SIGTERM')
  const told = await failing.ended()
  const id = /job_\w+/.exec(failed.stderr)?.[0] ?? ''
  const succeeding = worker('succeed')
  const succeeded = await run('job', 'submit', queue, '--wait')
  succeeding.signal('SIGTERM')
  await succeeding.ended()
  expect(succeeded).not.toMatch(ANY)
  expect(JSON.parse(succeeded)).toEqual({ driving: DRIVING })

  for (const shown of [
    failed.stderr,
    told.stderr,
    await run('job', 'get', id),
    await run('job', 'logs', id),
  ]) {
    expect(shown).not.toMatch(ANY)
    expect(shown).toContain(SPELLED_LINE.slice(0, 40))
  }
})

it('an error tells what was asked for visibly', async () => {
  const { code, stderr } = await millrace([`logs\u001b[2J`, 'x'], { env: env() })
  expect(code).toBe(2)
  expect(stderr).toContain(String.raw`logs\x1b[2J`)
  const missing = await millrace(['logs', 'a\u009b2J'], { env: env() })
  expect(missing.stderr).toContain(String.raw`"a\x9b2J"`)
})
