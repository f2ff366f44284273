import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type InstanceExit, StartFailed } from '../runtime.ts'
import type { Notice, Order } from '../shared/agent/main.js'
import { endAll, Owner } from '../../../kit/processes/reap.js'
import type { Launch } from '../shared/agent/start.js'

export interface AgentLog {
  warn(facts: object, message: string): void
}

/** A program that the agent has started. */
export interface Launched {
  readonly pid: number
  /** Resolves when none of its processes is left. Never rejects. */
  readonly exited: Promise<InstanceExit>
  /** Fires when its journal is whole. */
  readonly ended: AbortSignal
  stop(graceMs: number): void
  /** Tells that all before this part of its journal has been read. */
  released(segment: number): void
}

const MAIN = fileURLToPath(new URL('../shared/agent/main.js', import.meta.url))
/** How much of what a dying agent says is passed on. */
const LAST_WORDS = 4_000

/**
 * An agent that runs (agent/main.js says what that is). When it dies, whatever it has started is ended from here: its
 * processes get SIGKILL, and of what they have printed the journals have all but what was in their pipes.
 */
export class Agent {
  readonly #log: AgentLog
  readonly #child: ChildProcess
  readonly #programs = new Map<string, Program>()
  #lastWords = ''
  #isClosing = false
  isGone = false
  /** Resolves when neither it nor anything that it has started is left. */
  readonly gone: Promise<void>

  /** `folder` is that of the runtime. */
  constructor(folder: string, log: AgentLog) {
    this.#log = log
    this.#child = fork(MAIN, [folder], {
      detached: true,
      execArgv: [],
      env: agentEnvironment(),
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    this.#child.on('message', (notice) => this.#hear(notice as Notice)) // written by agent/main.js
    this.#child.stderr?.on('data', (text) => {
      this.#lastWords = `${this.#lastWords}${String(text)}`.slice(-LAST_WORDS)
    })
    this.gone = this.#toEnd()
    this.#hold()
  }

  async launch(launch: Launch): Promise<Launched> {
    const { key, mark, user } = launch
    const program = new Program(new Owner(mark, user, undefined), (order) =>
      this.#tell({ key, ...order }),
    )
    this.#programs.set(key, program)
    this.#hold()
    this.#tell({ kind: 'start', ...launch })
    return program.launched
  }

  /** Ends it, and all that it runs. */
  async close(): Promise<void> {
    this.#isClosing = true
    this.#child.ref() // somebody waits for it
    if (this.#child.connected) this.#child.disconnect()
    await this.gone
  }

  #tell(order: Order): void {
    // an error says that it has gone, which is seen to
    if (this.#child.connected) this.#child.send(order, () => {})
  }

  #hear(notice: Notice): void {
    const { key } = notice
    const program = this.#programs.get(key)
    switch (notice.kind) {
      case 'started':
        return program?.begin(notice)
      case 'refused':
        program?.refuse(notice.message)
        break
      case 'exited':
        return program?.exit({ code: notice.code, signal: notice.signal })
      case 'ended':
        program?.end()
        break
      case 'warned':
        return this.#log.warn({ key }, notice.message)
    }
    this.#programs.delete(key)
    this.#hold()
  }

  /** This process does not end by itself while programs run. */
  #hold(): void {
    const how = this.#programs.size > 0 ? 'ref' : 'unref'
    this.#child[how]()
    this.#child.channel?.[how]()
  }

  async #toEnd(): Promise<void> {
    const died = new Promise<void>((resolve) => {
      this.#child.once('error', (cause) => {
        this.#lastWords = String(cause)
        resolve()
      })
      void Promise.all([once(this.#child, 'exit'), once(this.#child, 'disconnect')]).then(() =>
        resolve(),
      )
    })
    await died
    this.isGone = true
    const left = [...this.#programs]
    if (left.length > 0 && !this.#isClosing)
      this.#log.warn(
        { agent: this.#lastWords.trim() },
        'The agent of the process runtime has died, and all that it ran is ended.',
      )
    await Promise.all(left.map(([key, program]) => this.#endOrphan(key, program)))
  }

  async #endOrphan(key: string, program: Program): Promise<void> {
    const others = [...this.#programs.values()].filter((other) => other !== program)
    const owners = others.map(({ owner }) => owner)
    if (!(await endAll(program.owner, () => owners)))
      this.#log.warn({ key }, 'Processes of an instance would not end.')
    program.refuse('The agent of the process runtime has died.')
    program.exit({ code: null, signal: 'SIGKILL' })
    program.end()
    this.#programs.delete(key)
    this.#hold()
  }
}

/** An order to a program, without its key. */
type OrderToOne =
  | { readonly kind: 'stop'; readonly graceMs: number }
  | { readonly kind: 'released'; readonly segment: number }

/** A program as this side knows it: begun or refused, then exited, then ended. */
class Program {
  readonly owner: Owner
  readonly launched: Promise<Launched>
  readonly #tell: (order: OrderToOne) => void
  readonly #ended = new AbortController()
  readonly #exited: Promise<InstanceExit>
  #settleExit!: (exit: InstanceExit) => void
  #settleLaunch!: (launched: Launched) => void
  #failLaunch!: (reason: StartFailed) => void

  constructor(owner: Owner, tell: (order: OrderToOne) => void) {
    this.owner = owner
    this.#tell = tell
    this.#exited = new Promise((resolve) => (this.#settleExit = resolve))
    this.launched = new Promise((resolve, reject) => {
      this.#settleLaunch = resolve
      this.#failLaunch = reject
    })
  }

  begin({ pid, start }: { readonly pid: number; readonly start: number }): void {
    this.owner.leader = { pid, start }
    this.#settleLaunch({
      pid,
      exited: this.#exited,
      ended: this.#ended.signal,
      stop: (graceMs) => this.#tell({ kind: 'stop', graceMs }),
      released: (segment) => this.#tell({ kind: 'released', segment }),
    })
  }

  refuse(reason: string): void {
    this.#failLaunch(new StartFailed(reason))
  }

  exit(exit: InstanceExit): void {
    this.#settleExit(exit)
  }

  end(): void {
    this.#ended.abort()
  }
}

/** Nothing of the server's environment, which may hold secrets, but where programs are found. */
function agentEnvironment(): Record<string, string> {
  const { PATH = '/usr/local/bin:/usr/bin:/bin', TMPDIR } = process.env
  return { PATH, ...(TMPDIR === undefined ? {} : { TMPDIR }) }
}
