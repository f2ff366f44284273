import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'

/** A process as /proc shows it. */
interface Member {
  readonly pid: number
  readonly group: number
  readonly startTime: string
}

const GONE_WITHIN_MS = 5_000

/** Sends a signal to a whole process group; a group that is gone is no error. */
export function signalGroup(group: number, signal: NodeJS.Signals | 0): void {
  try {
    process.kill(-group, signal)
  } catch {
    // nobody is left in it
  }
}

/**
 * Kills what is left of a group, or only waits (signal 0), and resolves when all of it is gone; false when something
 * would not go.
 */
export async function endGroup(group: number, signal: 'SIGKILL' | 0 = 'SIGKILL'): Promise<boolean> {
  for (const deadline = Date.now() + GONE_WITHIN_MS; Date.now() < deadline; await delay(2)) {
    signalGroup(group, signal)
    if (!(await isAlive(group))) return true
  }
  return false
}

/** Those in a group that run, zombies not counted; undefined where there is no /proc to tell. */
export async function membersOf(group: number): Promise<readonly Member[] | undefined> {
  const names = await readdir('/proc').catch(() => [])
  const pids = names.filter((name) => /^\d+$/.test(name))
  if (pids.length === 0) return undefined
  const all = await Promise.all(pids.map((pid) => memberOf(pid)))
  return all.filter((member) => member !== undefined).filter((member) => member.group === group)
}

/** True when the process was started with this in its environment. */
export async function hasInEnvironment(pid: number, entry: string): Promise<boolean> {
  const block = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
  return block.split('\0').includes(entry)
}

/** What a line of /proc/<pid>/stat says (proc(5)); undefined for a zombie. The name in it may hold anything. */
export function parseStat(stat: string): Member | undefined {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, , group] = fields
  const startTime = fields[19]
  if (state === undefined || state === 'Z' || state === 'X' || startTime === undefined)
    return undefined
  return { pid: Number.parseInt(stat, 10), group: Number(group), startTime }
}

async function memberOf(pid: string): Promise<Member | undefined> {
  return readFile(`/proc/${pid}/stat`, 'utf8').then(parseStat, () => undefined)
}

async function isAlive(group: number): Promise<boolean> {
  try {
    process.kill(-group, 0)
  } catch {
    return false
  }
  const members = await membersOf(group)
  return members === undefined || members.length > 0
}
