import { InvalidArgumentError, type Command } from 'commander'
import {
  CliCancelJobDocument,
  CliRetryJobDocument,
  CliSubmitJobDocument,
} from '../generated/operations/graphql.ts'
import { done, send, type ServerAccess } from './api.ts'
import { isJson, readWhole, serverOf, talking } from './command.ts'
import { addJobLogs } from './job-logs.ts'
import { addJobWatch, ended, inWords, succeeded } from './job-watch.ts'
import { details, findJob, sentence, type ShownJob } from './job.ts'
import { answer, note } from './output.ts'
import { readParameters } from './parameters.ts'
import { findService } from './service.ts'
import { readMoment } from './time.ts'
import { jsonOf } from './visible.ts'

interface WaitOptions {
  readonly wait?: boolean
}

interface SubmitOptions extends WaitOptions {
  readonly function?: string
  readonly data?: string
  readonly file?: string
  readonly priority?: number
  readonly lane?: string
  readonly after?: string
  readonly maxAttempts?: number
  readonly timeout?: number
  readonly retain?: number
  readonly label?: readonly Label[]
  readonly key?: string
}

interface Label {
  readonly name: string
  readonly value: string
}

/** `job`: submits jobs, and shows, cancels or retries one of them. */
export function addJobs(program: Command): void {
  const job = program.command('job').description('submit jobs and follow them')
  waiting(talking(job.command('submit')))
    .description(
      'submit a job to a service; without --data or --file, stdin contains the parameters',
    )
    .argument('<service>', 'ID or handle of the service')
    .option('--function <name>', 'function of the service to call (default: default)')
    .option('--data <json>', 'parameters, in JSON')
    .option('--file <file>', 'file with the parameters, in JSON')
    .option(
      '--priority <n>',
      'priority; jobs with a higher number run first (default: 0)',
      readInteger,
    )
    .option('--lane <name>', 'lane; jobs of one lane run one at a time, in order')
    .option('--after <when>', 'earliest start: a duration such as 10m, or a time', readMoment)
    .option('--max-attempts <n>', 'maximum number of attempts (default: 1)', readWhole(1))
    .option('--timeout <seconds>', 'time limit for one attempt', readWhole(1))
    .option('--retain <seconds>', 'time that the job is kept after its end', readWhole(0))
    .option('--label <name=value>', 'label to find the job by; may be repeated', readLabel)
    .option(
      '--key <text>',
      'idempotency key: the job is submitted once, however often the command runs',
    )
    .action(async (name: string, options: SubmitOptions, command: Command) => {
      const server = serverOf(command)
      if (options.data !== undefined && options.file !== undefined)
        command.error('error: use --data or --file, not both', { exitCode: 2 })
      const parameters = await readParameters(options)
      const { id } = await findService(server, name)
      const { submitJob } = await send(server, CliSubmitJobDocument, {
        input: {
          serviceId: id,
          parameters,
          function: options.function,
          priority: options.priority,
          lane: options.lane,
          runAfter: options.after,
          maxAttempts: options.maxAttempts,
          timeoutSeconds: options.timeout,
          retainSeconds: options.retain,
          labels: options.label === undefined ? undefined : [...options.label],
          idempotencyKey: options.key,
        },
      })
      await answerNew(server, done(submitJob).job, options, command)
    })

  talking(job.command('get'))
    .description('print the state of a job')
    .argument('<job>', 'ID of the job')
    .action(async (name: string, _options: unknown, command: Command) => {
      const found = await findJob(serverOf(command), name)
      answer(isJson(command), found, () => details(found))
    })

  talking(job.command('cancel'))
    .description(
      'cancel a job: a queued job ends at once, the worker of a running job is asked to end it',
    )
    .argument('<job>', 'ID of the job')
    .option('--reason <text>', 'reason, stored in the history')
    .action(async (id: string, { reason }: { reason?: string }, command: Command) => {
      const { cancelJob } = await send(serverOf(command), CliCancelJobDocument, {
        input: { id, reason },
      })
      const canceled = done(cancelJob).job
      answer(isJson(command), canceled, () => sentence(canceled))
    })

  waiting(talking(job.command('retry')))
    .description('run an ended job again, as a new job')
    .argument('<job>', 'ID of the job')
    .action(async (id: string, options: WaitOptions, command: Command) => {
      const server = serverOf(command)
      const { retryJob } = await send(server, CliRetryJobDocument, { input: { id } })
      await answerNew(server, done(retryJob).job, options, command)
    })

  addJobLogs(job)
  addJobWatch(job)
}

const waiting = (command: Command): Command =>
  command.option(
    '--wait',
    'wait until the job ends and print its result; the exit code is 1 unless the job succeeds',
  )

/** Answers a job that is new: its id, or when it is waited for what came of it. */
async function answerNew(
  server: ServerAccess,
  job: ShownJob,
  { wait = false }: WaitOptions,
  command: Command,
): Promise<void> {
  const follow = `\`npx millrace job watch ${job.id}\``
  if (!wait) {
    answer(isJson(command), job, () => job.id)
    if (!isJson(command)) note(`Follow the job with ${follow}.`)
    return
  }
  // first, so that whoever interrupts this knows it; stdout is for what comes of the job
  note(
    `Job ${job.id} was submitted. If this command is interrupted, follow the job with ${follow}.`,
  )
  const { handle, status } = job.service
  if (status === 'UNAVAILABLE')
    note(
      `${handle} has no workers at the moment. Start one with \`npx millrace worker --service ${handle} -- …\`.`,
    )
  const last = succeeded(await ended(server, job.id, job.asOf, (event) => note(inWords(event))))
  answer(isJson(command), last, () => jsonOf(last.result))
}

function readInteger(text: string): number {
  if (!/^-?\d{1,9}$/.test(text)) throw new InvalidArgumentError('Enter a whole number.')
  return Number(text)
}

function readLabel(text: string, before: readonly Label[] = []): readonly Label[] {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? []
  if (name === undefined || value === undefined)
    throw new InvalidArgumentError('Enter a name and a value, for example team=red.')
  return [...before, { name, value }]
}
