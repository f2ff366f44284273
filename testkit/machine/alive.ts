import { readFileSync } from 'node:fs'

/** True while a process runs; one that has ended and is not yet reaped does not. */
export function isAlive(pid: number | undefined): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
