// @ts-check
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync } from 'node:fs'
import { asUser } from '../../../../kit/processes/as-user.js'
import { givePipe } from '../../../../kit/processes/pipes.js'
import { whoIs } from '../../../../kit/processes/processes.js'
import { Program } from './program.js'
import { MARK, signalGroup, untilSafe } from '../../../../kit/processes/reap.js'
import { PROGRAM, writeDown } from './records.js'

/**
 * A command line to run in a folder, with exactly this environment and a mark, as a user where one is given. What it
 * prints goes into `folder`.
 * @typedef {{ readonly key: string, readonly mark: string, readonly folder: string, readonly workingFolder: string,
 *   readonly command: readonly string[], readonly environment: Readonly<Record<string, string>>,
 *   readonly user?: number | undefined }} Launch
 *
 * @typedef {import('./program.js').Surroundings} Surroundings
 * @typedef {import('../../../../kit/processes/reap.js').Owner} Owner
 */

/**
 * Starts a program, which leads a session of its own. Its processes are the owner's from before the start on. Throws an
 * error whose message is a sentence for the user.
 * @param {Launch} launch @param {Owner} owner @param {import('../../../../kit/processes/pipe-pool.js').PipePool} pool @param {Surroundings} surroundings
 */
export async function startProgram(launch, owner, pool, surroundings) {
  const { folder, user } = launch
  const { stdout, stderr } = await pool.take().catch((cause) => {
    throw new Error(`Pipes for its output could not be made: ${String(cause)}`, { cause })
  })
  /** @type {import('node:child_process').ChildProcess | undefined} */
  let child
  try {
    if (user !== undefined) for (const pipe of [stdout, stderr]) givePipe(pipe, user, user)
    if (user !== undefined) await untilSafe(user)
    child = spawned(launch, stdout.theirs, stderr.theirs)
    await once(child, 'spawn')
    const leader = whoIs(/** @type {number} */ (child.pid))
    writeDown(folder, PROGRAM, { ...leader, user })
    owner.leader = leader
    const pipes = { stdout: stdout.ours, stderr: stderr.ours }
    return new Program(child, leader, owner, pipes, folder, surroundings)
  } catch (cause) {
    if (child?.pid !== undefined) signalGroup(child.pid, 'SIGKILL')
    closeSync(stdout.ours)
    closeSync(stderr.ours)
    throw new Error(`The process could not be started: ${reasonOf(cause, launch)}`, { cause })
  } finally {
    closeSync(stdout.theirs)
    closeSync(stderr.theirs)
  }
}

/** Runs a command in a folder, without what a shell adds to the environment by itself. */
const GO = 'cd "$0" && unset PWD OLDPWD SHLVL && exec "$@"'

/** @param {Launch} launch @param {number} stdout @param {number} stderr */
function spawned({ command, workingFolder, environment, mark, user }, stdout, stderr) {
  // a folder of its user may be a link by now: it is the user that goes there
  const [file = '', ...args] =
    user === undefined ? command : asUser(user, ['/bin/sh', '-c', GO, workingFolder, ...command])
  return spawn(file, args, {
    cwd: user === undefined ? workingFolder : '/',
    env: { ...environment, [MARK]: mark },
    detached: true,
    stdio: ['ignore', stdout, stderr],
  })
}

/** @param {unknown} cause @param {Launch} launch */
function reasonOf(cause, { command: [program], workingFolder, user }) {
  const { code } = /** @type {NodeJS.ErrnoException} */ (cause)
  const who = user === undefined ? 'The server' : `User ${user}`
  switch (code) {
    case 'ENOENT':
      return existsSync(workingFolder)
        ? `There is no program ${program}.`
        : 'Its working folder is not there.'
    case 'EACCES':
      return `${who} may not run ${program} in its working folder.`
    case 'E2BIG':
      return 'Its environment is longer than the operating system takes.'
    case 'EAGAIN':
    case 'ENOMEM':
    case 'EMFILE':
    case 'ENFILE':
      return `The operating system has no room for another process (${code}).`
    default:
      return String(cause)
  }
}
