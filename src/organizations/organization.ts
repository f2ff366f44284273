import { thirteenDigits, type Naming } from '../addresses/index.ts'
import { idKind } from '../kit/ids.ts'
import type { Table } from '../kinds/index.ts'

export const OrganizationId = idKind('org')
export const UserId = idKind('usr')
export const InvitationId = idKind('inv')
/** Of the admin's token and of the project that an organization begins with; their concepts come after this one. */
export const TokenId = idKind('tok')
export const ProjectId = idKind('prj')

export const organizations: Table = {
  kind: OrganizationId,
  noun: 'organization',
  table: 'Organization',
  spellings: { ABEJA: thirteenDigits },
  columns: { organization: 'id', handle: 'handle' },
}

export const userNaming: Naming = {
  kind: UserId,
  noun: 'user',
  spellings: { ABEJA: thirteenDigits },
}
