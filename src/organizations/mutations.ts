import { z } from 'zod'
import { namingFields } from '../addresses/index.ts'
import { allowServerAdmin, found } from '../auth/viewer.ts'
import { builder } from '../builder.ts'
import { RoleType } from '../graph/errors.ts'
import { mutation } from '../graph/mutation.ts'
import { Conflict, QuotaReached, Unavailable, WrongState } from '../kit/errors.ts'
import { emailRule, handleRule, isStorable, nameRule, newPasswordRule } from '../kit/names.ts'
import { createOrganization } from './actions.ts'
import { InvitationType } from './invitation-types.ts'
import {
  acceptInvitation,
  declineInvitation,
  endedInvitation,
  withdrawInvitation,
} from './invitations.ts'
import { leaveOrganization, removeMember, setMember } from './members.ts'
import { InvitationId, OrganizationId, UserId } from './organization.ts'
import { organizationById } from './store.ts'
import { MembershipType, OrganizationType } from './types.ts'

type Types = typeof builder.$inferSchemaTypes

const codeField = (t: PothosSchemaTypes.InputFieldBuilder<Types, 'InputObject'>) =>
  t.string({ required: true, description: 'The code that the ADMIN was shown.' })
const codeRule = z
  .string()
  .max(200, 'At most 200 characters.')
  .refine(isStorable, 'This is no code.')

mutation('createOrganization', {
  description:
    'Needs ADMIN of the server. Makes an organization; the caller becomes its first ADMIN.',
  input: (t) => ({
    name: t.string({ required: true, description: 'For people.' }),
    handle: t.string({
      description:
        'Unique on this server, and none of any, anybody, token and x; made from the name when absent.',
    }),
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
    "Needs ADMIN. Changes the role of a member; what the person has open in this organization with more rights is closed. Of whoever is no member yet: with a password, makes an account of the organization's own, which is a member at once, here and nowhere else; without one, makes an invitation, in place of one that is pending, and shows its code once. The answer is the same whether there are other accounts with that e-mail. Everybody may change their own name and password, with the role they have.",
  input: (t) => ({
    email: t.string({
      required: true,
      description: 'By which the person signs in; that of one member at most.',
    }),
    role: t.field({ type: RoleType, required: true, description: 'What the person may do.' }),
    name: t.string({
      description:
        "How the person is called. Of a member whose account the organization has not made it is the person's to change.",
    }),
    password: t.string({
      description:
        'At least 8 characters; the one before stays when absent. It is good for this organization alone; for all of the person when an administrator of the server sets it, or the person by a sign-in that is good for all. Of a member whose account the organization has not made it is for the person to set.',
    }),
    organizationId: t.id({ description: 'Where; needed when the caller is a member of several.' }),
  }),
  check: z.object({
    email: emailRule,
    name: nameRule.nullish(),
    password: newPasswordRule.nullish(),
  }),
  errors: [Unavailable, QuotaReached],
  resolve: (ctx, input) => setMember(ctx, input),
  again: 'repeat', // it does nothing that the call has done already
  success: (t) => ({
    membership: t.field({
      type: MembershipType,
      nullable: true,
      description: 'The membership as it is now; null when the person was invited.',
      resolve: (made) => ('membership' in made ? made.membership : null),
    }),
    invitation: t.field({
      type: InvitationType,
      nullable: true,
      description: 'The new invitation; null when the person is a member.',
      resolve: (made) => ('invitation' in made ? made.invitation : null),
    }),
    invitationCode: t.string({
      nullable: true,
      description:
        'What the invitation is accepted with: to be given to the person, and to nobody else. Shown this once; with an idempotency key, to the same caller for 24 hours.',
      resolve: (made) => ('invitation' in made ? made.code.text : null),
    }),
  }),
})

mutation('acceptInvitation', {
  description:
    'Makes the invited person a member. Needs the code of the invitation, and the sign-in of an account with its e-mail, which becomes the member. Without a sign-in it makes a new account, which is good for this organization alone. A token of no person is refused (Forbidden).',
  input: (t) => ({
    code: codeField(t),
    password: t.string({
      description:
        'At least 8 characters. The organization is then entered by signing in with it, and with nothing else; the sign-in at hand stays what it was. Absent, the sign-in at hand is good for the organization too; one that is good for a single organization, or none, needs it.',
    }),
    name: t.string({
      description: "What a new account is called; the invitation's name when absent.",
    }),
  }),
  check: z.object({
    code: codeRule,
    password: newPasswordRule.nullish(),
    name: nameRule.nullish(),
  }),
  isPublic: true,
  errors: [WrongState, Unavailable],
  resolve: (ctx, input, onceAs, _asked, allowIn) => acceptInvitation(ctx, input, onceAs, allowIn),
  again: 'repeat', // as above
  success: (t) => ({
    membership: t.field({
      type: MembershipType,
      description: 'The new membership.',
      resolve: ({ membership }) => membership,
    }),
  }),
})

mutation('declineInvitation', {
  description:
    'Refuses an invitation, which cannot be accepted after that. Needs its code, and no credential.',
  input: (t) => ({ code: codeField(t) }),
  check: z.object({ code: codeRule }),
  isPublic: true,
  errors: [WrongState],
  resolve: (ctx, input, onceAs) => declineInvitation(ctx, input, onceAs),
  again: 'repeat', // as above
  success: (t) => ({
    declinedId: t.id({
      description: 'Canonical id of the invitation.',
      resolve: ({ id }) => InvitationId.text(id),
    }),
  }),
})

mutation('withdrawInvitation', {
  description: 'Needs ADMIN. Takes an invitation back: its code is good for nothing any more.',
  input: (t) => ({ id: t.id({ required: true, description: 'Which.' }) }),
  errors: [WrongState],
  resolve: async (ctx, input) => ({ invitation: await withdrawInvitation(ctx, input) }),
  again: async (ctx, id) => ({ invitation: await endedInvitation(ctx, id) }),
  success: (t) => ({
    invitation: t.field({
      type: InvitationType,
      description: 'The invitation as it is now.',
      resolve: ({ invitation }) => invitation,
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

mutation('leaveOrganization', {
  description:
    'Takes the caller, who must be a person, out of an organization; what is open by it is closed within 5 s. Needs no role, but the last ADMIN stays.',
  input: (t) => ({
    organizationId: t.id({
      description: 'Which; needed when the caller is a member of several.',
    }),
  }),
  resolve: async (ctx, input) => ({ organizationId: await leaveOrganization(ctx, input) }),
  again: (_ctx, id) => Promise.resolve({ organizationId: id }),
  success: (t) => ({
    leftId: t.id({
      description: 'Canonical id of the organization.',
      resolve: ({ organizationId }) => OrganizationId.text(organizationId),
    }),
  }),
})
