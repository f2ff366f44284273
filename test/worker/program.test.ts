import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { sharedApp, type SharedApp } from '../../testkit/shared.ts'
import { RunningCommand } from '../../testkit/cli.ts'
import { testFolder, type TestFolder } from '../../testkit/folder.ts'
import { isAlive } from '../../testkit/machine/alive.ts'
import { cancel, jobBecomes, read, seedQueue, submit, submitMany } from '../../testkit/seed/jobs.ts'
import { until } from '../../testkit/until.ts'

/** `npx millrace worker`, as it is built. */
let app: SharedApp
let folder: TestFolder
/** Workers of the test that runs. */
const commands: RunningCommand[] = []

/** One worker does all scripts: it takes longer to start than most of them. */
let queueOfScripts: string
let workerOfScripts: RunningCommand
let scripts = 0

beforeAll(async () => {
  app = await sharedApp()
  folder = await testFolder()
  const functions = Array.from({ length: 40 }, (_, n) => ({ name: `script-${n + 1}` }))
  queueOfScripts = await seedQueue(app.admin, functions)
  workerOfScripts = worker(queueOfScripts, shell(`exec sh ${folder.path}/$MILLRACE_FUNCTION`))
  commands.pop() // it outlives the tests
})
afterEach(async () => {
  for (const command of commands.splice(0)) {
    command.signal('SIGKILL')
    await command.ended()
  }
})
afterAll(async () => {
  workerOfScripts.signal('SIGTERM')
  expect(await workerOfScripts.ended()).toMatchObject({ code: 0 })
  await app.close()
  await folder.remove()
})

function worker(queue: string, program: readonly string[], ...options: string[]): RunningCommand {
  const isOwn = options.includes('--url')
  const env = { MILLRACE_URL: app.url, MILLRACE_TOKEN: isOwn ? '' : (app.admin.token ?? '') }
  const command = new RunningCommand(['worker', '--service', queue, ...options, '--', ...program], {
    env,
  })
  commands.push(command)
  return command
}

const shell = (script: string): string[] => ['sh', '-c', script]

/** Submits jobs that are done by this script, which the worker of all scripts knows by the name of a function. */
async function script(text: string, parameters: unknown = null, jobs = 1): Promise<string[]> {
  const name = `script-${(scripts += 1)}`
  await folder.write({ [name]: text })
  const job = { function: name, parameters }
  return submitMany(
    app.admin,
    queueOfScripts,
    Array.from({ length: jobs }, () => job),
  )
}

/** The one job of a script, once it has ended so. */
async function ended(text: string, status: string, parameters?: unknown) {
  const [id = ''] = await script(text, parameters)
  await jobBecomes(app.admin, id, status)
  return read(app.admin, id)
}

test.each([
  ['cat', { a: [1, 'ü'] }, { a: [1, 'ü'] }],
  ['echo reading; echo "[1, 2]"', null, [1, 2]],
  ['echo plain; echo text', null, 'plain\ntext'],
  ['echo "[12345678901234567890, 1.0]"', null, ['12345678901234567890', 1]],
  ['true', null, null],
  ['cat /dev/stdin', { read: 'again' }, { read: 'again' }],
  ['read -r _; read -r line < /dev/stdin; echo "$line"', 7, 7],
  ['echo 1 > /dev/stdout; echo 2 | tee /dev/stdout', null, 2],
  ['echo "\\"$MILLRACE_JOB_ID $MILLRACE_ATTEMPT\\""', null, 'ID 1'],
])('%s with %j has the result %j', async (text, parameters, expected) => {
  const { id, result } = await ended(text, 'SUCCEEDED', parameters)
  expect(result).toEqual(expected === 'ID 1' ? `${id} 1` : expected)
})

test.each([
  [`printf '{"loss": NaN}'`, 'result.loss is NaN, which JSON has no word for: print null'],
  [`echo epoch 1; echo '{"scores": ["NaN", [1, -Infinity]]}'`, 'result.scores.1.1 is -Infinity,'],
  [`printf '[\\n{"a": "\\\\" Infinity",\\n"b": Infinity}]'`, 'result.0.b is Infinity,'],
  ['echo NaN', 'result is NaN,'],
  [`echo '{"a": NaN, "a": 1}'`, 'something is NaN,'],
])('%s has no result, and would have none another time', async (text, why) => {
  const { error } = await ended(text, 'FAILED')
  expect(error?.message).toMatch(why)
  expect(error?.detail).toMatchObject({ name: 'NonRetryable' })
})

