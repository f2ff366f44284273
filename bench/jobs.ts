import { once } from 'node:events'
import { ServiceId } from '../src/services/index.ts'
import { JobCounts, Jobs } from '../testkit/operations/jobs.ts'
import { Heartbeats } from '../testkit/operations/workers.ts'
import { claimOne, complete, seedQueue, submit } from '../testkit/seed/jobs.ts'
import type { TestServer } from '../testkit/server.ts'
import { bossQueue } from './support/queues/pg-boss.ts'
import { graphileQueue } from './support/queues/graphile.ts'
import { millraceQueue } from './support/queues/millrace.ts'
import { store } from './support/queues/million.ts'
import type { Queue } from './support/queues/queue.ts'
import { workerQueue } from './support/queues/worker.ts'
import { onStage, type Kind } from './support/stage.ts'
import { figure, percentile, printTable, ratio } from './support/table.ts'

const ONE_BY_ONE = 2_000
const IN_FLIGHT = 16
const JOBS = { 1: 1_000, 16: 6_000 } as const
const AHEAD = 15
/** By sixteen; a queue that does fewer than so many a second has one. */
const ROUNDS = 5
const SLOW = 500
const RATE = 100
const LATENCY_JOBS = 800

const schema = {
  type: 'object',
  properties: { n: { type: 'integer' } },
  required: ['n'],
  additionalProperties: false,
}

/**
 * A queue of jobs that do nothing: putting in, taking out by one worker, which takes some ahead or none, and by sixteen,
 * and how long after it was put in a job begins when a hundred come each second. On a PostgreSQL server beside graphile-worker and pg-boss, which talk
 * to the database themselves; Millrace is talked to over HTTP, checks parameters and results against schemas, and
 * writes events.
 */
export const jobs = (kind: Kind): Promise<void> =>
  onStage(
    kind,
    async (server, { url }) => {
      const serviceId = await seedQueue(server.admin, [
        { name: 'default', parametersSchema: schema, resultSchema: schema },
      ])
      const plain = millraceQueue(server, serviceId)
      const queues: Queue[] = [plain, await workerQueue(plain, server, serviceId)]
      if (url !== undefined) queues.push(await graphileQueue(url), await bossQueue(url))
      const rows: Record<string, string>[] = []
      try {
        const measured: Measured[] = []
        for (const queue of queues) measured.push(await measure(queue))
        const rates = await by16(queues)
        const of = (name: string): number => rates.get(name) ?? Number.NaN
        const base = measured.find(({ name }) => name === 'graphile-worker') ?? measured[0]
        for (const one of measured)
          rows.push({
            '': one.name,
            'put in/s': figure(one.added),
            'many at once/s': figure(one.addedMany),
            'done/s by 1': figure(one.by1),
            [`${AHEAD} ahead`]: one.by1Ahead === undefined ? '-' : figure(one.by1Ahead),
            'by 16': figure(of(one.name)),
            [`of ${base?.name}`]: ratio(of(one.name), of(base?.name ?? one.name)),
            'to begin: p50 ms': figure(one.p50Ms),
            'p99 ms': figure(one.p99Ms),
          })
        printTable(`Jobs that do nothing, ${kind}`, rows)
        if (url !== undefined) await atAMillion(server, serviceId, url)
      } finally {
        for (const queue of queues) await queue.close()
      }
    },
    { OPERATIONS_PER_SECOND: '0' },
  )

const STORED = 1_000_000
const ASKED = 300

/** What one operation takes, with what the bench has left in the table and with a million jobs more. */
async function atAMillion({ admin }: TestServer, serviceId: string, url: string): Promise<void> {
  const now = async () => ({
    ...(await worked(admin, serviceId)),
    page: await median(() =>
      timed(() => admin.request(Jobs, { filter: { serviceIds: [serviceId] } })),
    ),
    'page of failed ones': await median(() =>
      timed(() =>
        admin.request(Jobs, { filter: { serviceIds: [serviceId], statuses: ['FAILED'] } }),
      ),
    ),
    counts: await median(() => timed(() => admin.request(JobCounts, { id: serviceId }))),
  })
  const before = await now()
  await store(url, ServiceId.read(serviceId) ?? '', STORED)
  const after = await now()
  printTable(
    `One operation at a time, p50 ms: few jobs stored, and ${figure(STORED)} more`,
    (Object.keys(before) as (keyof typeof before)[]).map((what) => ({
      '': what,
      few: figure(before[what]),
      many: figure(after[what]),
      '×': ratio(after[what], before[what]),
    })),
  )
}

