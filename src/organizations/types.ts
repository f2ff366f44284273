import { addressable, AddressableInterface, addressFor, FrontType } from '../addresses/index.ts'
import { builder } from '../builder.ts'
import { childPages } from '../graph/child-pages.ts'
import { connectionOf } from '../graph/connection.ts'
import { RoleType } from '../graph/errors.ts'
import { isNode, NodeInterface } from '../graph/node.ts'
import { orderedArgs } from '../graph/order.ts'
import { openToWorkers } from '../graph/workers.ts'
import type { Actor } from '../kit/actor.ts'
import {
  Prisma,
  type Membership,
  type Organization,
  type Token,
  type User,
} from '../generated/prisma/client.ts'
import { allow, organizationsOf } from '../auth/viewer.ts'
import type { Context } from '../context.ts'
import { batched, batchedAlike, groupedBy } from '../kit/batched.ts'
import { isFrontName } from '../rest/fronts.ts'
import { OrganizationId, organizations, UserId, userNaming } from './organization.ts'
import { organizationById, userById } from './store.ts'

export const UserType = builder.prismaObject('User', {
  description: 'The account of a person.',
  // of nobody's organization; a WORKER finds itself alone
  extensions: openToWorkers(['id', 'email', 'name', 'address', 'createdAt', 'memberships']),
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({ description: 'ID of the user.', resolve: ({ id }) => UserId.text(id) }),
    email: t.exposeString('email', {
      description:
        'E-mail address with which the person signs in. Unique within an organization; other organizations may have accounts of their own with the same address.',
    }),
    name: t.exposeString('name', {
      nullable: true,
      description: 'Name of the person. Null when none was given.',
    }),
    address: t.string({
      nullable: true,
      description: 'ID of the user in one front. Null where the front has no objects of this type.',
      args: {
        front: t.arg({ type: FrontType, required: true, description: 'Front whose ID to return.' }),
      },
      resolve: async (row, { front }, ctx) =>
        (await addressFor(ctx, userNaming, front, row)) ?? null,
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'Time of creation.' }),
  }),
})

/** People and organizations that are named by what the viewer may see. */
const anyUser = batched<Context, User>(({ database }, ids) =>
  database.prisma.user.findMany({ where: { id: { in: ids } } }),
)
const tokenOfNobody = batched<Context, Token>(({ database, viewer }, ids) =>
  database.prisma.token.findMany({
    where: { id: { in: ids }, userId: null, organizationId: { in: organizationsOf(viewer) } },
  }),
)
const anyOrganization = batched<Context, Organization>(({ database }, ids) =>
  database.prisma.organization.findMany({ where: { id: { in: ids } } }),
)

/** A row that the database itself keeps another from losing. */
function existing<Row>(row: Row | null): Row {
  if (row === null) throw new Error('A membership names somebody or something that is not there.')
  return row
}

export const MembershipType = builder.prismaObject('Membership', {
  description: 'Membership of a user in an organization, with a role.',
  fields: (t) => ({
    user: t.field({
      type: UserType,
      description: 'The user.',
      resolve: async ({ userId }, _args, ctx) => existing(await anyUser(ctx, userId)),
    }),
    role: t.field({
      type: RoleType,
      description: 'Role of the user in the organization.',
      resolve: ({ role }) => role,
    }),
    createdAt: t.expose('createdAt', {
      type: 'DateTime',
      description: 'Time at which the user became a member.',
    }),
  }),
})
const MembershipConnection = connectionOf<Membership>('Membership', MembershipType, 'members')

const memberPages = childPages<Membership>({
  from: Prisma.sql`(
    SELECT m.*, coalesce(u.name, u.email) AS name
    FROM "Membership" AS m JOIN "User" AS u ON u.id = m."userId")`,
  parent: 'organizationId',
  name: 'name',
})

