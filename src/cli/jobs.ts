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

/** `job`: submits jobs, and what is done to one of them. */
export function addJobs(program: Command): void {
  const job = program.command('job').description('submit jobs and follow them')
  waiting(talking(job.command('submit')))
    .description(
      'put a job into the queue of a service; without --data or --file it sends what stdin gives',
    )
    .argument('<service>', 'id or handle')
    .option('--function <name>', 'which function of the service (default)')
    .option('--data <json>', 'the parameters')
    .option('--file <file>', 'a file with the parameters, in JSON')
    .option('--priority <n>', 'higher ones are done first (0)', readInteger)
    .option('--lane <name>', 'jobs of one lane run one at a time, in order')
    .option('--after <when>', 'not before: a duration like 10m, or a time', readMoment)
    .option('--max-attempts <n>', 'how often it is tried (1)', readWhole(1))
    .option('--timeout <seconds>', 'how long one attempt may take', readWhole(1))
    .option('--retain <seconds>', 'how long it is kept after its end', readWhole(0))
    .option('--label <name=value>', 'to find it by; may be given again', readLabel)
    .option('--key <text>', 'an idempotency key: submitted once, however often this is run')
    .action(async (name: string, options: SubmitOptions, command: Command) => {
      const server = serverOf(command)
      if (options.data !== undefined && options.file !== undefined)
        command.error('error: give --data or --file, not both', { exitCode: 2 })
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

  talking(job.command('get <job>'))
    .description('show a job')
    .action(async (name: string, _options: unknown, command: Command) => {
      const found = await findJob(serverOf(command), name)
      answer(isJson(command), found, () => details(found))
    })

  talking(job.command('cancel <job>'))
    .description('end a queued job, or ask for the end of a running one')
    .option('--reason <text>', 'why, for the record')
    .action(async (id: string, { reason }: { reason?: string }, command: Command) => {
      const { cancelJob } = await send(serverOf(command), CliCancelJobDocument, {
        input: { id, reason },
      })
      const canceled = done(cancelJob).job
      answer(isJson(command), canceled, () => sentence(canceled))
    })

  waiting(talking(job.command('retry <job>')))
    .description('run a job that has ended again, as a new one')
    .action(async (id: string, options: WaitOptions, command: Command) => {
      const server = serverOf(command)
      const { retryJob } = await send(server, CliRetryJobDocument, { input: { id } })
      await answerNew(server, done(retryJob).job, options, command)
    })

  addJobLogs(job)
  addJobWatch(job)
}

const waiting = (command: Command): Command =>
  command.option('--wait', 'wait for its end and print its result; fails unless it succeeds')

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
    if (!isJson(command)) note(`Follow it with ${follow}.`)
    return
  }
  // first, so that whoever interrupts this knows it; stdout is for what comes of the job
  note(`${job.id} is submitted. Should this be interrupted, follow it with ${follow}.`)
  const { handle, status } = job.service
  if (status === 'UNAVAILABLE')
    note(
      `No worker of ${handle} is there: start one with \`npx millrace worker --service ${handle} -- …\`.`,
    )
  const last = succeeded(await ended(server, job.id, job.asOf, (event) => note(inWords(event))))
  answer(isJson(command), last, () => jsonOf(last.result))
}

function readInteger(text: string): number {
  if (!/^-?\d{1,9}$/.test(text)) throw new InvalidArgumentError('Give a whole number.')
  return Number(text)
}

function readLabel(text: string, before: readonly Label[] = []): readonly Label[] {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? []
  if (name === undefined || value === undefined)
    throw new InvalidArgumentError('Write it like name=value.')
  return [...before, { name, value }]
}
