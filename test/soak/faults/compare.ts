import type { Client } from '../../../testkit/client.ts'
import { JobCounts } from '../../../testkit/operations/jobs.ts'
import { look, StopService } from '../../../testkit/operations/services.ts'
import { until } from '../../../testkit/until.ts'
import type { Company } from './company.ts'
import type { Scene } from './kinds/index.ts'
import type { Follower } from './followers/follower.ts'
import { overSocket } from './followers/over-socket.ts'
import {
  jobsOf,
  judgeDescriptions,
  judgeFollower,
  judgeJobs,
  judgeLines,
  judgeStored,
  sum,
  type Verdict,
} from './judge.ts'
import type { Promises } from './promises.ts'
import { storedOf, type Entry, type Stream } from './streams.ts'

/** Brings all that was begun to its end: no stream grows any more. */
export async function settle({ stage, load }: Scene, promises: Promises): Promise<void> {
  const { direct } = stage
  const { serviceId, queueId } = load.subjects
  await load.rest()
  load.finish()
  await promises.must('each job has ended', async () => {
    const { service } = await direct.request(JobCounts, { id: queueId })
    const counts = service?.jobCounts
    return counts?.queued === 0 && counts.running === 0
  })
  await promises.must('the service is stopped', async () => {
    const service = await look(direct, serviceId)
    if (service?.status === 'STOPPED') return true
    if (service?.status !== 'STOPPING')
      await direct.request(StopService, { input: { id: serviceId } })
    return false
  })
}

/** What the whole of it comes to: what was acknowledged against what is stored, and that against what was delivered. */
export interface Comparison {
  readonly verdict: Verdict
  /** Followers that are over for good, or stand still. */
  readonly ended: number
}

interface Expected {
  /** Followers that have not caught up. */
  readonly late: readonly Follower[]
  /** How far each process has counted that was to be heard. */
  readonly printed: ReadonlyMap<string, number>
}

/** Compares, when all is settled; followers may still have some to read. */
export async function compare(
  scene: Scene,
  company: Company,
  { late, printed }: Expected,
  promises: Promises,
): Promise<Comparison> {
  const { direct } = scene.stage
  const { ledger, subjects } = scene.load
  await promises.must('each printed line is stored', async () => {
    const log = await storedOf(company.stream('serviceLogs'), direct)
    return judgeLines(log, printed).lost === 0
  })
  const sure = new Map(company.followers.map((one) => [one, one.received.length]))
  const jobs = await jobsOf(direct, subjects.queueId)
  const eventsOfJobs = jobs.reduce((count, { events }) => count + events.nodes.length, 0)
  const stored = new Map<Stream, readonly Entry[]>()
  for (const stream of company.streams) {
    const isListed = stream.page !== undefined
    stored.set(
      stream,
      await (isListed ? storedOf(stream, direct) : freshly(direct, stream, eventsOfJobs)),
    )
  }
  const heads = new Map([...stored].map(([stream, all]) => [stream, all.at(-1)?.number ?? 0]))
  const short = () => company.behind(heads, 0)
  await promises.must('each follower has come to the end', () => short().length === 0)

  const of = (name: string): readonly Entry[] => stored.get(company.stream(name)) ?? []
  const verdict = sum([
    ...company.followers.map((one) =>
      judgeFollower(one, stored.get(one.stream) ?? [], sure.get(one) ?? 0),
    ),
    ...company.streams.map((stream) => judgeStored(stream, stored.get(stream) ?? [])),
    judgeLines(of('serviceLogs'), printed),
    judgeDescriptions('service', of('serviceChanged'), ledger.service),
    judgeDescriptions('deployment', of('deploymentChanged'), ledger.deployment),
    judgeJobs(jobs, ledger),
  ])
  promises.add(...(await wrongCursors(company, scene)))
  const over = company.over(stored)
  const hanging = new Set([...late, ...short()])
  for (const { name, ended } of over) promises.add(`${name} is over: ${ended}`)
  for (const { name, received } of hanging)
    promises.add(`${name} hung at ${received.at(-1)?.number ?? 'its beginning'}`)
  for (const refusal of new Set(ledger.refused)) promises.add(`a write was refused: ${refusal}`)
  if (company.command.ended === undefined) {
    const { report } = await company.command.verified()
    if (!report.startsWith('verified:')) promises.add(`millrace logs --verify: ${report}`)
  }
  return { verdict, ended: over.length + hanging.size }
}

/** A stream that no query lists, as somebody gets it who comes new. */
async function freshly(client: Client, stream: Stream, count: number): Promise<readonly Entry[]> {
  const follower = overSocket(client, stream)
  try {
    await until(() => follower.received.length >= count, { timeoutMs: 20_000 }).catch(() => {}) // the judge says what is missing
    return [...follower.received]
  } finally {
    await follower.close()
  }
}

/** Whether what follows the cursor of a delivery is what follows its last entry, for one of each follower. */
async function wrongCursors(
  { followers }: Company,
  { stage, chance }: Scene,
): Promise<readonly string[]> {
  const wrong: string[] = []
  for (const { name, stream, received } of followers) {
    const some = received[Math.floor(chance() * received.length)]
    if (some === undefined || some.cursor === '' || stream.page === undefined) continue
    const last = received.findLast(({ cursor }) => cursor === some.cursor)?.number ?? 0
    const { entries } = await stream.page(stage.direct, some.cursor)
    const next = entries[0]?.number
    if (next !== undefined && next !== last + 1)
      wrong.push(`${name}: behind the cursor that came with ${last} is ${next}`)
  }
  return wrong
}
