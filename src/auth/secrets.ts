import { createHash, randomBytes } from 'node:crypto'
import type { KeyedCall } from '../kit/actor.ts'
import type { Signer } from './signing.ts'

/** What secrets begin with, so that scanners can find them: credentials, and the codes of invitations. */
type Prefix = 'mrt_' | 'mri_'

/** A new token's secret: 192 random bits behind its prefix. */
export const newSecret = (prefix: Prefix = 'mrt_'): string =>
  `${prefix}${randomBytes(24).toString('base64url')}`

/**
 * A secret in the answer of a mutation: shown to whoever called, and kept nowhere in clear. With an idempotency key
 * it is derived from what the call keeps for a day, so that the same call made again can show it again.
 */
export class Secret {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }

  /** The secret of this request, which has one at most. */
  static of(
    { signer, call }: { signer: Signer; call?: KeyedCall | undefined },
    prefix: Prefix = 'mrt_',
  ): Secret {
    return new Secret(
      call === undefined ? newSecret(prefix) : prefix + signer.sign('call-secret', call.seed),
    )
  }

  get prefix(): Prefix {
    return this.text.startsWith('mri_') ? 'mri_' : 'mrt_'
  }
}

/** What is stored of a secret. Secrets are random and long, so a plain hash is enough (no password is kept so). */
export const hashSecret = (secret: string): string =>
  createHash('sha256').update(secret).digest('hex')
