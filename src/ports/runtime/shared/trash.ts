import { randomUUID } from 'node:crypto'
import { constants, existsSync } from 'node:fs'
import { chmod, mkdir, open, readdir, rename, rmdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants
/** How often a folder is emptied that somebody fills meanwhile. */
const TRIES = 3

/**
 * Removes folders of programs whose user may be at work in them still: a folder that becomes a link between two steps
 * must not lead us elsewhere. So each is moved into `trash`, which is ours alone, opened there without following a link,
 * and emptied through what was opened (/proc/self/fd; where there is none, nobody else's user is in them). The trash
 * keeps what could not be removed until `tidy`.
 */
export class Trash {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Removes what lies in a folder of ours; what is not there is no error. */
  async remove(path: string): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    const taken = await this.#take(path)
    if (taken !== undefined) await this.#clear([taken])
  }

  /** Removes what is left from earlier. Only whoever is alone on the trash may call this. */
  async tidy(): Promise<void> {
    const names = await readdir(this.#folder).catch(unlessAbsent([]))
    await this.#clear(names.map((name) => join(this.#folder, name)))
  }

  async #take(path: string | Buffer): Promise<string | undefined> {
    const taken = join(this.#folder, randomUUID())
    const moved = (): Promise<string> => rename(path, taken).then(() => taken)
    return moved()
      .catch(async (cause: NodeJS.ErrnoException) => {
        if (cause.code !== 'EACCES') throw cause
        await chmod(path, 0o700) // of our own user, which may not move what it cannot write to
        return moved()
      })
      .catch(unlessAbsent(undefined))
  }

  async #clear(paths: string[]): Promise<void> {
    for (let path = paths.pop(); path !== undefined; path = paths.pop())
      for (let tries = 1; ; tries += 1)
        try {
          paths.push(...(await this.#empty(path)))
          await rmdir(path)
          break
        } catch (cause) {
          if (hasCode(cause, 'ENOTDIR', 'ELOOP')) await unlink(path)
          if (hasCode(cause, 'ENOTDIR', 'ELOOP', 'ENOENT')) break
          if (!hasCode(cause, 'ENOTEMPTY') || tries === TRIES) throw cause
        }
  }

  /** Removes what is in a folder but for its folders, which are moved into the trash and answered. */
  async #empty(path: string): Promise<string[]> {
    const opened = await openFolder(path)
    try {
      await opened.chmod(0o700)
      const through = `/proc/self/fd/${opened.fd}`
      const within = existsSync(through) ? through : path
      const folders: string[] = []
      // names as bytes: they need not be UTF-8
      const entries = await readdir(within, { withFileTypes: true, encoding: 'buffer' })
      for (const entry of entries) {
        const its = Buffer.concat([Buffer.from(`${within}/`), entry.name])
        if (!entry.isDirectory() && (await isUnlinked(its))) continue
        const taken = await this.#take(its)
        if (taken !== undefined) folders.push(taken)
      }
      return folders
    } finally {
      await opened.close()
    }
  }
}

const openFolder = (path: string) => {
  const opened = () => open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
  return opened().catch(async (cause: unknown) => {
    if (!hasCode(cause, 'EACCES')) throw cause
    await chmod(path, 0o700) // of our own user, which may not list it
    return opened()
  })
}

/** False for what has become a folder meanwhile. */
const isUnlinked = (path: Buffer): Promise<boolean> =>
  unlink(path).then(
    () => true,
    (cause: unknown) => {
      if (hasCode(cause, 'ENOENT')) return true
      if (hasCode(cause, 'EISDIR', 'EPERM')) return false
      throw cause
    },
  )

const hasCode = (cause: unknown, ...codes: readonly string[]): boolean =>
  cause instanceof Error && 'code' in cause && codes.some((code) => code === cause.code)

const unlessAbsent =
  <Value>(value: Value) =>
  (cause: unknown): Value => {
    if (hasCode(cause, 'ENOENT')) return value
    throw cause
  }
