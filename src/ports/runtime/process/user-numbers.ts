import { type FileHandle, lstat, mkdir, open, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { tryLock } from 'fs-native-extensions'

/** Where servers of one machine see each other's numbers. */
const LOCKS = '/run/millrace-users'

/**
 * The numbers of users that this server has for its programs. A number is taken for as long as the server lives, by a
 * lock of the operating system: of all servers of root on this machine one alone has it, so that none ends what
 * another's service runs. (A server that is not root's cannot lock, and looks at processes only.)
 */
export class UserNumbers {
  readonly #taken = new Map<number, Promise<FileHandle | undefined | 'refused'>>()
  readonly #folder: string

  constructor(folder = LOCKS) {
    this.#folder = folder
  }

  /** False for a number that somebody else has: an account or group of the system, a server, or a process that runs. */
  async take(user: number): Promise<boolean> {
    const taking = this.#taken.get(user) ?? this.#take(user)
    this.#taken.set(user, taking)
    try {
      if ((await taking) !== 'refused') return true
      this.#taken.delete(user)
      return false
    } catch (cause) {
      this.#taken.delete(user)
      throw cause
    }
  }

  /**
   * The same for a number under which an earlier server may have left processes, which this one is to end: false only for
   * one that another server has.
   */
  async takeOver(user: number): Promise<boolean> {
    if (this.#taken.has(user)) return this.take(user)
    const lock = await this.#lock(user)
    if (lock === 'refused') return false
    this.#taken.set(user, Promise.resolve(lock))
    return true
  }

  /** Gives a number back that nothing runs as any more. */
  async release(user: number): Promise<void> {
    const taken = await this.#taken.get(user)
    this.#taken.delete(user)
    if (typeof taken === 'object') await taken.close()
  }

  async close(): Promise<void> {
    const taken = await Promise.allSettled(this.#taken.values())
    this.#taken.clear()
    for (const outcome of taken)
      if (outcome.status === 'fulfilled' && typeof outcome.value === 'object')
        await outcome.value.close()
  }

  async #take(user: number): Promise<FileHandle | undefined | 'refused'> {
    if ((await isListed('/etc/passwd', user)) || (await isListed('/etc/group', user)))
      return 'refused'
    const lock = await this.#lock(user)
    if (lock === 'refused') return lock
    if (!(await hasProcesses(user))) return lock
    await lock?.close()
    return 'refused'
  }

  async #lock(user: number): Promise<FileHandle | undefined | 'refused'> {
    if (process.getuid?.() !== 0) return undefined
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    const { uid, mode } = await lstat(this.#folder)
    if (uid !== 0 || mode & 0o077) throw new Error(`${this.#folder} is not root's alone.`)
    const file = await open(join(this.#folder, String(user)), 'a', 0o600)
    if (tryLock(file.fd)) return file
    await file.close()
    return 'refused'
  }
}

/** Whether a number is in the third field of a line of passwd(5) or group(5). */
async function isListed(file: string, number: number): Promise<boolean> {
  const text = await readFile(file, 'utf8').catch(() => '')
  return text.split('\n').some((line) => line.split(':')[2] === String(number))
}

/** Whether a process of this user runs. */
async function hasProcesses(user: number): Promise<boolean> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const users = await Promise.all(
    pids.map(async (pid) => {
      const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '') // it has ended
      return /^Uid:\s+(.*)$/m.exec(status)?.[1]?.split('\t').map(Number) ?? []
    }),
  )
  return users.some((its) => its.includes(user))
}
