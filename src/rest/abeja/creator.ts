import type { AbejaCreatorFragment, ActorKind, Role } from '../../generated/operations/graphql.ts'
import type { Asked } from '../route.ts'

import { wholeSeconds } from './times.ts'

/** The id of whoever is no person: a token of nobody, or the server itself. */
const NOBODY = '1000000000000'

const roles = {
  ADMIN: 'admin',
  DEVELOPER: 'developer',
  VIEWER: 'regular',
  WORKER: 'regular',
} as const

/**
 * What whoever is no person may do, where that is not told: an open front lets in strangers with a role of its own,
 * and a token that is gone could at least make what is shown.
 */
const roleOfNobody = (kind: ActorKind, { ctx }: Asked): Role =>
  kind === 'USER' ? ctx.config.openFrontRole : 'DEVELOPER'

/** Who made something, with the role it has in the organization now. */
export function creator(
  { kind, name, role, user }: AbejaCreatorFragment,
  asked: Asked,
  madeAt: string,
): Readonly<Record<string, unknown>> {
  const since = wholeSeconds(user?.createdAt ?? madeAt)
  // in the caller's only organization, which may have been named by another id than it tells
  const isOnly = asked.ctx.viewer.memberships.length === 1
  const membership = user?.memberships.find(
    ({ organization }) => isOnly || organization.address === asked.params['organization'],
  )
  const held = user === null ? (role ?? roleOfNobody(kind, asked)) : (membership?.role ?? 'VIEWER')
  return {
    id: user?.address ?? NOBODY,
    email: user?.email ?? name,
    display_name: user === null ? name : user.name,
    is_registered: user !== null,
    role: roles[held],
    created_at: since,
    updated_at: since,
  }
}
