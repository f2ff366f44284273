// @ts-check
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * What is written down of a process so that a later server can find it, or knows that it has gone: its id, its start
 * (0 where there is no /proc to know it by), and the user that it was given.
 * @typedef {{ readonly pid: number, readonly start: number, readonly user?: number | undefined }} Who
 */

/** In the folder of the runtime. */
export const AGENT = 'agent.json'
/** In the folder of an instance. */
export const PROGRAM = 'program.json'

/** @param {string} folder @param {typeof AGENT | typeof PROGRAM} name @param {Who} who */
export function writeDown(folder, name, { pid, start, user }) {
  writeFileSync(join(folder, name), JSON.stringify({ pid, start, user }))
}

/**
 * What was written down; undefined where nothing was, or not all of it.
 * @param {string} folder @param {typeof AGENT | typeof PROGRAM} name @returns {Who | undefined}
 */
export function writtenDown(folder, name) {
  try {
    return JSON.parse(readFileSync(join(folder, name), 'utf8'))
  } catch {
    return undefined
  }
}
