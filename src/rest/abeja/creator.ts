import type { AbejaCreatorFragment } from '../../generated/operations/graphql.ts'
import type { Asked } from '../route.ts'

/** `2018-06-05T13:07:49.602076Z` as user objects have it, in whole seconds. */
const wholeSeconds = (time: string): string => time.replace(/\.\d+Z$/, 'Z')

/** The id of whoever is no person: a token of nobody, or the server itself. */
const NOBODY = '1000000000000'

const roles = {
  ADMIN: 'admin',
  DEVELOPER: 'developer',
  VIEWER: 'regular',
  WORKER: 'regular',
} as const

/** Who made something, with the role the person has in the organization now. */
export function creator(
  { name, user }: AbejaCreatorFragment,
  { params }: Asked,
  madeAt: string,
): Readonly<Record<string, unknown>> {
  const since = wholeSeconds(user?.createdAt ?? madeAt)
  const membership = user?.memberships.find(
    ({ organization }) => organization.address === params['organization'],
  )
  return {
    id: user?.address ?? NOBODY,
    email: user?.email ?? name,
    display_name: user === null ? name : user.name,
    is_registered: user !== null,
    role: membership === undefined ? 'regular' : roles[membership.role],
    created_at: since,
    updated_at: since,
  }
}
