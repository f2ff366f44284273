import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { settings } from './app.ts'
import { engineFlags } from './engine.ts'
import { Client } from './client.ts'
import type { TestDatabase } from './database/database.ts'

const program = fileURLToPath(new URL('../dist/bin.js', import.meta.url))

/** A server as a process of its own, which can be killed and started again on the same data. */
export class TestServer {
  readonly #database: Pick<TestDatabase, 'url' | 'dataDir'>
  readonly #env: Record<string, string>
  readonly #user: number | undefined
  #process: ChildProcess | undefined
  #output = ''
  #url = ''
  #token = ''

  /** `user`: who runs it, where that is not whoever runs the tests; the data folder must be that user's. */
  constructor(
    database: Pick<TestDatabase, 'url' | 'dataDir'>,
    env: Record<string, string> = {},
    user?: number,
  ) {
    this.#database = database
    this.#env = env
    this.#user = user
  }

  get url(): string {
    return this.#url
  }

  get pid(): number {
    if (this.#process?.pid === undefined) throw new Error('The server does not run.')
    return this.#process.pid
  }

  /** All it has printed, over all its starts. */
  get output(): string {
    return this.#output
  }

  /** How it has ended by itself; undefined while it runs, and after `end`. */
  get death(): string | undefined {
    const child = this.#process
    if (child === undefined || (child.exitCode === null && child.signalCode === null))
      return undefined
    return `${child.signalCode ?? `exit ${child.exitCode}`}: ${this.#output.slice(-1_000)}`
  }

  get admin(): Client {
    return this.clientWith(this.#token)
  }

  clientWith(token: string): Client {
    return new Client(this.#url, token)
  }

  /** Starts it, on the port it had before, and resolves once it is ready. */
  async start(): Promise<void> {
    const port = this.#url === '' ? {} : { PORT: new URL(this.#url).port }
    const env = { ...settings(this.#database, this.#env), ...port }
    const child = spawn(process.execPath, [...engineFlags, program, 'serve'], {
      env: { PATH: process.env.PATH, LOG_LEVEL: 'warn', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(this.#user === undefined ? {} : { uid: this.#user, gid: this.#user }),
    })
    this.#process = child
    const from = this.#output.length
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (this.#output += text))
    const address = /http:\/\/(?:\d+\.){3}\d+:\d+/
    while (!address.test(this.#output.slice(from))) {
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`The server did not start:\n${this.#output.slice(from)}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    this.#url = address.exec(this.#output.slice(from))?.[0] ?? ''
    const tokenFile = this.#env.ADMIN_TOKEN_FILE ?? join(this.#database.dataDir, 'admin-token')
    this.#token = this.#env.ADMIN_TOKEN ?? (await readFile(tokenFile, 'utf8')).trim()
  }

  /** Sends a signal and resolves when it has ended. */
  async end(signal: NodeJS.Signals): Promise<{ code: number | null; signal: string | null }> {
    const child = this.#process
    if (child === undefined) return { code: null, signal: null }
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit')
      child.kill(signal)
      await ended
    }
    this.#process = undefined
    return { code: child.exitCode, signal: child.signalCode }
  }
}
