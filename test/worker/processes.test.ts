import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testDatabase, type TestDatabase } from '../../testkit/database/database.ts'
import { testFolder, type TestFolder } from '../../testkit/folder.ts'
import { awayAnswers, interposed } from '../../testkit/interposed.ts'
import { jobBecomes, read, seedQueue, submit } from '../../testkit/seed/jobs.ts'
import { TestServer } from '../../testkit/server.ts'
import { until } from '../../testkit/until.ts'

/** Workers as processes of their own, and a server that is one too. */
const script = fileURLToPath(new URL('../fixtures/worker/main.mjs', import.meta.url))
const MODULE = new URL('../../dist/worker/index.js', import.meta.url).href

let database: TestDatabase
let server: TestServer
let folder: TestFolder
const children: ChildProcess[] = []

beforeAll(async () => {
  database = await testDatabase()
  server = new TestServer(database, { AUTH: 'open' })
  await server.start()
  folder = await testFolder()
})
afterAll(async () => {
  await endAll()
  await server.end('SIGTERM')
  await database.drop()
  await folder.remove()
})

interface Process {
  readonly child: ChildProcess
  /** Kinds of events it has told. */
  readonly told: () => string[]
}

function start(SERVICE: string, LEASE = '30', CONCURRENCY = '1', URL = server.url): Process {
  const child = spawn(process.execPath, [script], {
    env: { PATH: process.env.PATH, MODULE, URL, SERVICE, LEASE, CONCURRENCY },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  return { child, told: () => output.split('\n').filter((line) => line !== '') }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, 'exit')
    child.kill(signal)
    await ended
  }
  return child.exitCode
}

const endAll = (): Promise<unknown> =>
  Promise.all(children.splice(0).map((child) => end(child, 'SIGKILL')))

/** Waits until a job is claimed; it may have ended by the time somebody looks. */
const begins = (id: string): Promise<void> =>
  until(async () => (await read(server.admin, id)).attempt === 1)

let files = 0
const newFile = (): string => `${folder.path}/${(files += 1)}`

describe.concurrent('workers of a server that is there', () => {
  afterAll(endAll)

  test('a handler that blocks the event loop for four leases keeps its job', async () => {
    const queue = await seedQueue(server.admin)
    const { id } = await submit(server.admin, queue, { parameters: { blockMs: 4_000 } })
    const { child } = start(queue, '1')
    await jobBecomes(server.admin, id, 'SUCCEEDED')
    expect(await read(server.admin, id)).toMatchObject({ result: child.pid, attempt: 1 })
  })

  test('a job that comes while a handler blocks waits for it, and is not lost', async () => {
    const queue = await seedQueue(server.admin)
    const first = await submit(server.admin, queue, { parameters: { blockMs: 4_000 } })
    start(queue, '1', '2')
    await begins(first.id)
    const second = await submit(server.admin, queue)
    await begins(second.id)
    for (const { id } of [first, second]) {
      await jobBecomes(server.admin, id, 'SUCCEEDED')
      expect((await read(server.admin, id)).attempt).toBe(1)
    }
  })

  test('SIGTERM lets the job end, then the process, with exit code 0', async () => {
    const queue = await seedQueue(server.admin)
    const file = newFile()
    const { id } = await submit(server.admin, queue, { parameters: { file } })
    const { child, told } = start(queue)
    await until(() => told().includes('claimed'))
    const ended = end(child, 'SIGTERM')
    await until(() => told().includes('stopping'))
    await writeFile(file, '')
    expect(await ended).toBe(0)
    expect(told()).toEqual(['claimed', 'stopping', 'succeeded', 'stopped'])
    expect((await read(server.admin, id)).status).toBe('SUCCEEDED')
  })

  test('when a worker is killed, another does its job', async () => {
    const queue = await seedQueue(server.admin)
    const file = newFile()
    const { id } = await submit(server.admin, queue, { parameters: { file }, maxAttempts: 2 })
    const first = start(queue, '1')
    await until(async () => (await read(server.admin, id)).logs.nodes.length === 1)
    await end(first.child, 'SIGKILL')
    await writeFile(file, '')
    const second = start(queue, '1')
    await jobBecomes(server.admin, id, 'SUCCEEDED')
    const { result, attempts, logs } = await read(server.admin, id)
    expect(result).toBe(second.child.pid)
    expect(attempts).toMatchObject([{ outcome: 'LOST' }, { outcome: 'SUCCEEDED' }])
    expect(logs.nodes.map(({ text, attempt }) => [attempt, text])).toEqual([
      [1, `begun by ${first.child.pid}`],
      [2, `begun by ${second.child.pid}`],
      [2, 'done'],
    ])
  })

  test('a worker that was stopped past its lease loses its job, and drops what came of it', async () => {
    const queue = await seedQueue(server.admin)
    const file = newFile()
    const { id } = await submit(server.admin, queue, { parameters: { file }, maxAttempts: 2 })
    const first = start(queue, '1')
    await until(async () => (await read(server.admin, id)).logs.nodes.length === 1)
    first.child.kill('SIGSTOP')
    await until(async () => (await read(server.admin, id)).status === 'QUEUED')
    const second = start(queue, '30')
    await until(() => second.told().includes('claimed'))
    first.child.kill('SIGCONT')
    await until(() => first.told().includes('dropped'))
    await writeFile(file, '')
    await jobBecomes(server.admin, id, 'SUCCEEDED')
    expect((await read(server.admin, id)).result).toBe(second.child.pid)
  })
})

test('a result that comes while the server is down is delivered when it is back', async () => {
  const queue = await seedQueue(server.admin)
  const file = newFile()
  const { id } = await submit(server.admin, queue, { parameters: { file } })
  const { child, told } = start(queue)
  await until(() => told().includes('claimed'))
  await server.end('SIGKILL')
  await writeFile(file, '')
  await until(() => told().includes('away'))
  await server.start()
  await jobBecomes(server.admin, id, 'SUCCEEDED')
  const { result, attempt, logs } = await read(server.admin, id)
  expect({ result, attempt }).toEqual({ result: child.pid, attempt: 1 })
  expect(logs.nodes.map(({ text }) => text)).toEqual([`begun by ${child.pid}`, 'done'])
  expect(told().slice(0, 4)).toEqual(['claimed', 'away', 'back', 'succeeded'])
  const next = await submit(server.admin, queue)
  await jobBecomes(server.admin, next.id, 'SUCCEEDED')
})

test('what a proxy answers, and what the server says of what it needs, is an outage: told once, and waited out', async () => {
  const queue = await seedQueue(server.admin)
  const proxy = await interposed(server.url)
  const file = newFile()
  const { id } = await submit(server.admin, queue, { parameters: { file } })
  const { child, told } = start(queue, '60', '2', proxy.url)
  await until(async () => (await read(server.admin, id)).logs.nodes.length === 1)
  for (const [status, body] of awayAnswers) await proxy.answer(status, body)
  await writeFile(file, '')
  for (const [status, body] of awayAnswers.slice(0, 2)) await proxy.answer(status, body)
  proxy.pass()
  await until(() => told().includes('succeeded'))
  expect(told()).toEqual(['claimed', 'away', 'back', 'succeeded'])
  expect(await read(server.admin, id)).toMatchObject({ result: child.pid, attempt: 1 })
  await end(child, 'SIGKILL')
  await proxy.close()
})
