import { naming } from '../addresses/index.ts'
import { idKind } from '../kit/ids.ts'

export const OrganizationId = idKind('org')
export const UserId = idKind('usr')
export const InvitationId = idKind('inv')
/** Of the admin's token and of the project that an organization begins with; their concepts come after this one. */
export const TokenId = idKind('tok')
export const ProjectId = idKind('prj')

export const organizations = naming({
  kind: OrganizationId,
  noun: 'organization',
  table: 'Organization',
  columns: { organization: 'id', handle: 'handle' },
})

export const userNaming = naming({ kind: UserId, noun: 'user', table: 'User' })
