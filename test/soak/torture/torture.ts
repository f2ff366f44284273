import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { pair } from '../../cluster/pair.ts'
import type { Client } from '../../../testkit/client.ts'
import { testDatabase } from '../../../testkit/database/database.ts'
import { JobCounts, SubmitMany } from '../../../testkit/operations/jobs.ts'
import { random } from '../../../testkit/random.ts'
import { read, seedQueue } from '../../../testkit/seed/jobs.ts'
import { TestServer } from '../../../testkit/server.ts'
import { until } from '../../../testkit/until.ts'
import { faults, outcomes } from './check.ts'
import { Crew, type Entry, type Program } from './crew.ts'

export interface Plan {
  readonly seed: number
  readonly jobs: number
  /** How long processes are killed. */
  readonly seconds: number
  /** How long workers hold what they have taken without a sign of life; some jobs take longer. */
  readonly leaseSeconds: number
  /** One worker for each. The first stands still for a while, so it is one that writes down what it was answered. */
  readonly programs: readonly Program[]
  /** Told what is done, as it is done. */
  readonly tell: (line: string) => void
}

export interface Report {
  /** What was promised and not kept, in words. */
  readonly faults: readonly string[]
  readonly diary: readonly Entry[]
  /** Processes killed. */
  readonly kills: { readonly servers: number; readonly workers: number }
}

const ADMIN_TOKEN = 'the-token-of-the-admin'
/** Jobs of one submission. */
const BATCH = 100
/** The worker that stands still. */
const FROZEN = 0

interface Stage {
  readonly servers: readonly TestServer[]
  close(): Promise<void>
}

/** Two servers on one PostgreSQL server, or one with the embedded database. */
async function stage(): Promise<Stage> {
  if (process.env['TEST_DATABASE_URL'] !== undefined) return pair()
  const database = await testDatabase()
  const server = new TestServer(database, { ADMIN_TOKEN })
  return {
    servers: [server],
    async close() {
      await server.end('SIGKILL')
      await database.drop()
    },
  }
}

/**
 * Submits jobs and has them done, while servers and workers are killed at random and one worker stands still for
 * longer than its lease; then says what of the promises was not kept.
 */
export async function torture(plan: Plan): Promise<Report> {
  const { seed, jobs, programs, tell } = plan
  const chance = random(seed)
  const begun = performance.now()
  const say = (what: string): void =>
    tell(`${((performance.now() - begun) / 1000).toFixed(1).padStart(6)} s  ${what}`)
  const folder = await mkdtemp(join(tmpdir(), 'millrace-torture-'))
  const set = await stage()
  const { servers } = set
  let crew: Crew | undefined
  try {
    for (const server of servers) await server.start()
    const [first] = servers
    if (first === undefined) throw new Error('There is no server.')
    const service = await seedQueue(first.admin)
    crew = new Crew(folder, programs, {
      URLS: servers.map(({ url }) => url).join(','),
      TOKEN: ADMIN_TOKEN,
      SERVICE: service,
      CONCURRENCY: '2',
      LEASE_SECONDS: String(plan.leaseSeconds),
    })
    const [kills] = await Promise.all([
      disturb(servers, crew, plan, chance, say),
      submitAll(servers, service, plan, say),
    ])
    say('all are left in peace until the last job has ended')
    const counts = async () => {
      const { service: of } = await first.admin.request(JobCounts, { id: service })
      return of?.jobCounts
    }
    await until(
      async () => {
        const now = await counts()
        return now?.queued === 0 && now.running === 0
      },
      { timeoutMs: 60_000 + jobs * 100 },
    )
    const all = await outcomes(first.admin, service)
    const diary = await crew.diary()
    const found = faults(jobs, all, diary)
    const now = await counts()
    if (now?.succeeded !== jobs) found.push(`the counters say ${JSON.stringify(now)}`)
    return { faults: found, diary, kills }
  } finally {
    await crew?.end()
    await set.close()
    await rm(folder, { recursive: true })
  }
}

/** Jobs that were not taken, though the server was there. */
class Refused extends Error {}

