import type { JobHistoriesQuery } from '../../../testkit/generated/graphql.ts'
import type { Client } from '../../../testkit/client.ts'
import { JobHistories } from '../../../testkit/operations/jobs.ts'
import { countedIn, dense } from '../../../testkit/seed/counted.ts'
import type { Follower } from './followers/follower.ts'
import { groups } from './groups.ts'
import { JOB_LINES, type Ledger } from './load.ts'
import type { Entry, Stream } from './streams.ts'

/** What was looked at, and what was found wrong with it. */
export interface Verdict {
  readonly checked: number
  readonly lost: number
  readonly doubled: number
  readonly reordered: number
  /** The same in words. */
  readonly words: readonly string[]
}

class Finding {
  checked = 0
  lost = 0
  doubled = 0
  reordered = 0
  readonly words: string[] = []
  readonly #of: string

  constructor(of: string) {
    this.#of = of
  }

  add(what: 'lost' | 'doubled' | 'reordered', words: string): void {
    this[what] += 1
    if (this.words.length < 5) this.words.push(`${this.#of}: ${what}: ${words}`)
  }
}

export const sum = (verdicts: readonly Verdict[]): Verdict => ({
  checked: total(verdicts, 'checked'),
  lost: total(verdicts, 'lost'),
  doubled: total(verdicts, 'doubled'),
  reordered: total(verdicts, 'reordered'),
  words: verdicts.flatMap(({ words }) => words),
})

const total = (
  verdicts: readonly Verdict[],
  what: 'checked' | 'lost' | 'doubled' | 'reordered',
): number => verdicts.reduce((all, verdict) => all + verdict[what], 0)

/**
 * Whether a follower got what is stored as far as it has come: every entry once, as it is, in order. Whether it came to
 * the end is another question. The first `sure` entries came before what is stored was read, so they must be there.
 */
export function judgeFollower(follower: Follower, stored: readonly Entry[], sure: number): Verdict {
  const { name, received, spoiled } = follower
  const finding = new Finding(name)
  const seen = new Set<number>()
  const known = new Map(stored.map((entry) => [entry.number, entry]))
  let last = 0
  for (const [place, { number, what }] of received.entries()) {
    finding.checked += 1
    if (place < sure && !known.has(number))
      finding.add('lost', `entry ${number} came and is not stored`)
    if (seen.has(number)) finding.add('doubled', `entry ${number}`)
    else if (number < last) finding.add('reordered', `entry ${number} after ${last}`)
    if (known.has(number) && known.get(number)?.what !== what)
      finding.add('lost', `entry ${number} came as ${what}`)
    seen.add(number)
    last = Math.max(last, number)
  }
  for (const { number } of stored)
    if (number < last && !seen.has(number)) finding.add('lost', `entry ${number} never came`)
  for (const delivery of spoiled) finding.words.push(`${name}: a delivery came as ${delivery}`)
  return finding
}

/** Whether what is stored is numbered without a hole, in the order of its times. */
export function judgeStored({ name, after, isByTime }: Stream, stored: readonly Entry[]): Verdict {
  const finding = new Finding(`stored ${name}`)
  let before = { number: after, at: '' }
  for (const entry of stored) {
    finding.checked += 1
    if (entry.number > before.number + 1)
      finding.add('lost', `${before.number + 1} to ${entry.number - 1}`)
    if (entry.number <= before.number) finding.add('doubled', `${entry.number}`)
    if (isByTime && entry.at < before.at)
      finding.add('reordered', `${entry.number} is older than the one before`)
    before = entry
  }
  return finding
}

