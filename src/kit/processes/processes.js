// @ts-check
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

/**
 * A process as /proc shows it (proc(5)). Its start is in ticks since the machine's, which with its id names it for ever.
 * @typedef {{ readonly pid: number, readonly parent: number, readonly group: number, readonly session: number,
 *   readonly start: number }} Process
 */

const SHORTEST_PAUSE_MS = 5

/** @type {Promise<Look | undefined> | undefined} */
let next
let lastEnd = 0
let lastMs = 0

/** What runs at one moment. What is asked of a process is read once. */
export class Look {
  #marks = new Map()
  #users = new Map()

  /** @param {readonly Process[]} all */
  constructor(all) {
    this.all = all
  }

  /** The value of a variable in the environment that a process was started with. @param {number} pid @param {string} name */
  inEnvironment(pid, name) {
    return remembered(this.#marks, pid, () => inEnvironment(pid, name))
  }

  /** Whether it runs, or may run, with the rights of a user. @param {number} pid @param {number} user */
  isOfUser(pid, user) {
    return remembered(this.#users, pid, () => usersOf(pid)).includes(String(user))
  }
}

/**
 * Looks at all processes, after this call; undefined where there is no /proc. All who ask share a look, and no more than
 * half of the time is spent with it.
 */
export function look() {
  next ??= (async () => {
    await delay(Math.max(0, lastEnd + Math.max(lastMs, SHORTEST_PAUSE_MS) - performance.now()))
    next = undefined
    const begun = performance.now()
    const all = processes()
    lastEnd = performance.now()
    lastMs = lastEnd - begun
    return all && new Look(all)
  })()
  return next
}

/** All that run, those that have ended and wait for their parent not counted; undefined where there is no /proc. */
export function processes() {
  /** @type {Process[]} */
  const all = []
  for (const name of pids()) {
    const process = parseStat(textOf(`/proc/${name}/stat`))
    if (process !== undefined) all.push(process)
  }
  return all.length > 0 ? all : undefined
}

function pids() {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  } catch {
    return [] // there is none
  }
}

/** One that runs; undefined where it does not, or there is no /proc. @param {number} pid */
export const processOf = (pid) => parseStat(textOf(`/proc/${pid}/stat`))

/** Names a process for ever; its start is 0 where there is no /proc. @param {number} pid */
export const whoIs = (pid) => ({ pid, start: processOf(pid)?.start ?? 0 })

/** What a line of /proc/<pid>/stat says. The name in it may hold anything. @param {string} stat */
export function parseStat(stat) {
  const [state, parent, group, session, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [threads, , start] = rest.slice(13)
  // a process whose first thread has ended looks dead while others run
  if (start === undefined || state === 'X' || (state === 'Z' && !(Number(threads) > 1)))
    return undefined
  return {
    pid: Number.parseInt(stat, 10),
    parent: Number(parent),
    group: Number(group),
    session: Number(session),
    start: Number(start),
  }
}

/** Whether no process was started after this one, on the whole machine: then it has left none. @param {number} pid */
export const isNewest = (pid) => textOf('/proc/loadavg').trim().split(' ').at(-1) === String(pid)

/** The value of a variable in the environment that a process was started with. @param {number} pid @param {string} name */
export function inEnvironment(pid, name) {
  const block = `\0${textOf(`/proc/${pid}/environ`)}`
  const begin = block.indexOf(`\0${name}=`)
  if (begin === -1) return undefined
  const from = begin + name.length + 2
  return block.slice(from, block.indexOf('\0', from))
}

/** The users whose rights a process has, or may take. @param {number} pid */
function usersOf(pid) {
  const ids = /^Uid:\s*(.*)$/m.exec(textOf(`/proc/${pid}/status`))?.[1]
  return ids?.split('\t') ?? []
}

/** @template T @param {Map<number, T>} known @param {number} pid @param {() => T} read */
function remembered(known, pid, read) {
  if (!known.has(pid)) known.set(pid, read())
  return /** @type {T} */ (known.get(pid))
}

/** @param {string} path */
function textOf(path) {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return '' // it has ended, or belongs to somebody else
  }
}
