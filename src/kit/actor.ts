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
  readonly front?: 'ABEJA' | 'OMEGAML' | 'TOPCHEF' | 'AUGER' | 'ONECONTAINER' | undefined
  readonly [EFFECT]?: CallEffect | undefined
}

/** The server itself, such as its reconciler. */
export const system: Actor = { kind: 'SYSTEM', name: 'millrace' }
