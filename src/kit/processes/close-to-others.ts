import { chmod, lstat } from 'node:fs/promises'

const STICKY = 0o1000
const OTHERS = 0o007
const OTHERS_AND_GROUP = 0o077

/**
 * Takes a folder from the other users of the machine, and from its group where that is said. One that is not ours to
 * change stays as it is, and so does one that everybody may write to, such as /tmp: what is in it must be closed itself.
 */
export async function closeToOthers(folder: string, who: { group: boolean }): Promise<void> {
  const { mode, uid } = await lstat(folder)
  const open = mode & (who.group ? OTHERS_AND_GROUP : OTHERS)
  const own = process.geteuid?.()
  if (open === 0 || mode & STICKY || own === undefined || (own !== 0 && own !== uid)) return
  await chmod(folder, mode & 0o7777 & ~open)
}
