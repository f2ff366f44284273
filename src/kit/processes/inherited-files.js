// @ts-check
import { closeSync, readdirSync, readFileSync } from 'node:fs'

const CLOSE_ON_EXEC = 0o2000000

/**
 * Closes what whoever started this process had open, such as a lock or a secret: each child would get it too. Node.js
 * keeps only the first files from its children. Where there is no /proc they are not seen.
 */
export function closeInheritedFiles() {
  for (const fd of filesOf().filter((number) => number > 2))
    if ((flagsOf(fd) & CLOSE_ON_EXEC) === 0) closeSync(fd)
}

function filesOf() {
  try {
    return readdirSync('/proc/self/fdinfo').map(Number)
  } catch {
    return []
  }
}

/** @param {number} fd */
function flagsOf(fd) {
  try {
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1]
    return flags === undefined ? CLOSE_ON_EXEC : Number.parseInt(flags, 8)
  } catch {
    return CLOSE_ON_EXEC // it was the one that lists the others
  }
}
