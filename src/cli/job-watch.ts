import type { Command } from 'commander'
import {
  CliJobChangedDocument,
  type CliJobChangedSubscription,
} from '../generated/operations/graphql.ts'
import { followed, type ServerAccess } from './api.ts'
import { isJson, serverOf, talking } from './command.ts'
import { findJob, sentence, told, type ShownJob } from './job.ts'
import { START } from './log-reader.ts'
import { note, say } from './output.ts'
import { gone } from './print-log.ts'
import { Refusal } from './refusal.ts'
import { shortTime } from './time.ts'
import { inOneLine, jsonOf } from './visible.ts'

type Event = CliJobChangedSubscription['jobChanged']['events'][number]

/** `job watch`: what happened to a job and what happens, to its end. */
export function addJobWatch(job: Command): void {
  talking(job.command('watch'))
    .description(
      'print the events of a job from its beginning to its end; the exit code is 1 unless the job succeeds',
    )
    .argument('<job>', 'ID of the job')
    .action(async (name: string, _options: unknown, command: Command) => {
      const server = followed(serverOf(command))
      const { id } = await findJob(server, name)
      const print = (event: Event): void => say(isJson(command) ? jsonOf(event) : inWords(event))
      note(sentence(succeeded(await ended(server, id, START, print))))
    })
}

/** Follows a job to its end, through every cut and outage, and answers it as it is then. */
export async function ended(
  at: ServerAccess,
  jobId: string,
  after: string,
  tell: (event: Event) => void,
): Promise<ShownJob> {
  const { follow } = await import('./follow.ts')
  const server = followed(at)
  const variables = { jobId, after }
  for await (const { jobChanged } of follow(server, CliJobChangedDocument, variables)) {
    if (jobChanged.gap !== null) note(gone('Events', jobChanged.gap))
    jobChanged.events.forEach(tell)
  }
  return findJob(server, jobId)
}

/** The same job. Throws a Refusal when it has come to another end. */
export function succeeded(job: ShownJob): ShownJob {
  if (job.status !== 'SUCCEEDED') throw new Refusal(sentence(job))
  return job
}

/** What happened, in a line. */
export function inWords({ at, kind, attempt, message, changes }: Event): string {
  const to = (name: string): unknown => changes.find(({ field }) => field === name)?.to
  const error = to('error')
  const fraction = to('fraction')
  const words = to('message')
  const progress = told({
    fraction: typeof fraction === 'number' ? fraction : null,
    message: typeof words === 'string' ? words : null,
  })
  const parts = [
    `${shortTime(at)} ${String(attempt ?? '-').padStart(2)} ${kind.toLowerCase().replaceAll('_', ' ')}`,
    kind === 'PROGRESS' ? progress : '',
    message ?? '',
    typeof error === 'string' ? error : '',
  ]
  return inOneLine(parts.filter((part) => part !== '').join(': '))
}
