import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { createClient as createStreamClient } from 'graphql-sse'
import { createClient as createSocketClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { persistent, resumable } from '../../src/client/index.ts'
import { RunningCommand } from '../../testkit/cli.ts'
import { testFolder, type TestFolder } from '../../testkit/folder.ts'
import { OwnPostgres, postgresPrograms } from '../../testkit/machine/postgres.ts'
import { remove } from '../../testkit/operations/services.ts'
import { countedIn, dense } from '../../testkit/seed/counted.ts'
import { read, seedQueue, submit } from '../../testkit/seed/jobs.ts'
import { counter } from '../../testkit/seed/programs.ts'
import { runningService } from '../../testkit/seed/services.ts'
import { TestServer } from '../../testkit/server.ts'
import { until } from '../../testkit/until.ts'
import { Python, workshop } from '../python/worker.ts'
import { kinds, stopAll, work } from '../worker/support.ts'

/*
 * The database is killed while everybody is at work: clients of both protocols and the command line follow a log, some
 * since before and some from within the outage, and workers of both languages do jobs. All of them go on by themselves.
 */
const bin = process.env['TEST_DATABASE_URL'] === undefined ? undefined : await postgresPrograms()
const PATIENT = { timeoutMs: 60_000 }

/** Counts in its log until it is told to end. */
const counting = `
import os, time
from millrace import worker

@worker()
def count(job):
    number = 0
    while not os.path.exists(job.parameters['gate']):
        number += 1
        print(number)
        time.sleep(0.02)
    return number
`

describe.runIf(bin !== undefined)('with a PostgreSQL server that is killed', () => {
  let postgres: OwnPostgres
  let server: TestServer
  let folder: TestFolder
  let shop: TestFolder
  const undo: (() => unknown)[] = []
  beforeAll(async () => {
    postgres = await OwnPostgres.make(bin ?? '')
    folder = await testFolder()
    server = new TestServer({ url: postgres.url, dataDir: folder.path })
    await server.start()
    shop = await workshop(server.url)
    await writeFile(join(shop.path, 'counting.py'), counting)
  })
  afterEach(async () => {
    await stopAll()
    for (const one of undo.splice(0)) await one()
  })
  afterAll(async () => {
    await server.end('SIGKILL')
    await postgres.drop()
    await folder.remove()
    await shop.remove()
  })

  test('whoever follows or works goes on by itself, and says that the server was away', async () => {
    const service = await runningService(server.admin, counter.files)
    const gate = join(shop.path, 'gate')
    const ending = new AbortController()
    const followed = () => followersOf(server, service.id, undo)
    const env = { MILLRACE_URL: server.url, MILLRACE_TOKEN: server.admin.token ?? '' }
    const run = (...args: string[]): RunningCommand => {
      const command = new RunningCommand(args, { env })
      undo.push(() => command.signal('SIGKILL'))
      return command
    }
    const logs = (): RunningCommand => run('logs', service.id, '-f', '--verify', '--json')

    const [nodes, pythons] = [await seedQueue(server.admin), await seedQueue(server.admin)]
    const ofNode = await submit(server.admin, nodes)
    const ofPython = await submit(server.admin, pythons, { parameters: { gate } })
    const { events } = work(server.admin, nodes, async ({ log }) => {
      for (let number = 1; ; number += 1) {
        await log(String(number))
        if (ending.signal.aborted) return number
        await pause(20)
      }
    })
    const python = new Python(shop, ['millrace.py', 'counting'], {
      ...env,
      MILLRACE_SERVICE: pythons,
    })
    undo.push(() => python.destroy())
    const watch = run('job', 'watch', ofPython.id)
    const before = followed()
    const commands = [logs()]
    const all = (): readonly (readonly number[])[] => [
      ...before,
      ...commands.map((command) => linesOf(command).map(({ number }) => number)),
    ]
    await until(() => all().every(({ length }) => length > 50), PATIENT)
    await until(async () => (await read(server.admin, ofPython.id)).logs.nodes.length > 10, PATIENT)

    await postgres.kill()
    before.push(...followed())
    const late = logs()
    commands.push(late)
    await until(
      () =>
        late.stderr.includes('is not available') &&
        kinds(events).includes('away') &&
        python.output.includes('trying again'),
      PATIENT,
    )
    await postgres.start()

    const seen = Math.max(...all().map(({ length }) => length))
    await until(() => all().every(({ length }) => length > seen + 100), PATIENT)
    ending.abort()
    await writeFile(gate, '')
    for (const { id } of [ofNode, ofPython]) {
      await until(async () => (await read(server.admin, id)).status === 'SUCCEEDED', PATIENT)
      const { attempts, result, logs: log } = await read(server.admin, id)
      expect(attempts).toMatchObject([{ number: 1, outcome: 'SUCCEEDED' }])
      expect(Number(result)).toBeGreaterThanOrEqual(log.nodes.length)
      expect(log.nodes.map(({ text }) => Number(text))).toEqual(dense(log.nodes.length))
    }
    expect(kinds(events).filter((kind) => kind === 'away' || kind === 'back')).toEqual([
      'away',
      'back',
    ])
    expect(python.output.match(/trying again|answers again/g)).toEqual([
      'trying again',
      'answers again',
    ])

    expect(await watch.ended()).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(' succeeded\n'),
      stderr: expect.stringContaining(`${ofPython.id} is SUCCEEDED.\n`),
    })

    await remove(server.admin, service.id)
    for (const command of commands) {
      const { code, stderr } = await command.ended()
      const lines = linesOf(command)
      expect({ code, stderr }).toMatchObject({
        code: 0,
        stderr: expect.stringContaining(`verified: lines 1 to ${lines.length} complete\n`),
      })
      for (const counted of countedIn(lines).values())
        expect(counted).toEqual(dense(counted.length))
      // whoever was let in before only waits for the next line
      const told = command === late ? ['is not available', 'Millrace is available again'] : []
      expect(stderr.match(/is not available|Millrace is available again/g) ?? []).toEqual(told)
    }
    const { length } = linesOf(late)
    await until(() => all().every((numbers) => numbers.at(-1) === length), PATIENT)
    for (const numbers of all()) expect(numbers).toEqual(dense(length))
  })
})

const linesOf = ({ stdout }: RunningCommand): { number: number; text: string }[] =>
  stdout
    .slice(0, stdout.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line)) // one object a line

/** The numbers of the lines that clients of both protocols have got, as they grow; a failure is no number. */
function followersOf({ url, admin }: TestServer, id: string, undo: (() => unknown)[]): number[][] {
  const query = `subscription ($id: ID!, $after: String) {
    serviceLogs(serviceId: $id, after: $after) { lines { number } }
  }`
  const socket = resumable(
    persistent(createSocketClient, {
      url: `${url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: admin.headers,
    }),
  )
  const stream = resumable(
    persistent(createStreamClient, { url: `${url}/graphql`, headers: admin.headers }),
  )
  return [socket, stream].map((client) => {
    const numbers: number[] = []
    const stopFollowing = client.subscribe<{ serviceLogs: { lines: { number: number }[] } }>(
      { query, variables: { id, after: 'start' } },
      {
        next: ({ data }) =>
          numbers.push(...(data?.serviceLogs.lines ?? []).map(({ number }) => number)),
        error: () => numbers.push(NaN),
        complete: () => {},
      },
    )
    undo.push(stopFollowing)
    return numbers
  })
}
