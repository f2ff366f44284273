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
  description: 'State of an invitation.',
  values: {
    PENDING: { description: 'The invitation can be accepted.' },
    ACCEPTED: { description: 'The invitation was accepted: the person is a member.' },
    DECLINED: { description: 'The invitation was declined with its code.' },
    WITHDRAWN: { description: 'An ADMIN withdrew it, or created another one in its place.' },
    EXPIRED: { description: 'The invitation was not accepted before `expiresAt`.' },
  } as const,
})
hasStates('Invitation', invitationMoves)

export const InvitationType = builder.prismaObject('Invitation', {
  description:
    'An invitation to become a member of an organization. It looks the same whether or not an account with its e-mail address exists.',
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({ description: 'ID of the invitation.', resolve: ({ id }) => InvitationId.text(id) }),
    organization: t.relation('organization', {
      description: 'Organization that the person is invited to.',
    }),
    email: t.exposeString('email', { description: 'E-mail address of the invited person.' }),
    name: t.exposeString('name', {
      nullable: true,
      description:
        'Name for a new account, which the person can change on acceptance. Null when the invitation has none.',
    }),
    role: t.field({
      type: RoleType,
      description: 'Role of the person as a member.',
      resolve: ({ role }) => role,
    }),
    status: t.field({
      type: InvitationStatusType,
      description: 'State of the invitation.',
      resolve: (invitation, _args, ctx) => stateOf(invitation, ctx.now()),
    }),
    creator: t.field({
      type: ActorType,
      description: 'Actor who created the invitation.',
      resolve: ({ creator }) => creator as unknown as Actor, // the column holds an Actor
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'Time of creation.' }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      description: 'Time at which the invitation expires: 7 days after its creation.',
    }),
    endedAt: t.expose('endedAt', {
      type: 'DateTime',
      nullable: true,
      description:
        'Time at which it was accepted, declined or withdrawn. Null while it is pending, and when it expired.',
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
