import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** The built command line. */
const bin = fileURLToPath(new URL('../dist/bin.js', import.meta.url))

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
  /** Runs it on a terminal that is so wide; what it writes, to stderr too, is `stdout`. */
  readonly columns?: number
  /** Told each line of stdout as it comes. */
  readonly onLine?: (line: string) => void
}

/** What runs the command that follows on a terminal. */
const onTerminal = (columns: number): readonly string[] =>
  ['python3', '-c', 'import pty, sys; pty.spawn(sys.argv[1:])'].concat([
    'sh',
    '-c',
    `stty cols ${columns}; exec "$@"`,
    'sh',
  ])

/** A command that runs. */
export class RunningCommand {
  stdout = ''
  stderr = ''
  readonly #child: ChildProcess
  readonly #closed: Promise<unknown>

  constructor(args: readonly string[], { env, input, node = [], columns, onLine }: Options = {}) {
    const command = [process.execPath, ...node, bin, ...args]
    const [program = '', ...rest] =
      columns === undefined ? command : [...onTerminal(columns), ...command]
    this.#child = spawn(program, rest, {
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
