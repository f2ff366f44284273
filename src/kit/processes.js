// @ts-check
import { readdirSync, readFileSync } from 'node:fs'

/**
 * A process as /proc shows it (proc(5)). Its start is in ticks since the machine's, which with its id names it for ever.
 * @typedef {{ readonly pid: number, readonly parent: number, readonly session: number, readonly start: number }} Process
 */

/** All that run, those that have ended and wait for their parent not counted; undefined where there is no /proc. */
export function processes() {
  /** @type {Process[]} */
  const all = []
  let names
  try {
    names = readdirSync('/proc')
  } catch {
    return undefined
  }
  for (const name of names) {
    if (!/^\d+$/.test(name)) continue
    const process = parseStat(textOf(`/proc/${name}/stat`))
    if (process !== undefined) all.push(process)
  }
  return all.length > 0 ? all : undefined
}

/** One that runs; undefined where it does not, or there is no /proc. @param {number} pid */
export const processOf = (pid) => parseStat(textOf(`/proc/${pid}/stat`))

/** What a line of /proc/<pid>/stat says. The name in it may hold anything. @param {string} stat */
export function parseStat(stat) {
  const [state, parent, , session, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [threads, , start] = rest.slice(13)
  // a process whose first thread has ended looks dead while others run
  if (start === undefined || state === 'X' || (state === 'Z' && !(Number(threads) > 1)))
    return undefined
  return {
    pid: Number.parseInt(stat, 10),
    parent: Number(parent),
    session: Number(session),
    start: Number(start),
  }
}

/** The value of a variable in the environment that a process was started with. @param {number} pid @param {string} name */
export function inEnvironment(pid, name) {
  const block = `\0${textOf(`/proc/${pid}/environ`)}`
  const begin = block.indexOf(`\0${name}=`)
  if (begin === -1) return undefined
  const from = begin + name.length + 2
  return block.slice(from, block.indexOf('\0', from))
}

/** Whether it runs, or may run, with the rights of a user. @param {number} pid @param {number} user */
export function isOfUser(pid, user) {
  const ids = /^Uid:\s*(.*)$/m.exec(textOf(`/proc/${pid}/status`))?.[1]
  return ids?.split('\t').includes(String(user)) ?? false
}

/** @param {string} path */
function textOf(path) {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return '' // it has ended, or belongs to somebody else
  }
}
