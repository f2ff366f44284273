import { randomBytes, scrypt, timingSafeEqual, type ScryptOptions } from 'node:crypto'
import { Unavailable } from '../kit/errors.ts'

/** What one hashing costs: about 32 MiB of memory and a quarter of a second (OWASP, Password Storage Cheat Sheet). */
const COST = { ln: 15, r: 8, p: 3 } as const
const SALT_BYTES = 16
const HASH_BYTES = 32
/** Hashings at once, which bounds the memory they take; and how many may wait for their turn. */
const AT_ONCE = 2
const MAX_WAITING = 50

/** Refuses parameters of a stored hash that no version of ours has written. */
const MAX_MEMORY_BYTES = 128 * 1024 * 1024

let running = 0
const waiting: (() => void)[] = []

/**
 * A password as it is stored: `$scrypt$ln=15,r=8,p=3$<salt>$<hash>`, in the PHC string format, so that it can still
 * be checked once the parameters have changed. Throws Unavailable when too many wait already.
 */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES)
  const hash = await inTurn(() => derive(password, salt, COST))
  return `$scrypt$ln=${COST.ln},r=${COST.r},p=${COST.p}$${text(salt)}$${text(hash)}`
}

/**
 * Whether a password is the stored one. It takes as long for nobody (null) as for somebody, so that the time says
 * nothing about who there is. Throws Unavailable when too many wait already.
 */
export async function isPassword(password: string, stored: string | null): Promise<boolean> {
  const kept = stored === null ? undefined : read(stored)
  const { cost, salt, hash } = kept ?? nobody
  const given = await inTurn(() => derive(password, salt, cost))
  return timingSafeEqual(given, hash) && kept !== undefined
}

interface Cost {
  readonly ln: number
  readonly r: number
  readonly p: number
}

interface Kept {
  readonly cost: Cost
  readonly salt: Buffer
  readonly hash: Buffer
}

/** What the passwords of people who are not there are compared with. */
const nobody: Kept = { cost: COST, salt: randomBytes(SALT_BYTES), hash: randomBytes(HASH_BYTES) }

function read(stored: string): Kept {
  const form = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([\w+/]+)\$([\w+/]+)$/.exec(stored)
  if (form === null) throw new Error('A stored password hash cannot be read.')
  const [, ln, r, p, salt = '', hash = ''] = form
  return {
    cost: { ln: Number(ln), r: Number(r), p: Number(p) },
    salt: Buffer.from(salt, 'base64'),
    hash: Buffer.from(hash, 'base64'),
  }
}

const text = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '')

/** One text is one password, however its letters are composed (NIST SP 800-63B, 5.1.1.2). */
function derive(password: string, salt: Buffer, { ln, r, p }: Cost): Promise<Buffer> {
  const options: ScryptOptions = { N: 2 ** ln, r, p, maxmem: MAX_MEMORY_BYTES }
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFKC'), salt, HASH_BYTES, options, (cause, hash) =>
      cause === null ? resolve(hash) : reject(cause),
    )
  })
}

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running < AT_ONCE) running += 1
  else {
    if (waiting.length >= MAX_WAITING)
      throw new Unavailable('sign-in', 'Too many are signing in at this moment.', 5)
    await new Promise<void>((resolve) => waiting.push(resolve))
  }
  try {
    return await work()
  } finally {
    const next = waiting.shift()
    if (next === undefined) running -= 1
    else next() // the place goes to whoever has waited longest
  }
}
