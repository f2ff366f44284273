import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** How a worker is started. */
export interface Program {
  readonly command: string
  readonly args: readonly string[]
}

const beside = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

/** Speaks the protocol by itself; see the file. */
export const bare: Program = { command: process.execPath, args: [beside('worker.mjs')] }
/** Made with the library for Node.js. */
export const library: Program = { command: process.execPath, args: [beside('library.mjs')] }
/** Made with the library for Python. */
export const python: Program = { command: 'python3', args: [beside('library.py')] }

/** What a worker wrote down when it was answered. */
export interface Entry {
  readonly what: 'claimed' | 'completed' | 'failed' | 'refused' | 'error'
  readonly worker: string
  readonly jobId: string
  readonly fence: string
  readonly attempt: number
  /** The type of the answer. */
  readonly answer?: string
}

const nameOf = (place: number): string => `worker ${place}`

/** Workers of one service, each a process that is replaced when it is killed. */
export class Crew {
  readonly #folder: string
  readonly #env: Record<string, string>
  readonly #programs: readonly Program[]
  readonly #workers: { child: ChildProcess }[] = []

  constructor(folder: string, programs: readonly Program[], env: Record<string, string>) {
    this.#folder = folder
    this.#env = env
    this.#programs = programs
    for (const place of programs.keys()) this.#start(place)
  }

  get size(): number {
    return this.#programs.length
  }

  /** `kill -9`, and another one in its place. */
  async replace(place: number): Promise<void> {
    const worker = this.#workers[place]
    if (worker === undefined) return
    const ended = once(worker.child, 'exit')
    worker.child.kill('SIGKILL')
    await ended
    this.#start(place)
  }

  /** What it has claimed and not written down the end of. */
  async heldBy(place: number): Promise<readonly Entry[]> {
    const own = (await this.diary()).filter(({ worker }) => worker === nameOf(place))
    const ended = own.filter(({ what }) => what !== 'claimed')
    return own.filter(
      ({ what, jobId, fence }) =>
        what === 'claimed' && !ended.some((one) => one.jobId === jobId && one.fence === fence),
    )
  }

  /** Lets it stand still. */
  freeze(place: number): void {
    this.#workers[place]?.child.kill('SIGSTOP')
  }

  /** Lets it go on as if nothing had been. */
  thaw(place: number): void {
    this.#workers[place]?.child.kill('SIGCONT')
  }

  async end(): Promise<void> {
    await Promise.all(
      this.#workers.map(async ({ child }) => {
        if (child.exitCode !== null || child.signalCode !== null) return
        const ended = once(child, 'exit')
        child.kill('SIGKILL')
        await ended
      }),
    )
  }

  /** All that all of them wrote down. A line that a kill has cut off is no entry. */
  async diary(): Promise<Entry[]> {
    const text = await readFile(join(this.#folder, 'diary'), 'utf8').catch(() => '')
    return text.split('\n').flatMap((line) => {
      try {
        return [JSON.parse(line) as Entry]
      } catch {
        return []
      }
    })
  }

  #start(place: number): void {
    const program = this.#programs[place]
    if (program === undefined) return
    const child = spawn(program.command, program.args, {
      env: {
        PATH: process.env.PATH,
        ...this.#env,
        NAME: nameOf(place),
        PLACE: String(place),
        DIARY: join(this.#folder, 'diary'),
      },
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    this.#workers[place] = { child }
  }
}
