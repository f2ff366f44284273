import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import type { Command } from 'commander'
import { isJson, readWhole, serverOf, talking } from './command.ts'
import { note, say } from './output.ts'
import { Refusal, reasonOf } from './refusal.ts'
import { jsonOf } from './visible.ts'

interface WorkerOptions {
  readonly service: readonly string[]
  readonly concurrency?: number
  readonly name?: string
  readonly lease?: number
  readonly grace?: number
  readonly kill?: number
}

/** Throws a Refusal for a program that cannot be started, before a job is taken that it would fail. */
async function mustBeThere(file: string): Promise<void> {
  const folders = file.includes('/') ? [''] : (process.env['PATH'] ?? '').split(delimiter)
  for (const folder of folders) {
    const isThere = await access(join(folder, file), constants.X_OK).then(
      () => true,
      () => false,
    )
    if (isThere) return
  }
  throw new Refusal(
    file.includes('/')
      ? `The program ${JSON.stringify(file)} does not exist or is not executable.`
      : `The program ${JSON.stringify(file)} is not in PATH.`,
  )
}

/** `worker`: runs a program once for each job of a queue. */
export function addWorker(program: Command): void {
  talking(program.command('worker'))
    .description(
      'run a program once for each job: parameters on its stdin, the result on its stdout, the log on its stderr',
    )
    .argument('<command...>', 'program and its arguments, after --')
    .requiredOption('--service <id...>', 'queue to take jobs from: ID or handle; may be repeated')
    .option(
      '--concurrency <n>',
      'number of jobs to run at the same time (default: 1)',
      readWhole(1),
    )
    .option('--name <name>', 'name of the worker (default: machine and process)')
    .option(
      '--lease <seconds>',
      'time without a heartbeat after which another worker gets the job (default: 30)',
      readWhole(1),
    )
    .option(
      '--grace <seconds>',
      'time that running jobs have to end after SIGTERM (default: 25)',
      readWhole(0),
    )
    .option(
      '--kill <seconds>',
      'time between SIGTERM and SIGKILL for a program of a canceled or lost job (default: 5)',
      readWhole(0),
    )
    .passThroughOptions()
    .action(async ([file = '', ...args]: string[], options: WorkerOptions, command: Command) => {
      const { createWorker, inWords, programHandler } = await import('../worker/index.ts')
      await mustBeThere(file)
      const asJson = isJson(command)
      let isTold = false
      const worker = createWorker({
        ...serverOf(command),
        services: options.service,
        handler: programHandler(file, args, { killSeconds: options.kill }),
        concurrency: options.concurrency,
        name: options.name,
        leaseSeconds: options.lease,
        graceSeconds: options.grace,
        onEvent(event) {
          if (asJson) say(jsonOf({ at: new Date().toISOString(), ...event }))
          else {
            note(inWords(event))
            isTold ||= event.kind === 'refused'
          }
        },
      })
      await worker.finished.catch((cause: unknown) => {
        if (isTold) return void (process.exitCode = 1)
        throw cause instanceof TypeError ? cause : new Refusal(reasonOf(cause))
      })
    })
}
