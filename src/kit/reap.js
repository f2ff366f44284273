// @ts-check
import { setTimeout as delay } from 'node:timers/promises'
import { inEnvironment, isOfUser, processes, processOf } from './processes.js'

/** @typedef {import('./processes.js').Process} Process */

/**
 * Whose processes: those of its program's session, those with its mark, all that descend from one of these, and, where
 * no other instance of the user has a claim on them, all of its user's.
 */
export class Owner {
  /** Its program, which leads a group and a session; undefined when it is not known. @type {Process | undefined} */
  leader
  /** Those that were seen, by id, with their start. @type {Map<number, number>} */
  seen = new Map()

  /**
   * `mark`: what each of its processes has in its environment, unless it was taken out.
   * @param {{ readonly name: string, readonly value: string }} mark @param {number} [user]
   */
  constructor(mark, user) {
    this.mark = mark
    this.user = user
  }
}

const GONE_WITHIN_MS = 5_000
const PAUSE_MS = 5
const LONGEST_PAUSE_MS = 100
/** How often is looked for those that were started while others were being stopped. */
const MAX_LOOKS = 50

/** Sends a signal to a program's whole group; a group that is gone is no error. @param {number} leader @param {NodeJS.Signals} signal */
export const signalGroup = (leader, signal) => sendTo(-leader, signal)

/**
 * Ends all processes of an owner, and resolves when none is left; false when something would not go. `others` are those
 * whose processes are not to be touched.
 * @param {Owner} owner @param {() => Iterable<Owner>} others
 */
export async function endAll(owner, others) {
  const deadline = performance.now() + GONE_WITHIN_MS
  for (let pause = PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    if (owner.leader !== undefined) signalGroup(owner.leader.pid, 'SIGKILL')
    if (!killAll(owner, others)) return true
    if (performance.now() > deadline) return false
    await delay(pause)
  }
}

/**
 * Stops all before it kills the first, so that none can start another meanwhile; answers whether there were any.
 * @param {Owner} owner @param {() => Iterable<Owner>} others
 */
function killAll(owner, others) {
  /** @type {Set<number>} */
  const found = new Set()
  for (let look = 0; look < MAX_LOOKS; look++) {
    const members = membersOf(owner, others())
    if (members === undefined) return owner.leader !== undefined && sendTo(-owner.leader.pid, 0)
    const fresh = members.filter(({ pid }) => !found.has(pid))
    if (fresh.length === 0) break
    for (const { pid } of fresh) {
      found.add(pid)
      sendTo(pid, 'SIGSTOP')
    }
  }
  for (const pid of found) sendTo(pid, 'SIGKILL')
  return found.size > 0
}

/** Sends a signal to each. @param {Iterable<Process>} members @param {NodeJS.Signals} signal */
export function signalEach(members, signal) {
  for (const { pid } of members) sendTo(pid, signal)
}

/**
 * Its processes that run now; undefined where there is no /proc to see them by.
 * @param {Owner} owner @param {Iterable<Owner>} others
 */
export function membersOf(owner, others) {
  const all = processes()
  if (all === undefined) return undefined
  const own = processOf(process.pid)
  const candidates = all.filter(
    ({ pid, session }) => pid > 1 && pid !== process.pid && session > 1 && session !== own?.session,
  )
  const members = closure(owner, candidates)
  if (owner.user !== undefined) addOfUser(owner.user, members, candidates, others)
  owner.seen = new Map([...members].map(({ pid, start }) => [pid, start]))
  return [...members]
}

/** @param {Owner} owner @param {readonly Process[]} all */
function closure({ leader, mark, seen }, all) {
  const since = leader?.start ?? 0
  const members = new Set(
    all.filter(
      ({ pid, session, start }) =>
        seen.get(pid) === start ||
        (start >= since &&
          (session === leader?.pid || inEnvironment(pid, mark.name) === mark.value)),
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

/**
 * @param {number} user @param {Set<Process>} members @param {readonly Process[]} all
 * @param {Iterable<Owner>} others
 */
function addOfUser(user, members, all, others) {
  const claimed = new Set(members)
  for (const other of others)
    if (other.user === user) for (const one of closure(other, all)) claimed.add(one)
  for (const one of all) if (!claimed.has(one) && isOfUser(one.pid, user)) members.add(one)
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