test.each(['loss: NaN', '{"loss": nan}', '{"a": NaN', '"a" NaN', 'Infinity & beyond'])(
  '%s is a text, whatever numbers it tells of',
  async (text) => {
    expect((await ended(`echo '${text}'`, 'SUCCEEDED')).result).toBe(text)
  },
)

test('stderr is the log, and its end the reason of a failure', async () => {
  const { error, logs } = await ended('seq 1 50 >&2; exit 3', 'FAILED')
  const numbers = Array.from({ length: 50 }, (_, n) => String(n + 1))
  expect(logs.nodes.map(({ text }) => text)).toEqual(numbers)
  const last = numbers.slice(-20).join('\n')
  expect(error?.message).toBe(`The program ended with exit code 3:\n${last}`)
})

test('the log is whole when the program opens /dev/stderr again and again', async () => {
  const { logs } = await ended(
    'seq 1 9 >&2; echo 10 > /dev/stderr; seq 11 20 | tee /dev/stderr; echo 21 >&2',
    'SUCCEEDED',
  )
  expect(logs.nodes.map(({ text }) => Number(text))).toEqual(
    Array.from({ length: 21 }, (_, n) => n + 1),
  )
})

test('a line that is drawn over itself is seen as it moves, and is its last state in the end', async () => {
  const gate = `${folder.path}/gate`
  const draw = `printf '\\r10%%\\r20%%' >&2; until [ -e ${gate} ]; do sleep 0.05; done`
  const [id = ''] = await script(`echo begins >&2; ${draw}; printf '\\r100%%\\r\\nends' >&2`)
  const lines = async () =>
    (await read(app.admin, id)).logs.nodes.map(({ text, isUnfinished }) => [text, isUnfinished])
  await until(async () => (await lines()).length === 2)
  expect(await lines()).toEqual([
    ['begins', false],
    ['20%', true],
  ])
  await writeFile(gate, '')
  await jobBecomes(app.admin, id, 'SUCCEEDED')
  expect((await lines()).slice(2)).toEqual([
    ['100%', false],
    ['ends', false],
  ])
})

test('a line that is as long as one may be is one, whatever its end and in whatever pieces it comes', async () => {
  const long = "head -c 65536 /dev/zero | tr '\\0' x >&2"
  const { logs } = await ended(
    `${long}; printf '\\r' >&2; sleep 0.2; printf '\\n' >&2; ${long}; echo >&2; echo ends >&2`,
    'SUCCEEDED',
  )
  const finished = logs.nodes.filter((line) => !line.isUnfinished)
  expect(finished.map(({ text }) => text.length)).toEqual([65_536, 65_536, 4])
})

/** Waits until a daemon has become its program. */
const isThere = 'until grep -q ^sleep /proc/$!/cmdline; do :; done'

test.each([
  ['holds its output', 'setsid sleep 100 &'],
  ['holds nothing', 'setsid sleep 100 </dev/null >/dev/null 2>&1 &'],
  ['has no environment', 'env -i sleep 100 &'],
  ['takes no signals', '(trap "" HUP TERM; exec setsid sleep 100) &'],
])('a daemon that %s keeps neither the job nor the worker, and is ended', async (_, daemon) => {
  const text = `${daemon} echo $! > ${folder.path}/$MILLRACE_JOB_ID; ${isThere}; echo 1`
  const ids = await script(text, null, 2)
  for (const id of ids) {
    await jobBecomes(app.admin, id, 'SUCCEEDED')
    const pid = await readFile(`${folder.path}/${id}`, 'utf8')
    expect(isAlive(Number(pid))).toBe(false)
  }
})

test('output that is held by whom nobody can find is not waited for', async () => {
  const file = `${folder.path}/stranger`
  const text = `env -i setsid sleep 100 & echo $! > ${file}; ${isThere}; echo 1`
  expect((await ended(text, 'SUCCEEDED')).result).toBe(1)
  process.kill(Number(await readFile(file, 'utf8')))
})

