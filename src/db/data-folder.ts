import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { tryLock, unlock } from 'fs-native-extensions'

const NAMES = { DATA_DIR: 'data folder', RUNTIME_DIR: 'folder of instances' } as const

/** Which setting names a folder. */
type FolderSetting = keyof typeof NAMES

/** Another process has the folder. */
export class DataFolderInUse extends Error {
  readonly folder: string
  /** Undefined when the other process has not written it yet. */
  readonly pid: number | undefined
  constructor(folder: string, pid: number | undefined, setting: FolderSetting) {
    const who = pid === undefined ? 'another process' : `process ${pid}`
    super(
      `The ${NAMES[setting]} ${folder} is in use by ${who}: stop that one first, or set ${setting} to another folder.`,
    )
    this.folder = folder
    this.pid = pid
  }
}

/** The byte that is locked, far behind the pid: on Windows nobody can read what is locked. */
const LOCK_OFFSET = 2 ** 30

/**
 * Makes the folder if need be and takes it for this process. The lock is the operating system's, so it ends
 * with the process, however that ends. Throws DataFolderInUse when another process has it.
 */
export async function lockDataFolder(
  folder: string,
  setting: FolderSetting = 'DATA_DIR',
): Promise<{ release(): Promise<void> }> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const handle = await open(join(folder, 'lock'), 'a+', 0o600)
  try {
    if (!tryLock(handle.fd, LOCK_OFFSET, 1)) {
      const pid = Number.parseInt(await handle.readFile('utf8'), 10)
      throw new DataFolderInUse(folder, Number.isNaN(pid) ? undefined : pid, setting)
    }
    await handle.truncate(0)
    await handle.write(`${process.pid}\n`)
  } catch (cause) {
    await handle.close()
    throw cause
  }
  return {
    async release() {
      unlock(handle.fd, LOCK_OFFSET, 1)
      await handle.close()
    },
  }
}
