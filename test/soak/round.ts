import { setTimeout as pause } from 'node:timers/promises'
import { until } from '../support/until.ts'
import type { Fault, Scene } from './faults/index.ts'
import { byCommand } from './followers/by-command.ts'
import { byPages } from './followers/by-pages.ts'
import { COMPLETE, type Follower } from './followers/follower.ts'
import { overEvents } from './followers/over-events.ts'
import { overPosts } from './followers/over-posts.ts'
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
import { Load } from './load.ts'
import { QueueCounts, ServiceState, StopService } from './operations.ts'
import { Probe } from './probe.ts'
import type { Stage } from './stage.ts'
import { storedOf, streamsOf, wakingOf, type Entry, type Stream } from './streams.ts'

/** What came of one fault. */
export interface Row extends Omit<Verdict, 'words'> {
  readonly fault: string
  readonly kind: Stage['kind']
  /** Followers that were over for good, or had not come back when they should have long ago. */
  readonly ended: number
  /** The longest time in which a follower of the log heard nothing. */
  readonly silenceSeconds: number
  /** From the end of the fault until writes succeed and every follower has all there is. */
  readonly recoverySeconds: number
  /** What `/readyz` said meanwhile. */
  readonly readyz: readonly string[]
  /** Promises that were not kept, in words. */
  readonly broken: readonly string[]
}

export interface Plan {
  readonly chance: () => number
  readonly say: (what: string) => void
  /** The longest that a fault is held. */
  readonly holdMs: number
}

/** Entries that each follower has before anything fails. */
const WARM = 30
/** By when everything must have come back. */
const LIMIT_MS = 90_000

/** Begins a load and followers of all it writes, lets something fail and heal, and says what came of it. */
export async function round(stage: Stage, fault: Fault, plan: Plan): Promise<Row> {
  const load = await Load.begin(stage.direct, stage.ways)
  const streams = streamsOf(load.subjects)
  const waking = wakingOf(load.subjects)
  const followers = [
    ...follow(stage, streams, load.subjects.serviceId),
    overSocket(stage.ways[0] ?? stage.direct, waking),
    overEvents(stage.ways[0] ?? stage.direct, waking),
  ]
  const scene: Scene = { stage, load, chance: plan.chance }
  try {
    return await act(scene, fault, plan, streams, followers)
  } finally {
    await load.close()
    await Promise.all(followers.map((follower) => follower.close()))
  }
}

/** One of each kind of client for each stream, on the servers in turn. */
function follow(stage: Stage, streams: readonly Stream[], serviceId: string): Follower[] {
  const way = (place: number) => stage.ways[place % stage.ways.length] ?? stage.direct
  const log = streams[0]
  return [
    ...streams.map((stream, place) => overSocket(way(place), stream)),
    ...streams.map((stream, place) => overEvents(way(place + 1), stream)),
    ...streams
      .filter(({ page }) => page !== undefined)
      .map((stream, place) => byPages(way(place), stream)),
    ...(log === undefined
      ? []
      : [
          overSocket(way(1), log),
          overEvents(way(0), log),
          overPosts(way(0), log),
          byCommand(way(0), log, serviceId),
        ]),
  ]
}

