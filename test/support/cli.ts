import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** The built command line. */
const bin = fileURLToPath(new URL('../../dist/bin.js', import.meta.url))

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

interface Options {
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string | Buffer
  /** Arguments of Node.js itself. */
  readonly node?: readonly string[]
  /** Told each line of stdout as it comes. */
  readonly onLine?: (line: string) => void
}

/** A command that runs. */
export class RunningCommand {
  stdout = ''
  stderr = ''
  readonly #child: ChildProcess
  readonly #closed: Promise<unknown>

  constructor(args: readonly string[], { env, input, node = [], onLine }: Options = {}) {
    this.#child = spawn(process.execPath, [...node, bin, ...args], {
      env: { PATH: process.env.PATH, ...env },
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    })
    this.#closed = once(this.#child, 'close')
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text))
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text))
    if (onLine !== undefined && this.#child.stdout !== null)
      createInterface(this.#child.stdout).on('line', onLine)
    this.#child.stdin?.on('error', () => {}) // it may end without having read
    this.#child.stdin?.end(input)
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  async ended(): Promise<Ended> {
    await this.#closed
    return { code: this.#child.exitCode, stdout: this.stdout, stderr: this.stderr }
  }
}

/** Runs a command to its end. */
export const millrace = (args: readonly string[], options?: Options): Promise<Ended> =>
  new RunningCommand(args, options).ended()

/** The same against one server; throws with all it said when it fails. */
export const millraceAt =
  (url: string) =>
  async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await millrace(args, { env: { MILLRACE_URL: url } })
    if (code !== 0)
      throw new Error(`millrace ${args.join(' ')} ended with ${code}\n${stderr}\n${stdout}`)
    return stdout
  }