/** Whether each process of the service has all its lines in the log, once and in their order. */
export function judgeLines(
  stored: readonly Entry[],
  printed: ReadonlyMap<string, number>,
): Verdict {
  const finding = new Finding('lines of the service')
  const counted = countedIn(stored.map(({ what }) => ({ text: what.replace(/^\w+ /, '') })))
  for (const [name, count] of printed) {
    const numbers = counted.get(name) ?? []
    const missing = new Set(dense(count))
    let last = 0
    finding.checked += count
    for (const number of numbers) {
      if (number <= last)
        finding.add(number === last ? 'doubled' : 'reordered', `${name} ${number}`)
      missing.delete(number)
      last = Math.max(last, number)
    }
    for (const number of missing) finding.add('lost', `${name} printed ${number}`)
  }
  return finding
}

/** Whether each description that was acknowledged was written once, in order. */
export function judgeDescriptions(
  name: string,
  stored: readonly Entry[],
  acknowledged: readonly number[],
): Verdict {
  const finding = new Finding(`descriptions of the ${name}`)
  const written = stored.flatMap(({ what }) => {
    const [, to] = /"field":"description","from":(?:"[^"]*"|null),"to":"(\d+)"/.exec(what) ?? []
    return to === undefined ? [] : [Number(to)]
  })
  for (const number of acknowledged) {
    finding.checked += 1
    const times = written.filter((one) => one === number).length
    if (times === 0) finding.add('lost', `${number} was acknowledged`)
    if (times > 1) finding.add('doubled', `${number} was written ${times} times`)
  }
  const sorted = written.toSorted((a, b) => a - b)
  if (written.some((number, place) => number !== sorted[place]))
    finding.add('reordered', written.join(' '))
  return finding
}

type Job = JobHistoriesQuery['jobs']['nodes'][number]

/** All jobs of the queue. */
export async function jobsOf(client: Client, serviceId: string): Promise<Job[]> {
  const jobs: Job[] = []
  for (let after: string | null = null; ;) {
    const page: JobHistoriesQuery = await client.request(JobHistories, { serviceId, after })
    jobs.push(...page.jobs.nodes)
    if (!page.jobs.pageInfo.hasNextPage) return jobs
    after = page.jobs.pageInfo.endCursor ?? null
  }
}

/** Whether each job that was acknowledged is there once, with the one result that was accepted and its log. */
export function judgeJobs(jobs: readonly Job[], { jobs: acknowledged }: Ledger): Verdict {
  const finding = new Finding('jobs')
  const byNumber = groups(jobs, ({ parameters }) => (parameters as { n: number }).n)
  for (const [n, id] of acknowledged) {
    finding.checked += 1
    const [job, ...more] = byNumber.get(n) ?? []
    if (job?.id !== id) finding.add('lost', `${n} was acknowledged as ${id}`)
    if (more.length > 0) finding.add('doubled', `${n} is there ${more.length + 1} times`)
  }
  for (const job of jobs) {
    const { n } = job.parameters as { n: number }
    const accepted = job.attempts.filter(({ outcome }) => outcome === 'SUCCEEDED')
    const result = job.result as { n: number; attempt: number } | null
    if (job.status !== 'SUCCEEDED' || result?.n !== n || result.attempt !== accepted[0]?.number)
      finding.add('lost', `result of ${JSON.stringify(job)}`)
    if (accepted.length > 1) finding.add('doubled', `results of ${job.id}`)
    if (job.events.nodes.some(({ number }, place) => number !== place + 1))
      finding.add('reordered', `events of ${job.id}`)
    if (n === -1) continue
    const lines = job.logs.nodes.filter(
      ({ attempt, source }) => attempt === result?.attempt && source !== 'SYSTEM',
    )
    const texts = lines.map(({ text }) => text)
    const wanted = dense(JOB_LINES).map((line) => `${result?.attempt} ${line}`)
    finding.checked += wanted.length
    for (const line of wanted) if (!texts.includes(line)) finding.add('lost', `line of ${job.id}`)
    if (texts.length > wanted.length) finding.add('doubled', `lines of ${job.id}: ${texts.join()}`)
    else if (texts.join() !== wanted.join()) finding.add('reordered', `${job.id}: ${texts.join()}`)
  }
  return finding
}
