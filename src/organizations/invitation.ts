import type { Invitation } from '../generated/prisma/client.ts'
import { machine, type StateOf } from '../kit/machine.ts'

export const invitationMoves = machine({
  PENDING: { accept: 'ACCEPTED', decline: 'DECLINED', withdraw: 'WITHDRAWN', expire: 'EXPIRED' },
  ACCEPTED: {},
  DECLINED: {},
  WITHDRAWN: {},
  EXPIRED: {},
})
export type InvitationState = StateOf<typeof invitationMoves>

/** How long an invitation may be accepted. */
export const VALID_MS = 7 * 24 * 3_600_000

/** Invitations of one organization that may be pending at once. */
export const MAX_PENDING = 1_000

/** Time alone makes it EXPIRED: that is stored nowhere. */
export const stateOf = ({ status, expiresAt }: Invitation, now: Date): InvitationState =>
  status === 'PENDING' && expiresAt <= now ? 'EXPIRED' : status
