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
  t.string({
    required: true,
    description: 'Code of the invitation, as `setMember` returned it to the ADMIN.',
  })
const codeRule = z
  .string()
  .max(200, 'At most 200 characters.')
  .refine(isStorable, 'This is no code.')

mutation('createOrganization', {
  description:
    'Creates an organization, with the caller as its first ADMIN. Requires an administrator of the server.',
  input: (t) => ({
    name: t.string({ required: true, description: 'Name for people. It need not be unique.' }),
    handle: t.string({
      description:
        'Short name for URLs and commands, unique on this server. Reserved: `any`, `anybody`, `token` and `x`. Default: derived from the name.',
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
    'Sets the role of a member, or adds a person to the organization. Requires the ADMIN role; every member may change their own name and password, passing the role they have. When a member loses rights, the server closes their connections that used them. For a person who is not a member yet, `password` decides. With it, the mutation creates an account that belongs to this organization and is a member at once. Without it, the mutation creates an invitation, which replaces a pending one, and returns its code once. The result is the same whether or not other accounts with that e-mail address exist.',
  input: (t) => ({
    email: t.string({
      required: true,
      description:
        'E-mail address with which the person signs in. At most one member of the organization has it.',
    }),
    role: t.field({
      type: RoleType,
      required: true,
      description: 'Role of the person in the organization.',
    }),
    name: t.string({
      description:
        'Name of the person. Default: unchanged. The name of an account that this organization did not create can only be changed by the person or by an administrator of the server.',
    }),
    password: t.string({
      description:
        'Password of at least 8 characters. Default: unchanged; a person who is not a member yet is invited. The password is valid for this organization only. It is valid for all organizations of the person when an administrator of the server sets it, or when the person sets it with a sign-in that is valid for all of them. The password of an account that this organization did not create can only be set by the person or by an administrator of the server.',
    }),
    organizationId: t.id({
      description:
        'Organization: ID, handle or address. Required when the caller is a member of several organizations.',
    }),
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
      description: 'The membership after the change. Null when the person was invited.',
      resolve: (made) => ('membership' in made ? made.membership : null),
    }),
    invitation: t.field({
      type: InvitationType,
      nullable: true,
      description: 'The new invitation. Null when the person is a member.',
      resolve: (made) => ('invitation' in made ? made.invitation : null),
    }),
    invitationCode: t.string({
      nullable: true,
      description:
        'Code that accepts the invitation. Give it to the invited person only. Returned once; with an idempotency key, to the same caller again for 24 hours. Null when the person is a member.',
      resolve: (made) => ('invitation' in made ? made.code.text : null),
    }),
  }),
})

mutation('acceptInvitation', {
  description:
    'Accepts an invitation. Requires its code. With a sign-in of an account that has the e-mail address of the invitation, that account becomes the member. Without a credential, the mutation creates an account that is valid for this organization only. A token that belongs to no person is refused with Forbidden.',
  input: (t) => ({
    code: codeField(t),
    password: t.string({
      description:
        "Password of at least 8 characters. When given, the person signs in to this organization with it; a sign-in that the caller has already is not extended to this organization. When absent, the caller's sign-in becomes valid for this organization too. Required when the caller has no sign-in, or one that is valid for a single organization.",
    }),
    name: t.string({
      description: 'Name of a new account. Default: the name in the invitation.',
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
    'Declines an invitation, which can then not be accepted any more. Requires the code of the invitation, but no credential.',
  input: (t) => ({ code: codeField(t) }),
  check: z.object({ code: codeRule }),
  isPublic: true,
  errors: [WrongState],
  resolve: (ctx, input, onceAs) => declineInvitation(ctx, input, onceAs),
  again: 'repeat', // as above
  success: (t) => ({
    declinedId: t.id({
      description: 'ID of the invitation.',
      resolve: ({ id }) => InvitationId.text(id),
    }),
  }),
})

mutation('withdrawInvitation', {
  description:
    'Withdraws a pending invitation, whose code is then invalid. Requires the ADMIN role.',
  input: (t) => ({ id: t.id({ required: true, description: 'ID of the invitation.' }) }),
  errors: [WrongState],
  resolve: async (ctx, input) => ({ invitation: await withdrawInvitation(ctx, input) }),
  again: async (ctx, id) => ({ invitation: await endedInvitation(ctx, id) }),
  success: (t) => ({
    invitation: t.field({
      type: InvitationType,
      description: 'The invitation after the change.',
      resolve: ({ invitation }) => invitation,
    }),
  }),
})

mutation('removeMember', {
  description:
    'Removes a person from the organization. The server closes connections that use that membership within 5 seconds. Requires the ADMIN role.',
  input: (t) => ({
    userId: t.id({ required: true, description: 'ID of the user to remove.' }),
    organizationId: t.id({
      description:
        'Organization: ID, handle or address. Required when the caller is a member of several organizations.',
    }),
  }),
  resolve: async (ctx, input) => ({ userId: await removeMember(ctx, input) }),
  again: 'repeat', // it does nothing that the call has done already
  success: (t) => ({
    removedId: t.id({
      description: 'ID of the removed user.',
      resolve: ({ userId }) => UserId.text(userId),
    }),
  }),
})

mutation('leaveOrganization', {
  description:
    'Removes the caller, who must be a person, from an organization. The server closes connections that use that membership within 5 seconds. Requires no role. The last ADMIN cannot leave.',
  input: (t) => ({
    organizationId: t.id({
      description:
        'Organization: ID, handle or address. Required when the caller is a member of several organizations.',
    }),
  }),
  resolve: async (ctx, input) => ({ organizationId: await leaveOrganization(ctx, input) }),
  again: (_ctx, id) => Promise.resolve({ organizationId: id }),
  success: (t) => ({
    leftId: t.id({
      description: 'ID of the organization.',
      resolve: ({ organizationId }) => OrganizationId.text(organizationId),
    }),
  }),
})
