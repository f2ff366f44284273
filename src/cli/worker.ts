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
      ? `There is no program ${JSON.stringify(file)} that can be started.`
      : `There is no program ${JSON.stringify(file)} in PATH.`,
  )
}

/** `worker`: runs a program once for each job of a queue. */
export function addWorker(program: Command): void {
  talking(program.command('worker'))
    .description(
      'run a program once per job: parameters on its stdin, the result on its stdout, the log on its stderr',
    )
    .argument('<command...>', 'the program and its arguments, after --')
    .requiredOption('--service <id...>', 'whose jobs to do: id or handle; may be given again')
    .option('--concurrency <n>', 'how many jobs at a time (1)', readWhole(1))
    .option('--name <name>', 'what the worker is called (the machine and the process)')
    .option('--lease <seconds>', 'after which silence a job is given to another (30)', readWhole(1))
    .option('--grace <seconds>', 'how long jobs may go on after SIGTERM (25)', readWhole(0))
    .option(
      '--kill <seconds>',
      'from SIGTERM to SIGKILL for a program that is to end (5)',
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