export const OrganizationType = builder.prismaObject('Organization', {
  description: 'A tenant. Objects of one organization are invisible to the others.',
  extensions: openToWorkers(['id', 'name', 'handle', 'address', 'addresses', 'viewerRole'], 'id'),
  interfaces: [NodeInterface, AddressableInterface],
  fields: (t) => ({
    id: t.id({
      description: 'ID of the organization.',
      resolve: ({ id }) => OrganizationId.text(id),
    }),
    name: t.exposeString('name', { description: 'Name for people. It need not be unique.' }),
    handle: t.exposeString('handle', {
      description: 'Short name for URLs and commands, unique on this server.',
    }),
    members: t.field({
      type: MembershipConnection,
      description: 'Members of the organization. Requires the VIEWER role.',
      args: orderedArgs(t.arg),
      resolve: ({ id }, args, ctx) => {
        allow(ctx.viewer, 'VIEWER', id)
        return memberPages(ctx, id, args)
      },
    }),
    viewerRole: t.field({
      type: RoleType,
      nullable: true,
      description:
        'Role of the caller in the organization. Null for a token that is limited to one of its projects.',
      resolve: ({ id }, _args, { viewer }) =>
        viewer.memberships.find(({ organizationId }) => organizationId === id)?.role ?? null,
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'Time of creation.' }),
  }),
})

const membershipsOf = batchedAlike(async ({ database, viewer }: Context, users) => {
  const rows = await database.prisma.membership.findMany({
    where: { userId: { in: [...users] }, organizationId: { in: organizationsOf(viewer) } },
    orderBy: [{ createdAt: 'asc' }, { organizationId: 'asc' }],
  })
  return groupedBy(rows, ({ userId }) => userId)
})

builder.objectField(UserType, 'memberships', (t) =>
  t.field({
    type: [MembershipType],
    description:
      'Memberships of the person in organizations whose objects the caller may read, oldest first.',
    resolve: async ({ id }, _args, ctx) => (await membershipsOf(ctx, id)) ?? [],
  }),
)

builder.objectField(MembershipType, 'organization', (t) =>
  t.field({
    type: OrganizationType,
    description: 'The organization.',
    resolve: async ({ organizationId }, _args, ctx) =>
      existing(await anyOrganization(ctx, organizationId)),
  }),
)

addressable(OrganizationType, organizations)

isNode(OrganizationId, () => 'Organization', organizationById)
isNode(UserId, () => 'User', userById)

const ActorKindType = builder.enumType('ActorKind', {
  description: 'Kind of an actor.',
  values: {
    USER: { description: 'A person, with or without a token.' },
    TOKEN: { description: 'A token that belongs to no person.' },
    WORKER: { description: 'A worker.' },
    SYSTEM: { description: 'The server itself.' },
  } as const,
})

export const ActorType = builder.objectRef<Actor>('Actor').implement({
  description: 'Actor of a change: a person, a token, a worker or the server.',
  fields: (t) => ({
    kind: t.field({
      type: ActorKindType,
      description: 'Kind of the actor.',
      resolve: ({ kind }) => kind,
    }),
    name: t.exposeString('name', { description: 'Name of the actor at the time.' }),
    user: t.field({
      type: UserType,
      nullable: true,
      description: 'The user, when the actor is one. Null for all others.',
      resolve: ({ userId }, _args, ctx) => (userId ? anyUser(ctx, userId) : null),
    }),
    role: t.field({
      type: RoleType,
      nullable: true,
      description:
        'Role of a token that belongs to no person, as long as the token is stored. Null for all other actors: the roles of a person are memberships.',
      resolve: async ({ kind, tokenId }, _args, ctx) =>
        kind === 'TOKEN' && tokenId ? ((await tokenOfNobody(ctx, tokenId))?.role ?? null) : null,
    }),
    front: t.field({
      type: FrontType,
      nullable: true,
      description: 'REST front through which the actor came. Null for callers of the GraphQL API.',
      resolve: ({ front }) => (isFrontName(front) ? front : null),
    }),
  }),
})
