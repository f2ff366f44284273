/**
 * A call with an idempotency key, while it is worked on. `attempt` is its fence: once another server has taken the
 * call over, nothing of an earlier attempt can be written any more.
 */
export interface KeyedCall {
  readonly id: string
  readonly attempt: number
  /** What secrets in its answer are derived from. */
  readonly seed: string
}

/** One effect of such a call; `part` tells the effects of one call apart. */
interface CallEffect {
  readonly call: KeyedCall
  readonly part: string
}

/** Where an Actor carries the effect that is being written: out of sight of JSON, so that it is kept nowhere. */
export const EFFECT = Symbol('effect')

/** Who did something, and through which door; kept with every event as it was at the time. */
export interface Actor {
  readonly kind: 'USER' | 'TOKEN' | 'WORKER' | 'SYSTEM'
  readonly name: string
  readonly userId?: string | undefined
  readonly tokenId?: string | undefined
  /** The name of a REST front: also of one that there is no longer. */
  readonly front?: string | undefined
  readonly [EFFECT]?: CallEffect | undefined
}

/** The server itself, such as its reconciler. */
export const system: Actor = { kind: 'SYSTEM', name: 'millrace' }

/**
 * The credential that an actor came with, the same whenever it comes with it again: the person, else the token, else
 * the open front that lets everybody in. Null for the server itself.
 */
export function credentialOf({ userId, tokenId, front }: Actor): string | null {
  if (userId !== undefined) return `usr:${userId}`
  if (tokenId !== undefined) return `tok:${tokenId}`
  return front === undefined ? null : `front:${front}`
}
