import { fromHex16, toHex16 } from '../../kit/permute.ts'
import type { Nouns, Spelling } from '../nouns.ts'

const BASE = 1_000_000_000_000n

/** Ids of the platform: 13 decimal digits (contract 3). */
const thirteenDigits: Spelling = {
  write: ({ serial }) => String(BASE + serial),
  read: (text) => (/^[1-9]\d{12}$/.test(text) ? BigInt(text) - BASE : undefined),
}

/** Ids with a prefix and 16 hexadecimal digits (contract 3). */
const hex16 = (prefix: string): Spelling => ({
  write: ({ serial }) => prefix + toHex16(serial),
  read: (text) => (text.startsWith(prefix) ? fromHex16(text.slice(prefix.length)) : undefined),
})

const DEPLOYMENTS = '/organizations/:organization/deployments'
const DEPLOYMENT = `${DEPLOYMENTS}/:deployment`

export const nouns: Nouns = {
  organization: { spelling: thirteenDigits, path: '/organizations/:id' },
  user: { spelling: thirteenDigits },
  deployment: { spelling: thirteenDigits, path: `${DEPLOYMENTS}/:id` },
  'deployment version': { spelling: hex16('ver-'), path: `${DEPLOYMENT}/versions/:id` },
  service: {
    spelling: hex16('ser-'),
    path: `${DEPLOYMENT}/services/:id`,
    where: { kind: 'PROCESS', isBuiltIn: false },
  },
  // endpoints of deployments only
  route: { spelling: hex16('pnt-'), path: `${DEPLOYMENT}/endpoints/:id` },
}