test('a program that is gone fails the job', async () => {
  const queue = await seedQueue(app.admin)
  const program = `${folder.path}/passing`
  await writeFile(program, '#!/bin/sh\nrm "$0"\n', { mode: 0o755 })
  const ids = await submitMany(app.admin, queue, [{ parameters: 0 }, { parameters: 1 }])
  worker(queue, [program])
  for (const [n, status] of ['SUCCEEDED', 'FAILED'].entries())
    await jobBecomes(app.admin, ids[n] ?? '', status)
  expect((await read(app.admin, ids[1] ?? '')).error?.message).toMatch(
    /could not be started: .*passing/,
  )
})

test('a canceled program gets SIGTERM, and a deaf one SIGKILL, with all it has started', async () => {
  const queue = await seedQueue(app.admin)
  const note = `${folder.path}/note`
  const scripts = [
    `trap 'echo heard > ${note}; exit 0' TERM; while :; do sleep 0.05; done`,
    `trap '' TERM; sleep 100 & echo $! > ${folder.path}/pid; wait; wait`,
  ]
  const ids = await submitMany(app.admin, queue, [{ parameters: 0 }, { parameters: 1 }])
  const dispatch = `read n; if [ "$n" = 0 ]; then ${scripts[0]}; else ${scripts[1]}; fi`
  worker(queue, shell(dispatch), '--concurrency', '2', '--lease', '1', '--kill', '1')
  await until(() => existsSync(`${folder.path}/pid`))
  const pid = Number(await readFile(`${folder.path}/pid`, 'utf8'))
  for (const id of ids) await jobBecomes(app.admin, id, 'RUNNING')
  for (const id of ids) await cancel(app.admin, id)
  for (const id of ids) await jobBecomes(app.admin, id, 'CANCELED')
  expect(await readFile(note, 'utf8')).toBe('heard\n')
  await until(() => !isAlive(pid))
})

test('no program outlives a worker that is killed, and the job is done by another', async () => {
  const queue = await seedQueue(app.admin)
  const { id } = await submit(app.admin, queue, { maxAttempts: 2 })
  const file = `${folder.path}/outlive`
  const daemon = 'setsid sleep 100 & echo $! >'
  const script = `${daemon} ${file}.daemon; echo $$ > ${file}; sleep 100 & wait`
  const first = worker(queue, shell(script), '--lease', '1')
  await until(() => existsSync(file))
  const pids = await Promise.all([file, `${file}.daemon`].map((path) => readFile(path, 'utf8')))
  first.signal('SIGKILL')
  await first.ended()
  await until(() => !pids.some((pid) => isAlive(Number(pid))))
  worker(queue, ['echo', 'again'], '--lease', '1')
  await jobBecomes(app.admin, id, 'SUCCEEDED')
  expect(await read(app.admin, id)).toMatchObject({
    result: 'again',
    attempts: [{ outcome: 'LOST' }, { outcome: 'SUCCEEDED' }],
  })
})

test('SIGTERM drains the worker; what is not done in the grace is given back', async () => {
  const queue = await seedQueue(app.admin)
  const { id } = await submit(app.admin, queue)
  const command = worker(queue, ['sleep', '100'], '--grace', '0', '--json')
  await until(() => command.stdout.includes('"claimed"'))
  command.signal('SIGTERM')
  const { code, stdout } = await command.ended()
  const kinds = stdout
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { kind: string }).kind) // what the expectation says
  expect({ code, kinds }).toEqual({
    code: 0,
    kinds: ['claimed', 'stopping', 'released', 'stopped'],
  })
  expect(await read(app.admin, id)).toMatchObject({
    status: 'QUEUED',
    attempts: [{ outcome: 'PREEMPTED' }],
  })
})

test('a service that is not there ends the command with exit code 1', async () => {
  const command = worker('nobody', ['true'])
  const { code, stderr } = await command.ended()
  expect(code).toBe(1)
  expect(stderr).toBe('There is no service "nobody".\nStopping.\nStopped.\n')
})

test('an organization that is none of the caller ends the command at once', async () => {
  const queue = await seedQueue(app.admin)
  const command = worker(queue, ['true'], '--organization', 'nosuch')
  expect(await command.ended()).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^The organization "nosuch" \(--organization, MILLRACE_ORG/),
  })
})

test('a base URL brings the token of a worker along', async () => {
  const queue = await seedQueue(app.admin)
  const { id } = await submit(app.admin, queue)
  const url = app.url.replace('://', `://any:${app.admin.token}@`)
  worker(queue, ['true'], '--url', url)
  await jobBecomes(app.admin, id, 'SUCCEEDED')
})
