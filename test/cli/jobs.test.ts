import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Ended, millrace, millraceAt, RunningCommand } from '../../testkit/cli.ts'
import { type TestDatabase, testEmbedded } from '../../testkit/database/database.ts'
import { AppendLog } from '../../testkit/operations/workers.ts'
import { claimOne, complete, fail, read, seedQueue, submit } from '../../testkit/seed/jobs.ts'
import { TestServer } from '../../testkit/server.ts'
import { until } from '../../testkit/until.ts'

let database: TestDatabase
let server: TestServer
let run: ReturnType<typeof millraceAt>

beforeAll(async () => {
  database = await testEmbedded()
  server = new TestServer(database, { AUTH: 'open' })
  await server.start()
  run = millraceAt(server.url)
})
afterAll(async () => {
  await server.end('SIGTERM')
  await database.drop()
})

const env = (): Record<string, string> => ({ MILLRACE_URL: server.url })
const start = (...args: string[]): RunningCommand => new RunningCommand(args, { env: env() })
const ends = (...args: string[]): Promise<Ended> => millrace(args, { env: env() })

const rowsOf = (text: string): Record<string, unknown>[] =>
  text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line)) // one object a line, as the expectations say

it('a job is submitted with all that can be said of it, and shown', async () => {
  const queue = await seedQueue(server.admin, [{ name: 'fit' }])
  const said = [
    `--function fit --data {"b":1,"a":[2],"n":12345678901234567890} --priority -3 --lane l --max-attempts 4`,
    '--timeout 60 --after 1h --retain 100 --label color=blue --label size=a=b',
  ]
  const id = await run('job', 'submit', queue, ...said.join(' ').split(' '))
  const job = JSON.parse(await run('job', 'get', id.trim(), '--json')) as Record<string, unknown> // as expected below
  expect(job).toMatchObject({
    id: id.trim(),
    status: 'QUEUED',
    function: 'fit',
    parameters: { b: 1, a: [2], n: '12345678901234567890' },
    priority: -3,
    lane: 'l',
    maxAttempts: 4,
    runAfter: expect.any(String),
    labels: [
      { name: 'color', value: 'blue' },
      { name: 'size', value: 'a=b' },
    ],
  })
  const words = await run('job', 'get', id.trim())
  expect(words).toMatch(/^job +job_\w+\nstatus +QUEUED\nservice +queue-.+\nfunction +fit\n/)
  expect(words).toMatch(/\nlabels +color=blue size=a=b\n/)
})

it('parameters come from stdin or a file too, and what is no JSON is refused', async () => {
  const queue = await seedQueue(server.admin)
  const { code, stdout } = await millrace(['job', 'submit', queue], { env: env(), input: '[1, 2]' })
  expect(code).toBe(0)
  expect((await read(server.admin, stdout.trim())).parameters).toEqual([1, 2])
  expect(await ends('job', 'submit', queue, '--data', 'words')).toEqual({
    code: 1,
    stdout: '',
    stderr: `--data is not valid JSON. Write a text as '"text"'.\n`,
  })
  expect(await ends('job', 'submit', queue, '--file', '/nowhere')).toMatchObject({ code: 1 })
  expect(await ends('job', 'submit', queue, '--data', '1', '--file', 'x')).toMatchObject({
    code: 2,
  })
})

it('with a key it is submitted once', async () => {
  const queue = await seedQueue(server.admin)
  const args = ['job', 'submit', queue, '--data', '1', '--key', 'once']
  expect(await run(...args)).toBe(await run(...args))
})

it('what violates the schema is said, one a line', async () => {
  const parametersSchema = { type: 'object', required: ['x', 'y'] }
  const queue = await seedQueue(server.admin, [{ parametersSchema }])
  const { code, stderr } = await ends('job', 'submit', queue, '--data', '{}')
  expect(code).toBe(1)
  expect(stderr).toMatch(/^parameters\S*: .*x.*\nparameters\S*: .*y.*\n$/)
})

