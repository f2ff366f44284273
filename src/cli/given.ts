import { fstatSync } from 'node:fs'

/** Whether stdin is a pipe or a file: not a keyboard, not nothing. */
export function isGiven(): boolean {
  try {
    const found = fstatSync(0)
    return found.isFIFO() || found.isFile() || found.isSocket()
  } catch {
    return false // closed, which gives nothing
  }
}
