// @ts-check
/*
 * Pipes (pipe(7)) between this process and a program. What Node.js' `stdio: 'pipe'` makes are socket pairs, which a
 * program cannot open again: `> /dev/stderr`, `tee /dev/stderr` and `cat /dev/stdin` fail with ENXIO there. These can be
 * opened by the user that owns them. JavaScript, because the agent of the process runtime is loaded by Node.js itself.
 */
import { execFile } from 'node:child_process'
import { closeSync, constants, fchownSync, openSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const { O_RDONLY, O_WRONLY, O_NONBLOCK } = constants

/**
 * A pipe. `ours` does not block and `theirs`, which a child gets in its `stdio`, does; whoever has both closes both.
 * @typedef {{ readonly ours: number, readonly theirs: number }} Pipe
 */

/**
 * As many pipes as there are directions: of `'out'` this process reads what the program writes, of `'in'` it is the
 * other way round. They belong to this process' user. Needs the program `mkfifo` (POSIX); nothing stays on the disk.
 * @param {readonly ('in' | 'out')[]} directions
 * @returns {Promise<Pipe[]>}
 */
export async function makePipes(directions) {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-pipes-'))
  /** @type {Pipe[]} */
  const made = []
  try {
    const paths = directions.map((_, index) => join(folder, String(index)))
    await promisify(execFile)('mkfifo', ['-m', '600', ...paths], {
      env: { PATH: process.env['PATH'] },
    })
    for (const [index, direction] of directions.entries())
      made.push(direction === 'out' ? openOut(paths[index] ?? '') : openIn(paths[index] ?? ''))
    return made
  } catch (cause) {
    for (const pipe of made) closePipe(pipe)
    throw cause
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/**
 * Gives a pipe to another user, who may then open it.
 * @param {Pipe} pipe @param {number} user @param {number} group
 */
export const givePipe = ({ ours }, user, group) => fchownSync(ours, user, group)

/** @param {Pipe} pipe */
export function closePipe({ ours, theirs }) {
  closeSync(ours)
  closeSync(theirs)
}

/** @param {string} path @returns {Pipe} */
function openOut(path) {
  const ours = openSync(path, O_RDONLY | O_NONBLOCK)
  try {
    return { ours, theirs: openSync(path, O_WRONLY) } // does not wait: it has a reader
  } catch (cause) {
    closeSync(ours)
    throw cause
  }
}

/** @param {string} path @returns {Pipe} */
function openIn(path) {
  const reader = openSync(path, O_RDONLY | O_NONBLOCK) // without one a writer is refused
  try {
    const ours = openSync(path, O_WRONLY | O_NONBLOCK)
    try {
      return { ours, theirs: openSync(path, O_RDONLY) }
    } catch (cause) {
      closeSync(ours)
      throw cause
    }
  } finally {
    closeSync(reader)
  }
}
