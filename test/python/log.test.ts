import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedApp, type SharedApp } from '../../testkit/shared.ts'
import { Client } from '../../testkit/client.ts'
import { graphql } from '../../testkit/generated/index.ts'
import { olderProxy } from '../../testkit/older.ts'
import { until } from '../../testkit/until.ts'
import { crewAt, type Crew } from './crew.ts'
import { gateIn } from './worker.ts'

/* The log of a job that a worker in Python does. */

let app: SharedApp
let crew: Crew
beforeAll(async () => {
  app = await sharedApp()
  crew = await crewAt(app)
})
afterAll(async () => {
  await crew.close()
  await app.close()
})

const LastLines = graphql(`
  query PythonLastLines($id: ID!) {
    job(id: $id) {
      logs(last: 2) {
        nodes {
          number
          text
        }
      }
    }
  }
`)

test.concurrent('a log longer than the worker keeps arrives whole and in order', async () => {
  const service = await crew.queue()
  const count = 25_000
  const id = await crew.call(service, 'lines', { count, size: 100 })
  crew.work(service)
  await crew.becomes(id, 'SUCCEEDED')
  const { job } = await app.admin.request(LastLines, { id })
  expect(job?.logs.nodes.map(({ number, text }) => [number, text.split(' ')[0]])).toEqual([
    [count - 1, String(count - 2)],
    [count, String(count - 1)],
  ])
})

test.concurrent('threads and forks of a function are its own: the log has the lines, a fork obeys signals', async () => {
  const service = await crew.queue()
  const forking = await crew.call(service, 'fork')
  const threading = await crew.call(service, 'threads')
  crew.work(service)
  expect((await crew.becomes(forking, 'SUCCEEDED')).result).toBe(-15)
  expect(await crew.logOf(forking)).toEqual(['before the fork'])
  await crew.becomes(threading, 'SUCCEEDED')
  expect(await crew.logOf(threading)).toEqual(['from a thread'])
})

test.concurrent('what children, C code and descriptors print is in the log too, in its order', async () => {
  const service = await crew.queue()
  const id = await crew.call(service, 'everywhere')
  const worker = crew.work(service)
  expect((await crew.becomes(id, 'SUCCEEDED')).result).toBe('captured\n')
  expect(await crew.logOf(id)).toEqual([
    'print',
    'child',
    'again',
    'print',
    'descriptor',
    'bytes ü',
    'C',
    'log',
    'fork',
    'INFO tasks: logging',
    'without an end',
  ])
  expect(await worker.end('SIGTERM')).toBe(0)
  expect(worker.output.split('\n').filter((line) => !line.startsWith('millrace: '))).toEqual([''])
})

test.concurrent('what is printed while several jobs run and nobody can tell whose it is goes to the terminal', async () => {
  const service = await crew.queue()
  const gate = gateIn(crew.folder)
  const waiting = await crew.call(service, 'wait', { gate: gate.path })
  const worker = crew.work(service, { concurrency: 2 })
  await crew.says(waiting, 'waiting 1')
  await crew.becomes(await crew.call(service, 'everywhere'), 'SUCCEEDED')
  await until(() => worker.output.includes('child\n'))
  await gate.open()
  await crew.becomes(waiting, 'SUCCEEDED')
  expect(await crew.logOf(waiting)).toEqual(['waiting 1'])
})

test.concurrent('a line that is drawn over itself is seen as it moves, also by a server that knows no such lines', async () => {
  const service = await crew.queue()
  const proxy = await olderProxy(app.url)
  const gates = [gateIn(crew.folder), gateIn(crew.folder)] as const
  const id = await crew.call(service, 'bar', { gate: gates[0].path })
  const worker = crew.work(service)
  await crew.says(id, '20%')
  expect((await crew.look(id)).logs.nodes.at(-1)?.isUnfinished).toBe(true)
  await gates[0].open()
  await crew.becomes(id, 'SUCCEEDED')
  await worker.end('SIGTERM')
  const older = await crew.call(service, 'bar', { gate: gates[1].path })
  const there = crew.workAt(new Client(proxy.url, app.admin.token), service)
  await until(() => proxy.refused > 0)
  await gates[1].open()
  await crew.becomes(older, 'SUCCEEDED')
  const all = [
    'begins',
    '100%',
    'x'.repeat(50_000),
    'y'.repeat(50_000),
    'y'.repeat(50_000),
    'y',
    'z'.repeat(50_000),
    'ends',
  ]
  expect(await crew.logOf(older)).toEqual(all)
  expect(await crew.logOf(id)).toEqual(['begins', '20%', ...all.slice(1)])
  await there.end('SIGKILL')
  await proxy.close()
})

test.concurrent('a daemon that holds the output keeps neither the job nor the worker', async () => {
  const service = await crew.queue()
  const id = await crew.call(service, 'daemon')
  const worker = crew.work(service)
  const { result } = await crew.becomes(id, 'SUCCEEDED')
  expect(await worker.exit('SIGTERM')).toBe(0)
  process.kill(Number(result))
  expect(await crew.logOf(id)).toEqual(['started'])
})

test.concurrent('four jobs at a time keep their logs apart', async () => {
  const service = await crew.queue()
  const names = ['a', 'b', 'c', 'd']
  const ids = await Promise.all(names.map((name) => crew.call(service, 'chatter', { name })))
  crew.work(service, { concurrency: 4 })
  for (const [place, name] of names.entries()) {
    const id = ids[place] ?? ''
    expect((await crew.becomes(id, 'SUCCEEDED')).result).toBe(name)
    expect(await crew.logOf(id)).toEqual(Array.from({ length: 100 }, (_, n) => `${name} ${n}`))
  }
})
