/** Who did something, and through which door; kept with every event as it was at the time. */
export interface Actor {
  readonly kind: 'USER' | 'TOKEN' | 'WORKER' | 'SYSTEM'
  readonly name: string
  readonly userId?: string | undefined
  readonly tokenId?: string | undefined
  readonly front?: 'ABEJA' | 'OMEGAML' | 'TOPCHEF' | 'AUGER' | 'ONECONTAINER' | undefined
}

/** The server itself, such as its reconciler. */
export const system: Actor = { kind: 'SYSTEM', name: 'millrace' }
