import { spawn, execFile, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chown, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Client } from 'pg'

const run = promisify(execFile)

/** Where PostgreSQL's server programs are, the newest; undefined where it is not installed. */
export async function postgresPrograms(): Promise<string | undefined> {
  const root = '/usr/lib/postgresql'
  const versions = await readdir(root).catch(() => [])
  return versions
    .toSorted((a, b) => Number(b) - Number(a))
    .map((version) => join(root, version, 'bin'))
    .find((bin) => existsSync(join(bin, 'initdb')))
}

/** A PostgreSQL server of a test's own, which can be killed and started again on the same data. */
export class OwnPostgres {
  readonly #bin: string
  readonly #folder: string
  readonly #port: number
  #server: ChildProcess | undefined

  private constructor(bin: string, folder: string, port: number) {
    this.#bin = bin
    this.#folder = folder
    this.#port = port
  }

  /** Makes one, and starts it. */
  static async make(bin: string): Promise<OwnPostgres> {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-postgres-'))
    const { uid, gid } = await owner()
    await chown(folder, uid, gid)
    const options = ['-U', 'millrace', '--auth=trust', '--encoding=UTF8', '--locale=C.UTF-8']
    await run(join(bin, 'initdb'), ['-D', join(folder, 'data'), ...options, '--no-sync'], {
      uid,
      gid,
      cwd: folder,
    })
    const own = new OwnPostgres(bin, folder, await freePort())
    await own.start()
    const client = new Client({ connectionString: own.#urlOf('postgres') })
    await client.connect()
    await client.query('CREATE DATABASE millrace')
    await client.end()
    return own
  }

  get url(): string {
    return this.#urlOf('millrace')
  }

  /** Starts it and resolves once it answers. */
  async start(): Promise<void> {
    for (let tries = 1; !(await this.#starts()); tries += 1) {
      // sessions of the one that was killed may still be ending
      if (tries === 20) throw new Error('PostgreSQL did not start.')
      await new Promise((resolve) => setTimeout(resolve, 250))
    }
  }

  async #starts(): Promise<boolean> {
    const { uid, gid } = await owner()
    const args = ['-D', join(this.#folder, 'data'), '-p', String(this.#port)]
    const options = ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=']
    this.#server = spawn(join(this.#bin, 'postgres'), [...args, ...options], {
      uid,
      gid,
      cwd: this.#folder,
      stdio: 'ignore',
    })
    for (;;) {
      const client = new Client({ connectionString: this.#urlOf('postgres') })
      client.on('error', () => {})
      try {
        await client.connect()
        await client.end()
        return true
      } catch (cause) {
        if (this.#server.exitCode !== null) throw new Error('PostgreSQL did not start.', { cause })
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    }
  }

  /** `kill -9`; its processes for single sessions end when they see that it is gone. SIGQUIT: it stops at once. */
  async kill(signal: 'SIGKILL' | 'SIGQUIT' | 'SIGINT' = 'SIGKILL'): Promise<void> {
    const server = this.#server
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return
    const ended = once(server, 'exit')
    server.kill(signal)
    await ended
  }

  /** Lets all its processes stand still. */
  async freeze(): Promise<void> {
    const pid = this.#server?.pid
    if (pid === undefined) return
    process.kill(pid, 'SIGSTOP') // first, so that it starts no more of them
    for (const child of await childrenOf(pid)) signalIfThere(child, 'SIGSTOP')
  }

  /** Lets them go on. */
  async thaw(): Promise<void> {
    const pid = this.#server?.pid
    if (pid === undefined) return
    for (const child of await childrenOf(pid)) signalIfThere(child, 'SIGCONT')
    process.kill(pid, 'SIGCONT')
  }

  async drop(): Promise<void> {
    await this.kill()
    await rm(this.#folder, { recursive: true, maxRetries: 20, retryDelay: 100 })
  }

  #urlOf(database: string): string {
    return `postgres://millrace@127.0.0.1:${this.#port}/${database}`
  }
}

async function childrenOf(pid: number): Promise<number[]> {
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const found = await Promise.all(
    names.map(async (name) => {
      const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')
      const [, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      return Number(parent) === pid ? [Number(name)] : []
    }),
  )
  return found.flat()
}

function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // its session has ended
  }
}

/** PostgreSQL refuses to run as root. */
async function owner(): Promise<{ uid: number; gid: number }> {
  const [uid = 0, gid = 0] = [process.getuid?.(), process.getgid?.()]
  if (uid !== 0) return { uid, gid }
  return { uid: await idOfPostgres('-u'), gid: await idOfPostgres('-g') }
}

const idOfPostgres = async (which: '-u' | '-g'): Promise<number> =>
  Number((await run('id', [which, 'postgres'])).stdout)

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // a TCP server has one
  server.close()
  await once(server, 'close')
  return port
}
