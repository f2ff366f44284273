import { chmod, lstat, mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { InTheWay } from './in-the-way.ts'

/** Passed through by everybody, listed by nobody: whoever knows what to open there may. */
const THROUGH = 0o711
const OTHERS_WRITE = 0o022
const STICKY = 0o1000

/**
 * Makes a folder that is the server's alone, and that other users pass through, or sees to it that it is such a one.
 * Throws InTheWay for one that somebody else could have prepared or could exchange.
 */
export async function openPlace(folder: string, setting: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: THROUGH }).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'EEXIST') return
    throw new InTheWay(
      `${folder} cannot be made (${cause.message}): set ${setting} to a folder that can`,
      { cause },
    )
  })
  const own = process.getuid?.()
  const found = await lstat(folder)
  const another = `set ${setting} to a folder that only the server can change`
  if (!found.isDirectory()) throw new InTheWay(`${folder} is no folder: ${another}`)
  if (found.uid !== own)
    throw new InTheWay(`${folder} belongs to user ${found.uid}, not to the server: ${another}`)
  if (found.mode & OTHERS_WRITE)
    throw new InTheWay(`other users can write to ${folder}: ${another}`)
  for (let above = dirname(folder); ; above = dirname(above)) {
    const { uid, mode } = await lstat(above)
    const isTheirs = uid !== own && uid !== 0
    if (isTheirs || (mode & OTHERS_WRITE && !(mode & STICKY)))
      throw new InTheWay(`other users can exchange what is in ${above}: ${another}`)
    if (above === dirname(above)) break
  }
  await chmod(folder, THROUGH)
}

/** The first folder on the way to a path that other users cannot pass through, as far as its mode tells. */
export async function closedAbove(path: string): Promise<string | undefined> {
  const steps: string[] = []
  for (let above = dirname(path); ; above = dirname(above)) {
    steps.unshift(above)
    if (above === dirname(above)) break
  }
  for (const step of steps) {
    const found = await lstat(step).catch(() => undefined)
    if (found?.isDirectory() && !(found.mode & 0o001)) return step
  }
  return undefined
}
