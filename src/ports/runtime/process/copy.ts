import { constants } from 'node:fs'
import {
  chmod,
  copyFile,
  lchown,
  link,
  lstat,
  mkdir,
  readdir,
  readlink,
  symlink,
} from 'node:fs/promises'
import { join } from 'node:path'
import { inTurn } from '../../../kit/in-turn.ts'

/** Node.js has four threads for files. */
const AT_ONCE = 8

/**
 * Copies a folder to a path where nothing is, for `user` where that is said: contents (sharing blocks where the file
 * system can), modes, links as they are, and files with several names as such. Nobody else must reach either of them
 * meanwhile. When it throws, what it has copied is there and it has ended.
 */
export async function copyTree(from: string, to: string, user: number | undefined): Promise<void> {
  const turn = inTurn(AT_ONCE)
  /** Copies of files with several names, by number of the file. */
  const copies = new Map<number, Promise<string>>()

  async function folder(source: string, target: string): Promise<void> {
    const entries = await turn(async () => {
      await mkdir(target, { mode: 0o700 })
      return readdir(source, { withFileTypes: true })
    })
    await all(
      entries.map((entry) => {
        const [own, its] = [join(source, entry.name), join(target, entry.name)]
        if (entry.isDirectory()) return folder(own, its)
        return turn(() => (entry.isSymbolicLink() ? symbolicLink(own, its) : file(own, its)))
      }),
    )
    await turn(async () => {
      await chmod(target, (await lstat(source)).mode & 0o777)
      await give(target)
    })
  }

  async function symbolicLink(source: string, target: string): Promise<void> {
    await symlink(await readlink(source), target)
    await give(target)
  }

  async function file(source: string, target: string): Promise<void> {
    const { nlink, ino } = await lstat(source)
    const first = nlink > 1 ? copies.get(ino) : undefined
    if (first !== undefined) return link(await first, target)
    const copied = copyFile(source, target, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL)
    if (nlink > 1)
      copies.set(
        ino,
        copied.then(() => target),
      )
    await copied
    await give(target)
  }

  async function give(path: string): Promise<void> {
    if (user !== undefined) await lchown(path, user, user)
  }

  await folder(from, to)
}

/** Waits for all, then throws what the first of them has thrown. */
async function all(work: readonly Promise<void>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(work))
    if (outcome.status === 'rejected') throw outcome.reason
}
