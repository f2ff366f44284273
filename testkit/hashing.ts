import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'

/*
 * Passwords are hashed slowly on purpose, and tests sign the same few people in again and again. One password has with
 * one salt one hash, so the servers of a process of tests compute it once: nothing else is different for them.
 */

type Scrypt = (
  password: crypto.BinaryLike,
  salt: crypto.BinaryLike,
  length: number,
  options: crypto.ScryptOptions,
  done: (cause: Error | null, hash: Buffer) => void,
) => void

const ours = Symbol.for('millrace.test.hashing') // files in a row share a process, and may load this again
const scrypt: Scrypt & { [ours]?: true } = crypto.scrypt
const known = new Map<string, Promise<Buffer>>()

const remembering: Scrypt & { [ours]?: true } = (password, salt, length, options, done) => {
  const text = (part: crypto.BinaryLike): string =>
    typeof part === 'string' ? part : Buffer.from(part as Uint8Array).toString('base64') // all that is given here
  const key = JSON.stringify([text(password), text(salt), length, options])
  const hash =
    known.get(key) ??
    new Promise<Buffer>((resolve, reject) => {
      scrypt(password, salt, length, options, (cause, made) =>
        cause === null ? resolve(made) : reject(cause),
      )
    })
  known.set(key, hash)
  hash.then(
    (made) => done(null, Buffer.from(made)),
    (cause: Error) => done(cause, Buffer.alloc(0)),
  )
}
remembering[ours] = true

if (scrypt[ours] === undefined) {
  crypto.scrypt = remembering as typeof crypto.scrypt // the overload without options is used by nobody here
  syncBuiltinESMExports()
}
