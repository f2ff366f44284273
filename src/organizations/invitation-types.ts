import { allow } from '../auth/viewer.ts'
import { builder } from '../builder.ts'
import { Prisma, type Invitation } from '../generated/prisma/client.ts'
import { childPages } from '../graph/child-pages.ts'
import { connectionOf } from '../graph/connection.ts'
import { RoleType } from '../graph/errors.ts'
import { hasStates } from '../graph/machine.ts'
import { isNode, NodeInterface } from '../graph/node.ts'
import { orderedArgs } from '../graph/order.ts'
import type { Actor } from '../kit/actor.ts'
import { invitationMoves, stateOf } from './invitation.ts'
import { invitationById } from './invitations.ts'
import { InvitationId } from './organization.ts'
import { ActorType, OrganizationType } from './types.ts'

const InvitationStatusType = builder.enumType('InvitationStatus', {
  description: 'States of an invitation.',
  values: {
    PENDING: { description: 'May be accepted.' },
    ACCEPTED: { description: 'The person is a member.' },
    DECLINED: { description: 'Whoever has the code has refused it.' },
    WITHDRAWN: { description: 'An ADMIN has taken it back, or made another in its place.' },
    EXPIRED: { description: 'Nobody has accepted it in time.' },
  } as const,
})
hasStates('Invitation', invitationMoves)

export const InvitationType = builder.prismaObject('Invitation', {
  description:
    'An offer to become a member. It says nothing of whoever has the e-mail: it is the same whether there is such an account or not.',
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({ description: 'Canonical id.', resolve: ({ id }) => InvitationId.text(id) }),
    organization: t.relation('organization', { description: 'Into which organization.' }),
    email: t.exposeString('email', { description: 'For whom.' }),
    name: t.exposeString('name', {
      nullable: true,
      description: 'What a new account is called, unless the person says otherwise.',
    }),
    role: t.field({
      type: RoleType,
      description: 'What the person may do as a member.',
      resolve: ({ role }) => role,
    }),
    status: t.field({
      type: InvitationStatusType,
      description: 'Its state.',
      resolve: (invitation, _args, ctx) => stateOf(invitation, ctx.now()),
    }),
    creator: t.field({
      type: ActorType,
      description: 'Who invites.',
      resolve: ({ creator }) => creator as unknown as Actor, // the column holds an Actor
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      description: 'Until when it may be accepted: 7 days.',
    }),
    endedAt: t.expose('endedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was accepted, declined or withdrawn.',
    }),
  }),
})
const InvitationConnection = connectionOf<Invitation>('Invitation', InvitationType, 'invitations')

const invitationPages = childPages<Invitation>({
  from: Prisma.sql`"Invitation"`,
  parent: 'organizationId',
  name: 'email',
})

builder.objectField(OrganizationType, 'invitations', (t) =>
  t.field({
    type: InvitationConnection,
    description:
      'Invitations to the organization, including those that have ended. Requires the ADMIN role.',
    args: orderedArgs(t.arg),
    resolve: ({ id }, args, ctx) => {
      allow(ctx.viewer, 'ADMIN', id)
      return invitationPages(ctx, id, args)
    },
  }),
)

isNode(InvitationId, () => 'Invitation', invitationById)
