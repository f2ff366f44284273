import { PipePool } from '../kit/processes/pipe-pool.js'
import type { JobContext } from './job.ts'
import { NonRetryable } from './job.ts'
import { linesOf } from './lines-of.ts'
import { Reaper } from './reaper.ts'
import { resultOf } from './result-of.ts'
import { startProgram, type ProgramExit } from './running-program.ts'

/** What else is said of a program. */
export interface ProgramOptions {
  /** How long it has to end after SIGTERM, before SIGKILL: 5 when absent. */
  readonly killSeconds?: number | undefined
}

/** Lines of stderr that say why a program has failed. */
const LAST_LINES = 20
/** Most that a program may print as its result. */
const MAX_RESULT_BYTES = 16 * 1024 * 1024

/**
 * A handler that runs a program once per job. The parameters come as JSON on its stdin, what it prints to stdout is
 * the result, and stderr is the log of the job. Another exit code than 0 fails the attempt, with the last lines of
 * stderr as the reason. When the handler is to end, the program and all it has started get SIGTERM, and SIGKILL when
 * they do not heed it.
 */
export function programHandler(
  command: string,
  args: readonly string[] = [],
  { killSeconds = 5 }: ProgramOptions = {},
): (context: JobContext) => Promise<unknown> {
  const means = { pool: new PipePool(), reaper: new Reaper() }
  return async ({ parameters, job, signal, log }) => {
    signal.throwIfAborted()
    const program = await startProgram(
      {
        command: [command, ...args],
        environment: {
          MILLRACE_JOB_ID: job.id,
          MILLRACE_ATTEMPT: String(job.attempt),
          MILLRACE_FUNCTION: job.function,
        },
        input: JSON.stringify(parameters),
      },
      means,
    )
    const kill = (): void => program.signal('SIGKILL')
    let late: NodeJS.Timeout | undefined
    const end = (): void => {
      program.signal('SIGTERM')
      late = setTimeout(kill, killSeconds * 1_000)
    }
    signal.addEventListener('abort', end)
    try {
      if (signal.aborted) end()
      const [printed, last, exit] = await Promise.all([
        collected(program.stdout, kill),
        logged(program.stderr, log),
        program.ended,
      ])
      signal.throwIfAborted()
      if (printed === undefined)
        throw new NonRetryable(`It printed more than ${MAX_RESULT_BYTES} bytes as its result.`)
      if (exit.code === 0) return resultOf(printed)
      throw new Error(failure(exit, last))
    } catch (cause) {
      kill() // it may run, where it is its output that has failed
      throw cause
    } finally {
      clearTimeout(late)
      signal.removeEventListener('abort', end)
    }
  }
}

/** All that is printed; undefined when it is too much. */
async function collected(
  stream: AsyncIterable<Buffer>,
  tooMuch: () => void,
): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of stream) {
    bytes += chunk.length
    if (bytes <= MAX_RESULT_BYTES) chunks.push(chunk)
    else {
      chunks.length = 0
      tooMuch()
    }
  }
  return bytes <= MAX_RESULT_BYTES ? Buffer.concat(chunks).toString('utf8') : undefined
}

/** Puts each line into the log of the job, and answers the last ones. */
async function logged(stream: AsyncIterable<Buffer>, log: JobContext['log']): Promise<string[]> {
  const last: string[] = []
  for await (const { text, isUnfinished } of linesOf(stream)) {
    if (!isUnfinished) last.push(text)
    if (last.length > LAST_LINES) last.shift()
    await log(text, { isUnfinished })
  }
  return last
}

function failure({ code, signal }: ProgramExit, last: readonly string[]): string {
  const how = code === null ? `was ended by ${signal}` : `ended with exit code ${code}`
  return last.length === 0 ? `The program ${how}.` : `The program ${how}:\n${last.join('\n')}`
}
