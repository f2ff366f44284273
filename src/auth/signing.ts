import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Database } from '../db/database.ts'

/**
 * Signs what Millrace hands out and takes back: URLs for bytes, the tokens of services, calls between servers.
 * The key is a row of the database, so that every server of an installation knows it and nobody else does.
 */
export class Signer {
  readonly #key: Buffer

  constructor(key: Buffer) {
    this.#key = key
  }

  /** The signature of a text, for one purpose. */
  sign(purpose: string, text: string): string {
    return createHmac('sha256', this.#key).update(`${purpose}\n${text}`).digest('base64url')
  }

  isSigned(purpose: string, text: string, signature: string): boolean {
    const right = Buffer.from(this.sign(purpose, text))
    const given = Buffer.from(signature)
    return right.length === given.length && timingSafeEqual(right, given)
  }

  /** A path and its query, with an expiry and a signature behind that, good for one method. */
  signPath(method: string, path: string, expiresAt: Date, query = new URLSearchParams()): string {
    const expires = Math.floor(expiresAt.getTime() / 1000)
    const target = `${path}?${query.size === 0 ? '' : `${query}&`}`
    return `${target}expires=${expires}&signature=${this.sign('url', `${method} ${target} ${expires}`)}`
  }

  /** Whether a path was signed with this query for this method and has not expired. */
  isPathSigned(method: string, path: string, query: URLSearchParams, now: Date): boolean {
    const expires = query.get('expires') ?? ''
    if (!/^\d{1,12}$/.test(expires) || Number(expires) * 1000 < now.getTime()) return false
    const rest = new URLSearchParams([...query].filter(([name]) => !ENDS.has(name)))
    const target = `${path}?${rest.size === 0 ? '' : `${rest}&`}`
    return this.isSigned('url', `${method} ${target} ${expires}`, query.get('signature') ?? '')
  }
}

/** What a signed query has besides its own. */
const ENDS = new Set(['expires', 'signature'])

/** The installation's signer; its key is made by whichever server comes first. */
export async function openSigner({ prisma }: Database): Promise<Signer> {
  const name = 'signing-key'
  await prisma.setting.createMany({
    data: [{ name, value: randomBytes(32).toString('base64') }],
    skipDuplicates: true,
  })
  const { value } = await prisma.setting.findUniqueOrThrow({ where: { name } })
  return new Signer(Buffer.from(value, 'base64'))
}
