// @ts-check
// Ends the programs of a worker when that is gone, in whatever way: a process of its own, which hears of each program
// on its stdin and finds there that the worker has ended. JavaScript, because Node.js itself loads it, from src/ as
// from dist/.
import { createInterface } from 'node:readline'
import { endAll, Owner } from '../kit/processes/reap.js'

/**
 * What it is told, as lines of JSON: that a program is about to be started, and, once it was, which process it is; or
 * that it and all it had started are gone.
 * @typedef {{ readonly mark: string, readonly variable: string, readonly leader: Owner['leader'],
 *   readonly isGone: boolean }} Notice
 */

/** @type {Map<string, Owner>} */
const owners = new Map()

// what ends the worker may be sent to all processes around it
for (const signal of /** @type {const} */ (['SIGHUP', 'SIGINT', 'SIGTERM']))
  process.on(signal, () => {})

const lines = createInterface({ input: process.stdin })
lines.on('line', (line) => {
  /** @type {Notice} */
  const { mark, variable, leader, isGone } = JSON.parse(line)
  if (isGone) owners.delete(mark)
  else owners.set(mark, new Owner(mark, undefined, leader, variable))
})
lines.on('close', () => {
  for (const owner of owners.values()) void endAll(owner, () => [])
})