/** What a worker asks for a job, each by itself. */
async function worked(admin: TestServer['admin'], serviceId: string) {
  const ms = { claim: [] as number[], heartbeat: [] as number[], complete: [] as number[] }
  for (let n = 0; n < ASKED; n += 1) {
    const job = await submit(admin, serviceId, { parameters: { n: 1 } })
    let lease: Awaited<ReturnType<typeof claimOne>> | undefined
    ms.claim.push(await timed(async () => (lease = await claimOne(admin, serviceId))))
    if (lease?.jobId !== job.id) throw new Error('Another job was given.')
    const { jobId, fence } = lease
    const input = { worker: 'w', jobs: [{ jobId, fence }] }
    ms.heartbeat.push(await timed(() => admin.request(Heartbeats, { input })))
    ms.complete.push(await timed(() => complete(admin, { jobId, fence }, { n: 1 })))
  }
  return {
    claim: percentile(ms.claim, 0.5),
    heartbeat: percentile(ms.heartbeat, 0.5),
    complete: percentile(ms.complete, 0.5),
  }
}

async function median(once: () => Promise<number>): Promise<number> {
  const all: number[] = []
  for (let n = 0; n < ASKED; n += 1) all.push(await once())
  return percentile(all, 0.5)
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now()
  await work()
  return performance.now() - begun
}

interface Measured {
  readonly name: string
  readonly added: number
  readonly addedMany: number
  readonly by1: number
  readonly by1Ahead: number | undefined
  readonly p50Ms: number
  readonly p99Ms: number
}

async function measure(queue: Queue): Promise<Measured> {
  await queue.add() // what is said for the first time is prepared
  const added = await rate(ONE_BY_ONE, async () => {
    let left = ONE_BY_ONE
    const sender = async (): Promise<void> => {
      while ((left -= 1) >= 0) await queue.add()
    }
    await Promise.all(Array.from({ length: IN_FLIGHT }, sender))
  })
  await drain(queue, 16, ONE_BY_ONE + 1)
  await queue.addMany(JOBS[1])
  const by1 = await rate(JOBS[1], () => drain(queue, 1, JOBS[1]))
  await queue.addMany(JOBS[1])
  const ahead = await rate(JOBS[1], () => drain(queue, 1, JOBS[1], queue.takesAhead ? AHEAD : 0))
  const addedMany = await rate(JOBS[16], () => queue.addMany(JOBS[16]))
  await drain(queue, 16, JOBS[16])
  const by1Ahead = queue.takesAhead ? ahead : undefined
  return { name: queue.name, added, addedMany, by1, by1Ahead, ...(await latency(queue)) }
}

/** Jobs a second by sixteen: the queues take turns, because the machine is not equally fast all the time. */
async function by16(queues: readonly Queue[]): Promise<Map<string, number>> {
  const rates = new Map<string, number[]>(queues.map(({ name }) => [name, []]))
  for (let round = 0; round < ROUNDS; round += 1)
    for (const queue of queues) {
      const own = rates.get(queue.name) ?? []
      if (own.some((one) => one < SLOW)) continue
      await queue.addMany(JOBS[16])
      own.push(await rate(JOBS[16], () => drain(queue, 16, JOBS[16])))
    }
  return new Map([...rates].map(([name, all]) => [name, percentile(all, 0.5)]))
}

/** How many a second. */
async function rate(count: number, work: () => Promise<void>): Promise<number> {
  const begun = performance.now()
  await work()
  return (count / (performance.now() - begun)) * 1000
}

async function drain(
  queue: Queue,
  concurrency: number,
  count: number,
  jobsAhead = 0,
): Promise<void> {
  let left = count
  const all = new AbortController()
  const over = once(all.signal, 'abort')
  const ended = (): void => {
    left -= 1
    if (left === 0) all.abort()
  }
  const workers = await queue.work(concurrency, { begun() {}, ended }, jobsAhead)
  await over
  await workers.stop()
}

/** From before a job is put in until it begins, at a steady rate; jobs begin in the order they were put in. */
async function latency(queue: Queue): Promise<{ p50Ms: number; p99Ms: number }> {
  const added: number[] = []
  const latencies: number[] = []
  const told = {
    begun: () => void latencies.push(performance.now() - (added[latencies.length] ?? Number.NaN)),
    ended() {},
  }
  const workers = await queue.work(16, told, 0)
  const begun = performance.now()
  for (let n = 0; n < LATENCY_JOBS; n += 1) {
    const due = begun + (n * 1000) / RATE
    await new Promise((resolve) => setTimeout(resolve, due - performance.now()))
    added.push(performance.now())
    await queue.add()
  }
  while (latencies.length < LATENCY_JOBS) await new Promise((resolve) => setTimeout(resolve, 10))
  await workers.stop()
  return { p50Ms: percentile(latencies, 0.5), p99Ms: percentile(latencies, 0.99) }
}
