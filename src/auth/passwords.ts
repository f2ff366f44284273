import { randomBytes, scrypt, timingSafeEqual, type ScryptOptions } from 'node:crypto'
import { Unavailable } from '../kit/errors.ts'
import { Turns } from './turns.ts'

/** What one hashing costs: about 32 MiB of memory and a quarter of a second (OWASP, Password Storage Cheat Sheet). */
const COST = { ln: 15, r: 8, p: 3 } as const
const SALT_BYTES = 16
const HASH_BYTES = 32
/**
 * Hashings at once, which bounds the memory they take; how many may wait for their turn, and how many of those from
 * one network, so that none fills the queue.
 */
const turns = new Turns(
  { atOnce: 2, waiting: 50, waitingFromOne: 10 },
  () => new Unavailable('TOO_MANY_SIGN_INS', 'Too many are signing in at this moment.', 5),
)

/** Refuses parameters of a stored hash that no version of ours has written. */
const MAX_MEMORY_BYTES = 128 * 1024 * 1024

/**
 * A password as it is stored: `$scrypt$ln=15,r=8,p=3$<salt>$<hash>`, in the PHC string format, so that it can still
 * be checked once the parameters have changed. `network` is where it comes from. Throws Unavailable when too many wait
 * already.
 */
export async function hashPassword(
  password: string,
  network: string,
  salt: Buffer = randomBytes(SALT_BYTES),
): Promise<string> {
  const hash = await turns.take(network, () => derive(password, salt, COST))
  return `$scrypt$ln=${COST.ln},r=${COST.r},p=${COST.p}$${text(salt)}$${text(hash)}`
}

/** The salt of a stored hash. */
export const saltOf = (stored: string): Buffer => read(stored).salt

/**
 * Which of the stored hashes are of this password. Those of one salt cost one computation, and so do none at all: the
 * time says nothing about who there is. Throws Unavailable when too many wait already.
 */
export async function matches(
  password: string,
  stored: readonly string[],
  network: string,
): Promise<boolean[]> {
  const all = stored.map(read)
  const salted = new Map(all.map((kept) => [saltedAs(kept), kept]))
  if (salted.size === 0) salted.set('', nobody)
  const given = new Map<string, Buffer>()
  for (const [key, { cost, salt }] of salted)
    given.set(key, await turns.take(network, () => derive(password, salt, cost)))
  return all.map((kept) => {
    const hash = given.get(saltedAs(kept))
    return hash !== undefined && timingSafeEqual(hash, kept.hash)
  })
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

const saltedAs = ({ cost, salt }: Kept): string =>
  `${cost.ln},${cost.r},${cost.p}$${salt.toString('hex')}`

/** What the passwords of people who are not there are hashed like. */
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
