import type { JobHistoriesQuery as JobsPageQuery } from '../../../testkit/generated/graphql.ts'
import type { Client } from '../../../testkit/client.ts'
import { JobHistories } from '../../../testkit/operations/jobs.ts'
import type { Entry } from './crew.ts'

/** A job with all that became of it. */
export interface Outcome {
  readonly id: string
  readonly status: string
  readonly parameters: { readonly n: number; readonly fails: number }
  readonly result: { readonly n: number; readonly attempt: number } | null
  readonly attempts: readonly { readonly number: number; readonly outcome: string | null }[]
  readonly events: readonly { readonly number: number; readonly kind: string }[]
}

/** All jobs of a service, page by page. */
export async function outcomes(client: Client, serviceId: string): Promise<Outcome[]> {
  const all: Outcome[] = []
  for (let after: string | null = null; ;) {
    const page: JobsPageQuery = await client.request(JobHistories, { serviceId, after })
    const { nodes, pageInfo } = page.jobs
    for (const { events, ...job } of nodes)
      all.push({ ...job, events: events.nodes } as unknown as Outcome) // parameters and result are ours
    if (!pageInfo.hasNextPage) return all
    after = pageInfo.endCursor ?? null
  }
}

const dense = (numbers: readonly number[]): boolean =>
  numbers.every((number, place) => number === place + 1)

/**
 * What is wrong with how jobs ended, in words; nothing, where every promise was kept:
 *
 * - each job submitted is there, once, and has ended as its parameters say;
 * - of its attempts exactly the last was accepted, and its result is that attempt's;
 * - attempts and events are numbered 1, 2, 3 …; exactly one event is the end, and it is the last;
 * - whoever was told that a report was accepted holds the fence that the record says, and nobody else was;
 * - whoever claimed a job got a fence above all that were given out for it before.
 */
export function faults(
  submitted: number,
  jobs: readonly Outcome[],
  diary: readonly Entry[],
): string[] {
  const found: string[] = []
  const numbers = new Set(jobs.map(({ parameters }) => parameters.n))
  if (jobs.length !== submitted)
    found.push(`${submitted} jobs were submitted, ${jobs.length} are there`)
  if (numbers.size !== jobs.length) found.push(`${jobs.length - numbers.size} jobs are there twice`)
  const claimed = byJob(diary.filter(({ what }) => what === 'claimed'))
  const completed = byJob(diary.filter(({ answer }) => answer === 'CompleteJobSuccess'))
  for (const job of jobs) {
    const { id, status, result, parameters, attempts, events } = job
    const tell = (what: string): void =>
      void found.push(`${id} (${parameters.n}): ${what}: ${JSON.stringify(job)}`)
    if (status !== 'SUCCEEDED') tell(`it is ${status}`)
    const accepted = attempts.filter(({ outcome }) => outcome === 'SUCCEEDED')
    if (accepted.length !== 1) tell(`${accepted.length} results were accepted`)
    if (accepted[0]?.number !== attempts.at(-1)?.number) tell('an attempt follows the accepted one')
    if (result?.n !== parameters.n || result.attempt !== accepted[0]?.number)
      tell('the result is not that of the accepted attempt')
    if (accepted[0] !== undefined && accepted[0].number <= parameters.fails)
      tell('an attempt that failed was accepted')
    if (attempts.some(({ outcome }) => outcome === null)) tell('an attempt has no outcome')
    if (!dense(attempts.map(({ number }) => number))) tell('its attempts are not 1, 2, 3 …')
    if (!dense(events.map(({ number }) => number))) tell('its events are not 1, 2, 3 …')
    const ends = events.filter(({ kind }) => ['SUCCEEDED', 'FAILED', 'CANCELED'].includes(kind))
    if (ends.length !== 1 || events.at(-1) !== ends[0]) tell('it has not ended once')
    for (const { attempt } of completed.get(id) ?? [])
      if (attempt !== accepted[0]?.number) tell(`attempt ${attempt} was told that it was accepted`)
    const fences = new Map((claimed.get(id) ?? []).map(({ fence, attempt }) => [fence, attempt]))
    if (new Set(fences.values()).size !== fences.size) tell('two fences have one number')
  }
  return found
}

function byJob(diary: readonly Entry[]): Map<string, Entry[]> {
  const entries = new Map<string, Entry[]>()
  for (const entry of diary) {
    const known = entries.get(entry.jobId) ?? []
    entries.set(entry.jobId, known)
    known.push(entry)
  }
  return entries
}
