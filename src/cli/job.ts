import { CliFindJobDocument, type CliJobFragment } from '../generated/operations/graphql.ts'
import { send, type ServerAccess } from './api.ts'
import { Refusal } from './refusal.ts'
import { shortTime } from './time.ts'
import { jsonOf } from './visible.ts'

export type ShownJob = CliJobFragment

/** The lines of a value stand under its first. */
const NEXT_LINE = `\n${' '.repeat(12)}`

/** Longest JSON that is shown in words. */
const MAX_SHOWN = 1_000

/** Finds a job by id or address. */
export async function findJob(server: ServerAccess, id: string): Promise<ShownJob> {
  const { job } = await send(server, CliFindJobDocument, { id })
  if (job === null) throw new Refusal(`There is no job ${JSON.stringify(id)}.`)
  return job
}

/** A job that was there is no more. */
export const gone = (id: string): Refusal =>
  new Refusal(`Job ${id} was deleted, because its retention time is over.`)

/** What a job is now, in a sentence. */
export function sentence({ id, status, error, cancelRequestedAt, deadline }: ShownJob): string {
  if (status === 'FAILED') return `${id} failed: ${error?.message ?? 'the reason is unknown'}`
  const isToEnd = status === 'RUNNING' && cancelRequestedAt !== null
  const until = deadline === null ? '' : ` and takes effect by ${shortTime(deadline)} at the latest`
  return isToEnd
    ? `${id} is RUNNING; its cancellation was requested${until}.`
    : `${id} is ${status}.`
}

/** All that is worth knowing of a job, a line each. */
export function details(job: ShownJob): string {
  const { service, progress, error } = job
  const rows: [string, string | null | undefined][] = [
    ['job', job.id],
    ['status', job.status],
    ['service', service.handle],
    ['function', job.function],
    ['attempt', `${job.attempt} of ${job.maxAttempts}`],
    ['lane', job.lane],
    ['labels', job.labels.map(({ name, value }) => `${name}=${value}`).join(' ')],
    ['retry of', job.retryOf?.id],
    ['submitted', shortTime(job.createdAt)],
    ['not before', job.runAfter && shortTime(job.runAfter)],
    ['started', job.startedAt && shortTime(job.startedAt)],
    ['ended', job.finishedAt && shortTime(job.finishedAt)],
    ['progress', progress && told(progress)],
    ['parameters', shown(job.parameters)],
    ['result', job.status === 'SUCCEEDED' ? shown(job.result) : null],
    ['error', error?.message],
  ]
  return rows
    .filter(([, value]) => value)
    .map(([name, value]) => `${name.padEnd(10)}  ${value?.replaceAll('\n', NEXT_LINE)}`)
    .join('\n')
}

/** How far a job is. */
export const told = ({
  fraction,
  message,
}: {
  fraction?: number | null
  message?: string | null
}): string =>
  [fraction == null ? '' : `${Math.round(fraction * 100)} %`, message ?? '']
    .filter((part) => part !== '')
    .join(' ')

function shown(value: unknown): string {
  const text = jsonOf(value)
  return text.length > MAX_SHOWN
    ? `${text.slice(0, MAX_SHOWN)} … (use --json for the whole text)`
    : text
}