/** Submits all, each batch with a key, to whichever server answers, until it was acknowledged. */
async function submitAll(
  servers: readonly TestServer[],
  serviceId: string,
  { seed, jobs: count, seconds, leaseSeconds }: Plan,
  say: (what: string) => void,
): Promise<void> {
  const chance = random(seed + 1)
  // so that there is work for as long as something is killed
  const everyMs = (seconds * 900) / Math.ceil(count / BATCH)
  for (let from = 0; from < count; from += BATCH) {
    const jobs = Array.from({ length: Math.min(BATCH, count - from) }, (_, place) => ({
      serviceId,
      maxAttempts: 1_000,
      parameters: {
        n: from + place,
        // some take longer than a lease
        ms: chance() < 0.005 ? leaseSeconds * 1_500 : Math.floor(chance() * 100),
        fails: chance() < 0.05 ? 1 : 0,
      },
    }))
    const input = { jobs, idempotencyKey: `batch-${from}` }
    for (let turn = 0; ; turn += 1) {
      try {
        const server = servers[turn % servers.length]
        const answer = await server?.admin.request(SubmitMany, { input })
        const outcome = answer?.submitJobs
        if (outcome?.__typename !== 'SubmitJobsSuccess') throw new Refused(JSON.stringify(outcome))
        if (outcome.replayed) say(`jobs from ${from} had been taken before the answer was lost`)
        break
      } catch (cause) {
        if (cause instanceof Refused) throw cause
        await pause(100) // the server was killed, or starts
      }
    }
    await pause(everyMs)
  }
  say(`all ${count} jobs are submitted`)
}

/** Kills something every now and then, some of each kind, and once lets a worker stand still until its lease is lost. */
async function disturb(
  servers: readonly TestServer[],
  crew: Crew,
  { seconds }: Plan,
  chance: () => number,
  say: (what: string) => void,
): Promise<{ servers: number; workers: number }> {
  const kills = { servers: 0, workers: 0 }
  const endMs = performance.now() + seconds * 1000
  const isLate = (): boolean => performance.now() > endMs
  // servers live meanwhile, because one of them must see that the lease is lost
  let isFrozen = true
  const freezing = standStill(servers, crew, say).finally(() => (isFrozen = false))
  while (!isLate() || kills.servers === 0 || kills.workers === 0) {
    await pause(300 + chance() * 2_000)
    if (!isFrozen && (chance() < 0.3 || (isLate() && kills.workers > 0))) {
      const place = Math.floor(chance() * servers.length)
      say(`server ${place} is killed, and starts again`)
      await servers[place]?.end('SIGKILL')
      await servers[place]?.start()
      kills.servers += 1
    } else {
      const place = Math.floor(chance() * crew.size)
      if (place === FROZEN) continue
      say(`worker ${place} is killed, and another takes its place`)
      await crew.replace(place)
      kills.workers += 1
    }
  }
  await freezing
  return kills
}

/** Lets a worker stand still with jobs in its hands until they are lost; then it goes on as if nothing had been. */
async function standStill(
  [server]: readonly TestServer[],
  crew: Crew,
  say: (what: string) => void,
): Promise<void> {
  const client = server?.admin
  if (client === undefined) return
  for (let ends: unknown[] = []; !ends.includes('LOST');) {
    await until(async () => (await crew.heldBy(FROZEN)).length > 0)
    crew.freeze(FROZEN)
    const held = await crew.heldBy(FROZEN)
    say(`worker ${FROZEN} stands still, with ${held.length} jobs in its hands`)
    // what it has sent before is still taken
    await until(async () => {
      ends = await Promise.all(held.map((one) => endOf(client, one)))
      return ends.every((end) => end != null)
    })
    say(`worker ${FROZEN} goes on, its jobs are ${ends.join(', ')}`)
    crew.thaw(FROZEN)
  }
}

const endOf = async (client: Client, { jobId, attempt }: Entry) =>
  (await read(client, jobId)).attempts.find(({ number }) => number === attempt)?.outcome
