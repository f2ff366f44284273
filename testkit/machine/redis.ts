import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { Redis } from 'ioredis'
import { freePort } from './postgres.ts'

/** The program of a Redis server; undefined where it is not installed. */
export const redisProgram = (): string | undefined =>
  (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'redis-server'))
    .find((path) => existsSync(path))

/** A Redis server of a test's own, which keeps nothing and can be killed, frozen and started again. */
export class OwnRedis {
  readonly #program: string
  readonly #port: number
  #server: ChildProcess | undefined

  private constructor(program: string, port: number) {
    this.#program = program
    this.#port = port
  }

  /** Makes one, and starts it. */
  static async make(program: string): Promise<OwnRedis> {
    const own = new OwnRedis(program, await freePort())
    await own.start()
    return own
  }

  get url(): string {
    return `redis://127.0.0.1:${this.#port}`
  }

  /** Starts it and resolves once it answers. */
  async start(): Promise<void> {
    const options = ['--port', String(this.#port), '--bind', '127.0.0.1', '--save', '']
    this.#server = spawn(this.#program, options, { stdio: 'ignore' })
    await this.ask((redis) => redis.ping())
  }

  /** Asks it on a connection of its own. */
  async ask<T>(what: (redis: Redis) => Promise<T>): Promise<T> {
    const redis = new Redis(this.url, { retryStrategy: () => 50, maxRetriesPerRequest: 200 })
    redis.on('error', () => {}) // it may not listen yet
    try {
      return await what(redis)
    } finally {
      redis.disconnect()
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#server?.kill(signal)
  }

  async kill(): Promise<void> {
    const server = this.#server
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return
    const ended = once(server, 'exit')
    server.kill('SIGKILL')
    await ended
  }
}
