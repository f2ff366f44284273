import { setTimeout as pause } from 'node:timers/promises'
import { Company } from './company.ts'
import { compare, settle } from './compare.ts'
import type { Fault, Injury, Scene } from './kinds/index.ts'
import type { Follower } from './followers/follower.ts'
import type { Verdict } from './judge.ts'
import { Load } from './load.ts'
import { areReady, Probe } from './probe.ts'
import { Promises } from './promises.ts'
import type { Stage } from './stage.ts'
import { storedOf, type Stream } from './streams.ts'

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

/** Entries that each follower of the log has before anything fails. */
const WARM = 30

/** Begins a load and followers of all it writes, lets something fail and heal, and says what came of it. */
export async function round(stage: Stage, fault: Fault, plan: Plan): Promise<Row> {
  const load = await Load.begin(stage.direct, stage.ways)
  const company = new Company(stage, load.subjects)
  const scene: Scene = { stage, load, chance: plan.chance }
  const promises = new Promises(stage)
  try {
    await promises.must('each follower of the log has come in', () =>
      company.ofLog.every(({ received }) => received.length >= WARM),
    )
    const begunMs = performance.now()
    plan.say(`${fault.name}: begins`)
    const { injury, readyz } = await hold(scene, fault, plan, promises)
    await injury.heal()
    const healedMs = performance.now()
    plan.say(`${fault.name}: is over`)
    const { caughtUpMs, late } = await recover(scene, company, healedMs, promises)
    plan.say(`${fault.name}: all is brought to its end and compared`)
    const wrong = injury.after?.().catch((cause: unknown) => [String(cause)])
    promises.add(...((await wrong) ?? []))
    await settle(scene, promises)
    const printed = fault.keepsPrints === false ? new Map<string, number>() : await load.printed()
    const { verdict, ended } = await compare(scene, company, { late, printed }, promises)
    const { words, ...figures } = verdict
    return {
      fault: fault.name,
      kind: stage.kind,
      checked: figures.checked,
      lost: figures.lost,
      doubled: figures.doubled,
      reordered: figures.reordered,
      ended,
      silenceSeconds: company.longestSilenceMs(begunMs, caughtUpMs) / 1_000,
      recoverySeconds: (caughtUpMs - healedMs) / 1_000,
      readyz,
      broken: [...words, ...promises.broken],
    }
  } finally {
    await load.close()
    await company.close()
  }
}

/** Lets it fail for as long as it is to. */
async function hold(
  scene: Scene,
  fault: Fault,
  { holdMs }: Plan,
  promises: Promises,
): Promise<{ readonly injury: Injury; readonly readyz: readonly string[] }> {
  const injury = await fault.begin(scene)
  const probe = new Probe(scene.stage)
  const heldMs = Math.min(fault.holdMs, holdMs)
  await pause(heldMs / 3)
  // whoever follows meets the outage while it connects, too
  if (fault.isOutage) for (const { wire } of scene.stage.posts) wire.reset()
  await pause((heldMs * 2) / 3)
  const { seen, last } = await probe.end()
  if (fault.isOutage && last.includes('200'))
    promises.add(`/readyz said ${last.join(', ')} while nothing could be written`)
  return { injury, readyz: seen }
}

/** Waits until writes succeed, each server is ready and each follower has all there is. */
async function recover(
  { stage, load }: Scene,
  company: Company,
  healedMs: number,
  promises: Promises,
): Promise<{ readonly caughtUpMs: number; readonly late: readonly Follower[] }> {
  let writtenMs: number | undefined
  void load.writes().then(() => (writtenMs = performance.now()))
  await promises.must('a write succeeds', () => writtenMs !== undefined)
  await promises.must('each server is ready', () => areReady(stage))
  const heads = new Map<Stream, number>()
  for (const stream of company.streams)
    if (stream.page !== undefined)
      heads.set(stream, (await storedOf(stream, stage.direct)).at(-1)?.number ?? 0)
  await promises.must(
    'each follower has what there is',
    () => company.behind(heads, healedMs).length === 0,
  )
  const late = company.behind(heads, healedMs)
  const reachedMs = company.followers.flatMap(
    ({ received, stream }) =>
      received.find(({ number }) => number >= (heads.get(stream) ?? Infinity))?.ms ?? [],
  )
  const nowMs = performance.now()
  const caughtUpMs = late.length > 0 ? nowMs : Math.max(healedMs, writtenMs ?? nowMs, ...reachedMs)
  return { caughtUpMs, late }
}
