import { Command, CommanderError } from 'commander'
import { version } from '../kit/version.ts'
import { addAccess } from './access.ts'
import { addDeploy } from './deploy.ts'
import { addInvoke } from './invoke.ts'
import { addJobs } from './jobs.ts'
import { addLogs } from './logs.ts'
import { addMigrate } from './migrate.ts'
import { note } from './output.ts'
import { codeOf, Refusal } from './refusal.ts'
import { addRollback } from './rollback.ts'
import { addServe } from './serve.ts'
import { addServices } from './services.ts'
import { visible } from './visible.ts'
import { addWorker } from './worker.ts'

/** Runs the command line and answers its exit code: 0, 1 when it was refused, 2 when it was not understood. */
export async function run(args: readonly string[]): Promise<number> {
  process.stdout.on('error', (error) => {
    if (codeOf(error) === 'EPIPE') process.exit(0) // whoever reads has read enough: `| head`
    throw error
  })
  try {
    await program().parseAsync(args, { from: 'user' })
    return Number(process.exitCode ?? 0)
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    note(error instanceof Refusal ? error.message : told(error))
    return 1
  }
}

/** A fault of ours: all that is known, for whoever mends it. */
const told = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error)

/** All commands, with their help. */
export function program(): Command {
  const millrace = new Command('millrace')
    .description('Deploys services, calls them, runs jobs and follows their logs.')
    .version(version(), '-V, --version')
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void process.stdout.write(visible(text)),
      writeErr: (text) => void process.stderr.write(visible(text)),
    })
  for (const add of [
    addServe,
    addMigrate,
    addDeploy,
    addServices,
    addInvoke,
    addLogs,
    addRollback,
    addJobs,
    addWorker,
    addAccess,
  ])
    add(millrace)
  return millrace
}
