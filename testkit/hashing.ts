import crypto, { type ScryptOptions } from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { callbackify, promisify } from 'node:util'

/*
 * Passwords are hashed slowly on purpose, and tests sign the same few people in again and again. One password has with
 * one salt one hash, so the servers of a process of tests compute it once: nothing else is different for them.
 */

/** As passwords are hashed here: with all arguments. */
const scrypt = promisify<string, Buffer, number, ScryptOptions, Buffer>(crypto.scrypt)
const known = new Map<string, Promise<Buffer>>()

function hashOnce(password: string, salt: Buffer, length: number, options: ScryptOptions) {
  const key = JSON.stringify([password, salt.toString('hex'), length, options])
  const hash = known.get(key) ?? scrypt(password, salt, length, options)
  known.set(key, hash)
  return hash
}

// files in a row share a process, and each may load this
const mark = Symbol.for('millrace.testkit.hashing')
if (!(mark in crypto.scrypt)) {
  const remembering = Object.assign(callbackify(hashOnce), { [mark]: true })
  crypto.scrypt = remembering as unknown as typeof crypto.scrypt // but for its other overload, which nobody uses here
  syncBuiltinESMExports()
}
