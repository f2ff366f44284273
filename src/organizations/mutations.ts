import { z } from 'zod'
import { namingFields } from '../addresses/index.ts'
import { allowServerAdmin, found } from '../auth/viewer.ts'
import { RoleType } from '../graph/errors.ts'
import { mutation } from '../graph/mutation.ts'
import { Conflict, Unavailable } from '../kit/errors.ts'
import { emailRule, handleRule, nameRule, newPasswordRule } from '../kit/names.ts'
import { createOrganization } from './actions.ts'
import { removeMember, setMember } from './members.ts'
import { OrganizationId, UserId } from './organization.ts'
import { organizationById } from './store.ts'
import { MembershipType, OrganizationType } from './types.ts'

mutation('createOrganization', {
  description:
    'Needs ADMIN of the server. Makes an organization; the caller becomes its first ADMIN.',
  input: (t) => ({
    name: t.string({ required: true, description: 'For people.' }),
    handle: t.string({ description: 'Unique on this server; made from the name when absent.' }),
    ...namingFields(t),
  }),
  check: z.object({ name: nameRule, handle: handleRule.nullish() }),
  errors: [Conflict],
  resolve: async (ctx, input) => ({ organization: await createOrganization(ctx, input) }),
  again: async (ctx, id) => {
    allowServerAdmin(ctx.viewer)
    const row = await organizationById(ctx, id)
    return { organization: found(row, 'organization', OrganizationId.text(id)) }
  },
  success: (t) => ({
    organization: t.field({
      type: OrganizationType,
      description: 'The new organization.',
      resolve: ({ organization }) => organization,
    }),
  }),
})

mutation('setMember', {
  description:
    'Needs ADMIN. Adds a person to the organization, or changes the role; what the person has open with more rights is closed. Everybody may change their own name and password, with the role they have.',
  input: (t) => ({
    email: t.string({ required: true, description: 'By which the person signs in.' }),
    role: t.field({ type: RoleType, required: true, description: 'What the person may do.' }),
    name: t.string({ description: 'How the person is called.' }),
    password: t.string({
      description:
        'At least 8 characters; the one before stays when absent. It is good for this organization, and for all of the person when an administrator of the server sets it.',
    }),
    organizationId: t.id({ description: 'Where; needed when the caller is a member of several.' }),
  }),
  check: z.object({
    email: emailRule,
    name: nameRule.nullish(),
    password: newPasswordRule.nullish(),
  }),
  errors: [Unavailable],
  resolve: async (ctx, input) => ({ membership: await setMember(ctx, input) }),
  again: 'repeat', // it does nothing that the call has done already
  success: (t) => ({
    membership: t.field({
      type: MembershipType,
      description: 'The membership as it is now.',
      resolve: ({ membership }) => membership,
    }),
  }),
})

mutation('removeMember', {
  description:
    'Needs ADMIN. Takes a person out of the organization; what they have open by it is closed within 5 s.',
  input: (t) => ({
    userId: t.id({ required: true, description: 'Whom.' }),
    organizationId: t.id({ description: 'Where; needed when the caller is a member of several.' }),
  }),
  resolve: async (ctx, input) => ({ userId: await removeMember(ctx, input) }),
  again: 'repeat', // it does nothing that the call has done already
  success: (t) => ({
    removedId: t.id({
      description: 'Canonical id of the person.',
      resolve: ({ userId }) => UserId.text(userId),
    }),
  }),
})