async function act(
  scene: Scene,
  fault: Fault,
  { say, holdMs }: Plan,
  streams: readonly Stream[],
  followers: readonly Follower[],
): Promise<Row> {
  const { stage, load } = scene
  const { direct } = stage
  const broken: string[] = []
  const must = async (what: string, fact: () => boolean | Promise<boolean>): Promise<void> => {
    const limit = { timeoutMs: LIMIT_MS }
    await until(async () => Promise.resolve(fact()).catch(() => false), limit).catch(() =>
      broken.push(`not after ${LIMIT_MS / 1000} s: ${what}`),
    )
  }
  const logs = followers.filter(({ stream }) => stream.name === 'serviceLogs')
  await must('each follower of the log has come in', () =>
    logs.every(({ received }) => received.length >= WARM),
  )

  const begunMs = performance.now()
  say(`${fault.name}: begins`)
  const injury = await fault.begin(scene)
  const probe = new Probe(stage)
  const heldMs = Math.min(fault.holdMs, holdMs)
  await pause(heldMs / 3)
  // whoever follows meets the outage while it connects, too
  if (fault.isOutage) for (const { wire } of stage.posts) wire.reset()
  await pause((heldMs * 2) / 3)
  const readyz = await probe.end()
  await injury.heal()
  const healedMs = performance.now()
  say(`${fault.name}: is over`)
  if (fault.isOutage && readyz.last.some((status) => status === '200'))
    broken.push(`/readyz said ${readyz.last.join(', ')} while nothing could be written`)

  let writtenMs = Infinity
  await Promise.race([load.writes().then(() => (writtenMs = performance.now())), pause(LIMIT_MS)])
  if (writtenMs === Infinity) broken.push('no write succeeded again')
  await must('each server is ready', () => probe.isReady())
  const heads = new Map<Stream, number>()
  for (const stream of streams) heads.set(stream, await headOf(stream, direct))
  const isBehind = ({ received, stream, ended, heardMs }: Follower): boolean =>
    ended === undefined &&
    (heads.has(stream)
      ? (received.at(-1)?.number ?? 0) < (heads.get(stream) ?? 0)
      : heardMs < healedMs)
  await must('each follower has what there is', () => !followers.some(isBehind))
  const late = followers.filter(isBehind)
  const reachedMs = followers.map(
    ({ received, stream }) =>
      received.find(({ number }) => number >= (heads.get(stream) ?? 0))?.ms ?? healedMs,
  )
  const caughtUpMs = late.length > 0 ? performance.now() : Math.max(writtenMs, ...reachedMs)

  say(`${fault.name}: all is written to its end, and compared`)
  await load.rest()
  load.finish()
  const { serviceId, queueId } = load.subjects
  await must('each job has ended', async () => {
    const { service } = await direct.request(QueueCounts, { serviceId: queueId })
    const counts = service && 'jobCounts' in service ? service.jobCounts : undefined
    return counts?.queued === 0 && counts.running === 0
  })
  broken.push(...((await injury.after?.().catch((cause: unknown) => [String(cause)])) ?? []))
  await must('the service is stopped', async () => {
    const { service } = await direct.request(ServiceState, { id: serviceId })
    if (service?.status === 'STOPPED') return true
    if (service?.status !== 'STOPPING') await direct.request(StopService, { id: serviceId })
    return false
  })

  const log = streams[0]
  const printed = await load.printed()
  await must('each printed line is stored', async () =>
    log === undefined ? true : judgeLines(await storedOf(log, direct), printed).lost === 0,
  )
  const jobs = await jobsOf(direct, queueId)
  const all = new Map<Stream, readonly Entry[]>()
  for (const stream of streams)
    all.set(
      stream,
      stream.page === undefined
        ? await freshly(
            direct,
            stream,
            jobs.reduce((sum, { events }) => sum + events.nodes.length, 0),
          )
        : await storedOf(stream, direct),
    )
  const stored = (name: string): readonly Entry[] =>
    [...all].find(([stream]) => stream.name === name)?.[1] ?? []
  const isShort = ({ received, stream, ended }: Follower): boolean =>
    ended === undefined && (received.at(-1)?.number ?? 0) < (all.get(stream)?.at(-1)?.number ?? 0)
  await must('each follower has come to the end', () => !followers.some(isShort))
  const stuck = followers.filter(isShort)
  const { ledger } = load
  const verdict = sum([
    ...followers.map((follower) => judgeFollower(follower, all.get(follower.stream) ?? [])),
    ...streams.map((stream) => judgeStored(stream, all.get(stream) ?? [])),
    judgeLines(stored('serviceLogs'), printed),
    judgeDescriptions('service', stored('serviceChanged'), ledger.service),
    judgeDescriptions('deployment', stored('deploymentChanged'), ledger.deployment),
    judgeJobs(jobs, ledger),
  ])
  broken.push(...(await judgeCursors(followers, scene)))
  const ended = followers.filter(
    ({ received, stream, ended }) =>
      ended !== undefined &&
      // that of a job ends with it
      !(ended === COMPLETE && received.at(-1)?.number === all.get(stream)?.at(-1)?.number),
  )
  for (const follower of ended) broken.push(`${follower.name} is over: ${follower.ended}`)
  const hanging = new Set([...late, ...stuck])
  for (const { name, received } of hanging)
    broken.push(`${name} hung at ${received.at(-1)?.number ?? 'its beginning'}`)
  for (const refusal of new Set(ledger.refused)) broken.push(`a write was refused: ${refusal}`)
  for (const follower of followers)
    if ('verified' in follower && follower.ended === undefined) {
      const { report } = await (follower as ReturnType<typeof byCommand>).verified()
      if (!report.startsWith('verified:')) broken.push(`millrace logs --verify: ${report}`)
    }
  const silences = logs
    .filter(({ ended }) => ended === undefined)
    .map(({ received }) => longestSilenceMs(received, begunMs, caughtUpMs))
  return {
    fault: fault.name,
    kind: stage.kind,
    checked: verdict.checked,
    lost: verdict.lost,
    doubled: verdict.doubled,
    reordered: verdict.reordered,
    ended: ended.length + hanging.size,
    silenceSeconds: Math.max(0, ...silences) / 1000,
    recoverySeconds: Math.max(0, caughtUpMs - healedMs) / 1000,
    readyz: readyz.seen,
    broken: [...verdict.words, ...broken],
  }
}

/** The number of the last entry there is; 0 for a stream that no query lists. */
const headOf = async (stream: Stream, client: Stage['direct']): Promise<number> =>
  (await storedOf(stream, client)).at(-1)?.number ?? 0

/** A stream that no query lists, as somebody gets it who comes new. */
async function freshly(client: Stage['direct'], stream: Stream, count: number): Promise<Entry[]> {
  const follower = overSocket(client, stream)
  try {
    await until(() => follower.received.length >= count, { timeoutMs: 20_000 }).catch(() => {})
    return [...follower.received]
  } finally {
    await follower.close()
  }
}

/** Whether what follows the cursor of a delivery is what follows its last entry, for some of each follower. */
async function judgeCursors(
  followers: readonly Follower[],
  { stage, chance }: Scene,
): Promise<string[]> {
  const broken: string[] = []
  for (const { name, stream, received } of followers) {
    const some = received[Math.floor(chance() * received.length)]
    if (some === undefined || some.cursor === '' || stream.page === undefined) continue
    const last = received.findLast(({ cursor }) => cursor === some.cursor)?.number ?? 0
    const { entries } = await stream.page(stage.direct, some.cursor)
    const next = entries[0]?.number
    if (next !== undefined && next !== last + 1)
      broken.push(`${name}: behind the cursor that came with ${last} is ${next}`)
  }
  return broken
}

function longestSilenceMs(
  received: readonly { readonly ms: number }[],
  fromMs: number,
  toMs: number,
): number {
  const times = received.map(({ ms }) => ms).filter((ms) => ms > fromMs && ms < toMs)
  let [longest, last] = [0, fromMs]
  for (const ms of [...times, toMs]) {
    longest = Math.max(longest, ms - last)
    last = ms
  }
  return longest
}
