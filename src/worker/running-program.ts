import { spawn, type ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { closeSync } from 'node:fs'
import { Socket } from 'node:net'
import type { PipePool } from '../kit/processes/pipe-pool.js'
import { isNewest, whoIs } from '../kit/processes/processes.js'
import { endAll, Owner, signalGroup } from '../kit/processes/reap.js'
import { messageOf } from './events.ts'
import type { Reaper } from './reaper.ts'
import { openStdio, type Stdio } from './stdio.ts'
import { untilEnd } from './until-end.ts'

/** By which the processes of a run are known: another than that of an instance, in which a worker may run itself. */
const MARK = 'MILLRACE_RUN'

export interface ProgramExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A program that leads a session and a group of its own. */
export interface RunningProgram {
  /** What it prints, and all that it has started: to the end, or for a grace after they have ended. */
  readonly stdout: AsyncIterable<Buffer>
  readonly stderr: AsyncIterable<Buffer>
  /** Resolves when it has exited, and nothing that it has started is left. */
  readonly ended: Promise<ProgramExit>
  /** Sends a signal to its group, as long as it runs. */
  signal(name: NodeJS.Signals): void
}

export interface ProgramLaunch {
  readonly command: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  /** What it can read. */
  readonly input: string
}

/** Starts a program, which does not outlive this process. Throws where it cannot be started. */
export async function startProgram(
  { command: [file = '', ...args], environment, input }: ProgramLaunch,
  { pool, reaper }: { readonly pool: PipePool; readonly reaper: Reaper },
): Promise<RunningProgram> {
  const mark = randomUUID()
  const owner = new Owner(mark, undefined, undefined, MARK)
  const own = await openStdio(input, pool)
  reaper.watch(owner) // from before its start: this process may end at any time
  try {
    const child = spawn(file, args, {
      detached: true,
      env: { ...process.env, ...environment, [MARK]: mark },
      stdio: [own?.input ?? 'pipe', own?.stdout.theirs ?? 'pipe', own?.stderr.theirs ?? 'pipe'],
    })
    const exited = exitOf(child)
    await once(child, 'spawn')
    const { pid = 0 } = child // it has one now
    owner.leader = whoIs(pid)
    reaper.watch(owner)
    child.stdin?.on('error', () => {}) // it need not read
    child.stdin?.end(input)
    const over = new AbortController()
    let hasExited = false
    const ended = exited.then(async (exit) => {
      hasExited = true // its id may be another's from now on
      child.stdin?.destroy()
      // to look at all processes takes longer than many a job
      if (isNewest(pid) || (await endAll(owner, () => []))) reaper.forget(owner)
      over.abort()
      return exit
    })
    const [stdout, stderr] = outputOf(child, own)
    return {
      stdout: untilEnd(stdout, over.signal),
      stderr: untilEnd(stderr, over.signal),
      ended,
      signal(name) {
        if (!hasExited) signalGroup(pid, name)
      },
    }
  } catch (cause) {
    reaper.forget(owner)
    for (const { ours } of [own?.stdout, own?.stderr].filter((pipe) => pipe !== undefined))
      closeSync(ours)
    throw new Error(`The program could not be started: ${messageOf(cause)}`, { cause })
  } finally {
    if (own !== undefined)
      for (const fd of [own.input, own.stdout.theirs, own.stderr.theirs]) closeSync(fd)
  }
}

const exitOf = (child: ChildProcess): Promise<ProgramExit> =>
  new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })))

/** Where its output is read. Those that Node.js has made itself are sockets too. */
const outputOf = (child: ChildProcess, own: Stdio | undefined): [Socket, Socket] =>
  own === undefined
    ? [child.stdout as Socket, child.stderr as Socket]
    : [readerOf(own.stdout.ours), readerOf(own.stderr.ours)]

const readerOf = (fd: number): Socket => new Socket({ fd, readable: true, writable: false })
