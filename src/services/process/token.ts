import type { Signer } from '../../auth/signing.ts'

/**
 * The secret of the token a service is given: a VIEWER of its organization, revoked when the service is deleted.
 * It is derived, so that every start of every instance can be given it although only its hash is stored.
 */
export const serviceSecret = (signer: Signer, serviceId: string): string =>
  `mrs_${signer.sign('service-token', serviceId)}`
