import { createHash, randomBytes } from 'node:crypto'

/** A new token's secret: 192 random bits behind a prefix that secret scanners can find. */
export const newSecret = (): string => `mrt_${randomBytes(24).toString('base64url')}`

/** What is stored of a secret. Secrets are random and long, so a plain hash is enough (no password is kept so). */
export const hashSecret = (secret: string): string =>
  createHash('sha256').update(secret).digest('hex')
