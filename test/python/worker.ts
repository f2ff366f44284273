import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Client } from '../../testkit/client.ts'
import { testFolder, type TestFolder } from '../../testkit/folder.ts'

const tasks = fileURLToPath(new URL('tasks.py', import.meta.url))

/** A folder with `tasks.py` and with the worker as the server serves it. */
export async function workshop(url: string): Promise<TestFolder> {
  const response = await fetch(`${url}/millrace.py`)
  const folder = await testFolder({ 'millrace.py': await response.text() })
  await copyFile(tasks, join(folder.path, 'tasks.py'))
  return folder
}

/** A process that runs Python in a folder; `output` is all it has printed. */
export class Python {
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown>
  readonly #exited: Promise<unknown>
  output = ''

  constructor(folder: TestFolder, args: readonly string[], env: Record<string, string> = {}) {
    const { PATH } = process.env
    this.#child = spawn('python3', args, { cwd: folder.path, env: { PATH, ...env } })
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (this.output += text))
    this.#ended = once(this.#child, 'close')
    this.#exited = once(this.#child, 'exit')
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Kills it, whatever children of it do. */
  async destroy(): Promise<void> {
    this.kill('SIGKILL')
    await this.#exited
  }

  /** The same, whatever else holds its output. */
  async exit(signal: NodeJS.Signals): Promise<number | string | null> {
    this.kill(signal)
    await this.#exited
    return this.#child.exitCode ?? this.#child.signalCode
  }

  /** Resolves with its exit code, or the signal that ended it. */
  async end(signal?: NodeJS.Signals): Promise<number | string | null> {
    if (signal !== undefined) this.kill(signal)
    await this.#ended
    return this.#child.exitCode ?? this.#child.signalCode
  }
}

/** A worker for a queue, with the functions of `tasks.py`. */
export const startWorker = (
  folder: TestFolder,
  { url, token }: Client,
  service: string,
  options: Record<string, string | number> = {},
  env: Record<string, string> = {},
): Python =>
  new Python(
    folder,
    [
      'millrace.py',
      'tasks',
      ...Object.entries(options).map(([name, value]) => `--${name}=${value}`),
    ],
    { MILLRACE_URL: url, MILLRACE_TOKEN: token ?? '', MILLRACE_SERVICE: service, ...env },
  )

let gates = 0

/** A file that is not there until it is opened; functions wait for it. */
export function gateIn({ path }: TestFolder): { path: string; open: () => Promise<void> } {
  const gate = join(path, `gate-${(gates += 1)}`)
  return { path: gate, open: () => writeFile(gate, '') }
}
