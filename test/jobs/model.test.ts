import { randomUUID } from 'node:crypto'
import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { jobMoves } from '../../src/job-engine/index.ts'
import { testApp, type TestApp } from '../../testkit/app.ts'
import { each } from '../../testkit/each.ts'
import { Amend, Retry } from '../../testkit/operations/jobs.ts'
import { Heartbeats, Release } from '../../testkit/operations/workers.ts'
import { amount, freshSeed, isSoak } from '../../testkit/random.ts'
import { cancel, claim, complete, fail, read, seedQueue, submit } from '../../testkit/seed/jobs.ts'

/*
 * Operations by twenty callers at once, chosen at random, on jobs that may be in any state and with fences that may be
 * long stale. Each must be answered as data; what became of every job is then held against the table of states: its
 * events, folded, are moves that the table has and give the row.
 */
const OPERATIONS = amount({ share: 600, whole: 10_000 })
const CALLERS = 20

let app: TestApp
beforeAll(async () => {
  app = await testApp({ OPERATIONS_PER_SECOND: '0' })
})
afterAll(() => app.close())

const kinds = [
  { weight: 4, arbitrary: fc.constant('submit' as const) },
  { weight: 5, arbitrary: fc.constant('claim' as const) },
  { weight: 2, arbitrary: fc.constant('beat' as const) },
  { weight: 4, arbitrary: fc.constant('complete' as const) },
  { weight: 2, arbitrary: fc.constant('fail' as const) },
  { weight: 1, arbitrary: fc.constant('release' as const) },
  { weight: 2, arbitrary: fc.constant('cancel' as const) },
  { weight: 1, arbitrary: fc.constant('retry' as const) },
  { weight: 1, arbitrary: fc.constant('amend' as const) },
]
const operations = fc.array(
  fc.record({ kind: fc.oneof(...kinds), pick: fc.nat(), other: fc.nat(99), flag: fc.boolean() }),
  { minLength: OPERATIONS, maxLength: OPERATIONS, size: 'max' },
)
type Operation = typeof operations extends fc.Arbitrary<(infer One)[]> ? One : never

interface Held {
  readonly jobId: string
  readonly fence: string
}

/** What callers have come to know: all jobs, and every lease that was ever given. */
interface Known {
  readonly queue: string
  readonly jobs: string[]
  readonly leases: Held[]
  /** Leases whose result was accepted, by job. */
  readonly accepted: Map<string, Set<string>>
}

/** One of the newer ones mostly: older jobs are final, and refuse everything. */
const recent = <One>(all: readonly One[], { pick, other }: Operation): One | undefined =>
  all[all.length - 1 - (pick % (other < 90 ? Math.min(30, all.length) : all.length))]

const statuses = ['QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELED'] as const

async function act(known: Known, operation: Operation): Promise<void> {
  const { kind, pick, other, flag } = operation
  const { admin } = app
  const lease = recent(known.leases, operation)
  const id = recent(known.jobs, operation)
  switch (kind) {
    case 'submit': {
      const lane = other < 30 ? `lane ${pick % 3}` : null
      const job = await submit(admin, known.queue, {
        lane,
        priority: pick % 3,
        maxAttempts: 1 + (pick % 3),
      })
      known.jobs.push(job.id)
      return
    }
    case 'claim': {
      const leaseSeconds = other < 20 ? null : 1 + (pick % 3)
      const leases = await claim(admin, known.queue, {
        max: 1 + (pick % 3),
        claimId: randomUUID(),
        leaseSeconds,
      })
      for (const { job, fence } of leases) known.leases.push({ jobId: job.id, fence })
      return
    }
    case 'beat': {
      const beats = known.leases.slice(-5).map((one) => ({ ...one, fraction: other / 100 }))
      await admin.request(Heartbeats, { input: { worker: 'w', jobs: beats } })
      return
    }
    case 'complete': {
      if (lease === undefined) return
      const outcome = await complete(admin, lease, { other })
      if (outcome.__typename !== 'CompleteJobSuccess') return
      const accepted = known.accepted.get(lease.jobId) ?? new Set()
      known.accepted.set(lease.jobId, accepted.add(lease.fence))
      return
    }
    case 'fail':
      if (lease !== undefined) await fail(admin, lease, { isRetryable: flag })
      return
    case 'release':
      if (lease !== undefined) await admin.request(Release, { input: { jobs: [lease] } })
      return
    case 'cancel':
      if (id !== undefined) await cancel(admin, id)
      return
    case 'retry': {
      if (id === undefined) return
      const { retryJob } = await admin.request(Retry, { input: { id } })
      if (retryJob.__typename === 'RetryJobSuccess') known.jobs.push(retryJob.job.id)
      return
    }
    case 'amend': {
      if (id === undefined) return
      const status = statuses[other % statuses.length] ?? 'QUEUED'
      await admin.request(Amend, { input: { id, status } })
    }
  }
}

