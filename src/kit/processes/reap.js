// @ts-check
import { spawn } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { asUser } from './as-user.js'
import { look, processOf } from './processes.js'

/** @typedef {import('./processes.js').Process} Process */
/** @typedef {import('./processes.js').Look} Look */

/** The variable that each process of an instance has in its environment. */
export const MARK = 'MILLRACE_INSTANCE'

/**
 * Whose processes: those of its program's session, those with its mark, all that descend from one of these, and, where
 * no other instance of the user has a claim on them, all of its user's.
 */
export class Owner {
  /** Those that were seen, by id, with their start. @type {Map<number, number>} */
  seen = new Map()

  /**
   * @param {string | undefined} mark @param {number | undefined} user
   * @param {{ readonly pid: number, readonly start: number } | undefined} leader
   *   its program, which leads a group and a session; undefined when that has gone or is not known
   * @param {string} variable that has the mark
   */
  constructor(mark, user, leader, variable = MARK) {
    this.mark = mark
    this.user = user
    this.leader = leader
    this.variable = variable
  }
}

/** How long the killer of a user may take, which others of that user may stop. */
const KILLER_MS = 500
const GONE_WITHIN_MS = 5_000
const PAUSE_MS = 5
const LONGEST_PAUSE_MS = 100
/** How often is looked for those that were started while others were being stopped. */
const MAX_LOOKS = 50

/** Sends a signal to a program's whole group; a group that is gone is no error. @param {number} leader @param {NodeJS.Signals} signal */
export const signalGroup = (leader, signal) => sendTo(-leader, signal)

/**
 * Ends all processes of an owner, and resolves when none is left; false when something would not go. Those of `others`
 * are not touched.
 * @param {Owner} owner @param {() => Iterable<Owner>} others
 */
export async function endAll(owner, others) {
  const deadline = performance.now() + GONE_WITHIN_MS
  for (let pause = PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    if (owner.leader !== undefined) signalGroup(owner.leader.pid, 'SIGKILL')
    if (owner.user !== undefined && !isShared(owner.user, others())) await killAllOf(owner.user)
    if (!(await killAll(owner, others))) return true
    if (performance.now() > deadline) return false
    await delay(pause)
  }
}

/**
 * Stops all before it kills the first, so that none can start another meanwhile; answers whether there were any.
 * @param {Owner} owner @param {() => Iterable<Owner>} others
 */
async function killAll(owner, others) {
  /** @type {Set<number>} */
  const found = new Set()
  for (let looks = 0; looks < MAX_LOOKS; looks++) {
    const members = await membersOf(owner, others)
    if (members === undefined) return owner.leader !== undefined && sendTo(-owner.leader.pid, 0)
    const fresh = members.filter(({ pid }) => !found.has(pid))
    if (fresh.length === 0) break
    for (const { pid } of fresh) found.add(pid)
    signalEach(fresh, 'SIGSTOP')
  }
  for (const pid of found) sendTo(pid, 'SIGKILL')
  return found.size > 0
}

/** What kills all processes of a user just now. @type {Map<number, Promise<void>>} */
const killers = new Map()

/** Resolves when nothing is about that would kill what is started as a user now. @param {number} user */
export const untilSafe = async (user) => killers.get(user)

/** @param {number} user @param {Iterable<Owner>} others */
const isShared = (user, others) => [...others].some((other) => other.user === user)

/**
 * Kills all processes of a user in one call of the system, which none can flee by starting another. That is for the user
 * itself to do (kill(2), -1), and for root alone to ask of it: others' programs keep their capabilities.
 * @param {number} user
 */
async function killAllOf(user) {
  if (user === 0 || process.geteuid?.() !== 0) return
  const killed = (killers.get(user) ?? kill(user)).finally(() => killers.delete(user))
  killers.set(user, killed)
  await killed
}

/** @param {number} user @returns {Promise<void>} */
function kill(user) {
  const [file = '', ...args] = asUser(user, ['/bin/sh', '-c', 'kill -KILL -1'])
  const killer = spawn(file, args, {
    cwd: '/',
    env: {},
    stdio: 'ignore',
    timeout: KILLER_MS,
    killSignal: 'SIGKILL',
  })
  return new Promise((resolve) => {
    killer.once('exit', () => resolve())
    killer.once('error', () => resolve()) // no room for it: they are looked for again
  })
}

/** Sends a signal to each. @param {Iterable<Process>} members @param {NodeJS.Signals} signal */
export function signalEach(members, signal) {
  for (const { pid } of members) sendTo(pid, signal)
}

/**
 * The processes of an owner that run after this call; undefined where there is no /proc to see them by.
 * @param {Owner} owner @param {() => Iterable<Owner>} others
 */
export async function membersOf(owner, others) {
  const now = await look()
  if (now === undefined) return undefined
  const members = closure(owner, now)
  if (owner.user !== undefined) addOfUser(owner.user, members, now, others())
  owner.seen = new Map([...members].map(({ pid, start }) => [pid, start]))
  return [...members]
}

/** @param {Owner} owner @param {Look} now */
function closure({ leader, mark, variable, seen, user }, now) {
  const since = leader?.start ?? 0
  const all = now.all.filter(mayBeOurs)
  /** A mark that another user has taken on means nothing. @param {number} pid */
  const isMarked = (pid) =>
    mark !== undefined &&
    now.inEnvironment(pid, variable) === mark &&
    (user === undefined || now.isOfUser(pid, user))
  const members = new Set(
    all.filter(
      ({ pid, session, start }) =>
        seen.get(pid) === start || (start >= since && (session === leader?.pid || isMarked(pid))),
    ),
  )
  for (let size = 0; size < members.size;) {
    size = members.size
    const pids = new Set([...members].map(({ pid }) => pid))
    const sessions = new Set([...members].map(({ session }) => session))
    for (const one of all) if (pids.has(one.parent) || sessions.has(one.session)) members.add(one)
  }
  return members
}

const ownSession = processOf(process.pid)?.session

/** Never init, the kernel's, or our own. @param {Process} process */
const mayBeOurs = ({ pid, session }) => pid > 1 && session > 1 && session !== ownSession

/**
 * @param {number} user @param {Set<Process>} members @param {Look} now
 * @param {Iterable<Owner>} others
 */
function addOfUser(user, members, now, others) {
  const claimed = new Set(members)
  for (const other of others)
    if (other.user === user) for (const one of closure(other, now)) claimed.add(one)
  for (const one of now.all)
    if (mayBeOurs(one) && !claimed.has(one) && now.isOfUser(one.pid, user)) members.add(one)
}

/** @param {number} pid @param {NodeJS.Signals | 0} signal @returns {boolean} whether there was somebody */
function sendTo(pid, signal) {
  try {
    process.kill(pid, signal)
    return true
  } catch (cause) {
    return /** @type {NodeJS.ErrnoException} */ (cause).code === 'EPERM'
  }
}