it('a job that is waited for answers with its result, or fails', async () => {
  const queue = await seedQueue(server.admin)
  const good = start('job', 'submit', queue, '--data', '1', '--wait')
  await complete(server.admin, await claimOne(server.admin, queue), { y: 2 })
  expect(await good.ended()).toMatchObject({ code: 0, stdout: '{"y":2}\n' })
  const bad = start('job', 'submit', queue, '--data', '1', '--wait')
  await fail(server.admin, await claimOne(server.admin, queue), { message: 'no luck' })
  const { code, stdout, stderr } = await bad.ended()
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toMatch(/job_\w+ failed: no luck\n$/)
})

it.each([[], ['--json']])(
  'whoever interrupts the wait has been told the id first, and goes on with it %j',
  async (...more) => {
    const queue = await seedQueue(server.admin)
    const waiting = start('job', 'submit', queue, '--data', '1', '--wait', ...more)
    await until(() => waiting.stderr.includes('npx millrace worker --service'))
    waiting.signal('SIGINT')
    const { stdout, stderr } = await waiting.ended()
    expect(stdout).toBe('')
    const [, id = ''] =
      /^Job (job_\w+) was submitted\. .+ `npx millrace job watch \1`\.\n/.exec(stderr) ?? []
    const watching = start('job', 'watch', id)
    await complete(server.admin, await claimOne(server.admin, queue), 1)
    expect(await watching.ended()).toMatchObject({ code: 0 })
  },
)

it('a queued job is canceled at once, a running one is asked to end; a final one is refused', async () => {
  const queue = await seedQueue(server.admin)
  const queued = await submit(server.admin, queue, { runAfter: '2100-01-01T00:00:00Z' })
  expect(await run('job', 'cancel', queued.id)).toBe(`${queued.id} is CANCELED.\n`)
  const running = await submit(server.admin, queue)
  await claimOne(server.admin, queue)
  expect(await run('job', 'cancel', running.id, '--reason', 'enough')).toMatch(
    /^job_\w+ is RUNNING; its cancellation was requested and takes effect by 2\S+ at the latest\.\n$/,
  )
  expect(await ends('job', 'cancel', 'nothing')).toMatchObject({ code: 1, stdout: '' })
})

it('a job that has ended is run again as a new one', async () => {
  const queue = await seedQueue(server.admin)
  const { id } = await submit(server.admin, queue, { parameters: 7 })
  expect(await ends('job', 'retry', id)).toMatchObject({ code: 1, stdout: '' })
  await fail(server.admin, await claimOne(server.admin, queue))
  const again = start('job', 'retry', id, '--wait', '--json')
  await complete(server.admin, await claimOne(server.admin, queue), 'better')
  const { code, stdout } = await again.ended()
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ result: 'better', parameters: 7, retryOf: { id } })
})

it('a job and its log are followed through the death of the server, to the end', async () => {
  const queue = await seedQueue(server.admin)
  const { id } = await submit(server.admin, queue)
  const watch = start('job', 'watch', id, '--json')
  const logs = start('job', 'logs', id, '-f', '--verify', '--json')
  const script = 'for i in $(seq 1 200); do echo "tick $i" >&2; sleep 0.05; done; echo 42'
  const worker = start('worker', '--service', queue, '--', 'sh', '-c', script)
  await until(() => rowsOf(logs.stdout).length > 10)
  await server.end('SIGKILL')
  await until(() => [watch, logs].every(({ stderr }) => stderr.includes('is not available')))
  await server.start()

  const followed = await logs.ended()
  const ticks = Array.from({ length: 200 }, (_, n) => `tick ${n + 1}`)
  expect(rowsOf(followed.stdout).map(({ text }) => text)).toEqual(ticks)
  expect(followed.stderr).toContain('verified: lines 1 to 200 complete\n')
  const watched = await watch.ended()
  expect(rowsOf(watched.stdout).map(({ kind }) => kind)).toEqual(['QUEUED', 'CLAIMED', 'SUCCEEDED'])
  expect(watched.stderr).toMatch(/is SUCCEEDED\.\n$/)
  expect([followed.code, watched.code]).toEqual([0, 0])
  expect((await read(server.admin, id)).result).toBe(42)

  worker.signal('SIGTERM')
  expect(await worker.ended()).toMatchObject({ code: 0 })
  expect(worker.stderr).toContain(`${id}: succeeded\n`)
  expect(await run('job', 'logs', id, '--tail', '1')).toMatch(/^2\S+Z 1 worker +tick 200\n$/)
})

