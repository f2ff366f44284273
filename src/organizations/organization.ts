import { thirteenDigits, type Naming } from '../addresses/index.ts'
import { idKind } from '../kit/ids.ts'

export const OrganizationId = idKind('org')
export const UserId = idKind('usr')
export const TokenId = idKind('tok')

export const organizationNaming: Naming = {
  kind: OrganizationId,
  noun: 'organization',
  spellings: { ABEJA: thirteenDigits },
}

/** The organization that the first start makes. */
export const DEFAULT_HANDLE = 'default'
