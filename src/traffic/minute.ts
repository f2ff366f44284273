/** The calls of one service in one minute, as this server counts them. */
export interface Minute {
  readonly serviceId: string
  /** When it begins, in milliseconds since 1970. */
  readonly at: number
  requests: number
  errors: number
  maxInFlight: number
  instances: number
  readonly counts: Uint32Array
  isStored: boolean
}
