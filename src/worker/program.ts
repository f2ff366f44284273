import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { JsonText } from '../kit/json.ts'
import type { JobContext } from './job.ts'
import { NonRetryable } from './job.ts'
import { linesOf } from './lines-of.ts'

/** What else is said of a program. */
export interface ProgramOptions {
  /** How long it has to end after SIGTERM, before SIGKILL: 5 when absent. */
  readonly killSeconds?: number | undefined
}

/** Lines of stderr that say why a program has failed. */
const LAST_LINES = 20
/** Most that a program may print as its result. */
const MAX_RESULT_BYTES = 16 * 1024 * 1024

/*
 * The program gets a process group of its own, and a watcher in it that holds the other end of a pipe of ours (3).
 * When this process is gone, in whatever way, the pipe ends and the watcher ends the group: no program outlives its
 * worker. The watcher has left the program's children before that one begins, and takes no signal but SIGKILL.
 */
const WATCHED = `
  (trap '' HUP INT TERM; (read -r _ <&3; kill -KILL -$$) </dev/null >/dev/null 2>&1 &)
  exec 3<&-
  exec "$@"`

type Child = ChildProcessByStdio<Writable, Readable, Readable>

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
  return async ({ parameters, job, signal, log }) => {
    signal.throwIfAborted()
    const child = start([command, ...args], {
      MILLRACE_JOB_ID: job.id,
      MILLRACE_ATTEMPT: String(job.attempt),
      MILLRACE_FUNCTION: job.function,
    })
    const ended = once(child, 'close')
    const kill = (name: NodeJS.Signals): void => killGroup(child, name)
    let late: NodeJS.Timeout | undefined
    const end = (): void => {
      kill('SIGTERM')
      late = setTimeout(() => kill('SIGKILL'), killSeconds * 1_000)
    }
    signal.addEventListener('abort', end)
    child.once('exit', () => kill('SIGKILL')) // what it has left running
    try {
      child.stdin.on('error', () => {}) // it need not read
      child.stdin.end(JSON.stringify(parameters))
      const [printed, last] = await Promise.all([
        collected(child.stdout, () => kill('SIGKILL')),
        logged(child.stderr, log),
        ended,
      ])
      signal.throwIfAborted()
      if (printed === undefined)
        throw new NonRetryable(`It printed more than ${MAX_RESULT_BYTES} bytes as its result.`)
      if (child.exitCode === 0) return resultOf(printed)
      throw new Error(failure(child, last))
    } finally {
      clearTimeout(late)
      signal.removeEventListener('abort', end)
    }
  }
}

function start(program: readonly string[], environment: Readonly<Record<string, string>>): Child {
  return spawn('/bin/sh', ['-c', WATCHED, 'sh', ...program], {
    detached: true, // a group of its own
    env: { ...process.env, ...environment },
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
  })
}

function killGroup({ pid }: Child, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal)
  } catch {
    // it is gone
  }
}

/** All that is printed; undefined when it is too much. */
async function collected(stream: Readable, tooMuch: () => void): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
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
async function logged(stream: Readable, log: JobContext['log']): Promise<string[]> {
  const last: string[] = []
  for await (const line of linesOf(stream as AsyncIterable<Buffer>)) {
    last.push(line)
    if (last.length > LAST_LINES) last.shift()
    await log(line)
  }
  return last
}

/**
 * The last JSON value of what was printed, as it was printed: all of it, else its last line. What is neither is text,
 * and nothing at all is null.
 */
function resultOf(printed: string): unknown {
  const text = printed.trim()
  if (text === '') return null
  for (const candidate of [text, text.slice(text.lastIndexOf('\n') + 1)])
    try {
      return JsonText.read(candidate)
    } catch {
      // text, then
    }
  return text
}

function failure({ exitCode, signalCode }: Child, last: readonly string[]): string {
  const how = exitCode === null ? `was ended by ${signalCode}` : `ended with exit code ${exitCode}`
  return last.length === 0 ? `The program ${how}.` : `The program ${how}:\n${last.join('\n')}`
}