it('a line that is not finished is drawn over on a terminal; elsewhere it comes only where nothing took its place', async () => {
  const queue = await seedQueue(server.admin)
  const { id } = await submit(server.admin, queue)
  const { jobId, fence } = await claimOne(server.admin, queue)
  const follow = ['job', 'logs', id, '-f', '--verify']
  const terminal = new RunningCommand(follow, { env: env(), columns: 60 })
  const pipe = start(...follow)
  const json = start(...follow, '--json')
  const states = ['loading 10 %', '表'.repeat(100), 'loaded', 'last words']
  for (const [n, text] of states.entries()) {
    const unfinished = n === 2 ? [] : [0]
    const input = { jobId, fence, firstLine: n + 1, lines: [text], unfinished }
    await server.admin.request(AppendLog, { input })
    await until(() => terminal.stdout.includes(text.slice(0, 10)))
  }
  await complete(server.admin, { jobId, fence })

  const shown = (await terminal.ended()).stdout.replaceAll(/2\S+Z 1 worker +/g, '')
  const erase = '\r\u001b[K'
  expect(shown.split('\r\n')).toEqual([
    `loading 10 %${erase}${'表'.repeat(12)}${erase}loaded`,
    'last words',
    'The job has ended; this was the last line.',
    'verified: lines 1 to 4 complete',
    '',
  ])
  const finished = /^2\S+Z 1 worker +loaded\n2\S+Z 1 worker +last words\n$/
  expect((await pipe.ended()).stdout).toMatch(finished)
  expect(pipe.stderr).toContain('verified: lines 1 to 4 complete\n')
  expect(await run('job', 'logs', id)).toMatch(finished)
  expect(await run('job', 'logs', id, '--tail', '1')).toMatch(finished)
  expect(rowsOf((await json.ended()).stdout)).toMatchObject(
    states.map((text, n) => ({ number: n + 1, text, isUnfinished: n !== 2 })),
  )
})

it('watching a job that fails tells each attempt, and ends with exit code 1', async () => {
  const queue = await seedQueue(server.admin)
  const { id } = await submit(server.admin, queue, { maxAttempts: 2 })
  const watch = start('job', 'watch', id)
  await fail(server.admin, await claimOne(server.admin, queue), { message: 'first' })
  await fail(server.admin, await claimOne(server.admin, queue), { message: 'second' })
  const { code, stdout, stderr } = await watch.ended()
  expect(stdout.replaceAll(/^\S+Z +/gm, '')).toBe(
    '- queued\n1 claimed\n1 requeued: first\n2 claimed\n2 failed: second\n',
  )
  expect({ code, stderr }).toEqual({ code: 1, stderr: `${id} failed: second\n` })
})

it('a worker whose program is not there takes no job', async () => {
  const queue = await seedQueue(server.admin)
  const { id } = await submit(server.admin, queue)
  for (const program of ['no-such-program', './no-such-program']) {
    const { code, stderr } = await ends('worker', '--service', queue, '--', program)
    expect(code).toBe(1)
    expect(stderr).toContain(`The program "${program}"`)
  }
  expect(JSON.parse(await run('job', 'get', id, '--json'))).toMatchObject({ status: 'QUEUED' })
})

it('a worker is told which role a job needs', async () => {
  const queue = await seedQueue(server.admin)
  const { id } = await submit(server.admin, queue)
  const secret = await run('token', 'create', 'w', '--role', 'worker')
  const as = async (...args: string[]): Promise<string> =>
    (await ends('job', ...args, '--token', secret.trim())).stderr
  for (const command of ['get', 'logs', 'watch'])
    expect(await as(command, id)).toBe('This needs the role VIEWER; your token has WORKER.\n')
  for (const command of ['cancel', 'retry'])
    expect(await as(command, id)).toBe('This needs the role DEVELOPER; your token has WORKER.\n')
})

it('a queue stands in the list of services', async () => {
  const queue = await seedQueue(server.admin)
  const services = JSON.parse(await run('services', '--json')) as { id: string }[] // as expected below
  expect(services.map(({ id }) => id)).toContain(queue)
  expect(await run('services')).toMatch(/^SERVICE +STATUS/)
})