type Job = Awaited<ReturnType<typeof read>>

/** Folds the events of a job, and says where they leave the table of states or do not give the row. */
function faults(job: Job, accepted: ReadonlySet<string>): string[] {
  const found: string[] = []
  let status: string | undefined
  const succeeded = new Set<number>()
  for (const [place, event] of job.events.nodes.entries()) {
    if (event.number !== place + 1) found.push(`event ${place + 1} is number ${event.number}`)
    const change = event.changes.find(({ field }) => field === 'status')
    if (change === undefined) continue
    const from = (change.from ?? undefined) as string | undefined
    const to = String(change.to)
    if (from !== status) found.push(`${event.kind} leads from ${from}, but it was ${status}`)
    const isLegal =
      status === undefined
        ? to === jobMoves.initial
        : jobMoves.transitions.some((one) => one.from === from && one.to === to)
    if (!isLegal && event.kind !== 'AMENDED')
      found.push(`${event.kind} leads from ${from} to ${to}`)
    if (event.kind === 'SUCCEEDED') succeeded.add(event.attempt ?? 0)
    status = to
  }
  if (status !== job.status) found.push(`the events end ${status}, the row is ${job.status}`)
  if (job.revision !== job.events.nodes.length)
    found.push(`revision ${job.revision} with ${job.events.nodes.length} events`)
  const numbers = job.attempts.map(({ number }) => number)
  if (numbers.some((number, place) => number !== place + 1))
    found.push(`attempts ${numbers.join()}`)
  if (job.attempt !== numbers.length) found.push(`attempt ${job.attempt} of ${numbers.length}`)
  const open = job.attempts.filter(({ outcome }) => outcome === null || outcome === undefined)
  if (open.length !== (job.status === 'RUNNING' ? 1 : 0))
    found.push(`${open.length} attempts are open, and it is ${job.status}`)
  for (const fence of accepted)
    if (!succeeded.has(Number.parseInt(fence, 10)))
      found.push(`the result of ${fence} was accepted, and no event says so`)
  return found.map((fault) => `${job.id}: ${fault}: ${JSON.stringify(job)}`)
}

/** A job as it is while nothing moves it: leases go on to expire while it is read, by several statements. */
async function settled(id: string): Promise<Job> {
  let job = await read(app.admin, id)
  for (;;) {
    const again = await read(app.admin, id)
    if (again.revision === job.revision) return job
    job = again
  }
}

test('whatever is done to jobs at once, only legal moves are made, and the events folded give the row', async () => {
  const seed = freshSeed()
  const [all = []] = fc.sample(operations, { seed, numRuns: 1 })
  const queue = await seedQueue(app.admin)
  const known: Known = { queue, jobs: [], leases: [], accepted: new Map() }
  await each(all, CALLERS, (operation) => act(known, operation))
  const found: string[] = []
  const ends = new Set<string>()
  await each(known.jobs, CALLERS, async (id) => {
    const job = await settled(id)
    ends.add(job.status)
    found.push(...faults(job, known.accepted.get(id) ?? new Set()))
  })
  expect(found.slice(0, 5), `SEED=${seed}`).toEqual([])
  // so that all of it was tried; of few operations chance need not lead to every state
  if (isSoak) expect([...ends].toSorted(), `SEED=${seed}`).toEqual([...statuses].toSorted())
  else expect(ends.size, `SEED=${seed}`).toBeGreaterThan(2)
})
