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
import { batched, batchedAlike } from '../kit/batched.ts'
import { isFrontName } from '../rest/fronts.ts'
import { OrganizationId, organizations, UserId, userNaming } from './organization.ts'
import { organizationById, userById } from './store.ts'

export const UserType = builder.prismaObject('User', {
  description: 'The account of a person.',
  // of nobody's organization; a WORKER finds itself alone
  extensions: openToWorkers(['id', 'email', 'name', 'address', 'createdAt', 'memberships']),
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({ description: 'Canonical id.', resolve: ({ id }) => UserId.text(id) }),
    email: t.exposeString('email', {
      description:
        'By which the person signs in; unique within an organization. Other organizations may have accounts of their own with it.',
    }),
    name: t.exposeString('name', { nullable: true, description: 'How the person is called.' }),
    address: t.string({
      nullable: true,
      description: 'What that front calls the person; null where it has no word for people.',
      args: { front: t.arg({ type: FrontType, required: true, description: 'Which.' }) },
      resolve: async (row, { front }, ctx) =>
        (await addressFor(ctx, userNaming, front, row)) ?? null,
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'Since when.' }),
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
  description: "A user's role in an organization.",
  fields: (t) => ({
    user: t.field({
      type: UserType,
      description: 'The person.',
      resolve: async ({ userId }, _args, ctx) => existing(await anyUser(ctx, userId)),
    }),
    role: t.field({ type: RoleType, description: 'The role.', resolve: ({ role }) => role }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'Since when.' }),
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
  description: 'A tenant: nothing of it is visible from another.',
  extensions: openToWorkers(['id', 'name', 'handle', 'address', 'addresses', 'viewerRole'], 'id'),
  interfaces: [NodeInterface, AddressableInterface],
  fields: (t) => ({
    id: t.id({ description: 'Canonical id.', resolve: ({ id }) => OrganizationId.text(id) }),
    name: t.exposeString('name', { description: 'For people.' }),
    handle: t.exposeString('handle', { description: 'Unique on this server.' }),
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
        "The caller's role in it; null for a token that is good for one project of it alone.",
      resolve: ({ id }, _args, { viewer }) =>
        viewer.memberships.find(({ organizationId }) => organizationId === id)?.role ?? null,
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
  }),
})

const membershipsOf = batchedAlike(async ({ database, viewer }: Context, users) => {
  const rows = await database.prisma.membership.findMany({
    where: { userId: { in: [...users] }, organizationId: { in: organizationsOf(viewer) } },
    orderBy: [{ createdAt: 'asc' }, { organizationId: 'asc' }],
  })
  const byUser = new Map<string, Membership[]>()
  for (const row of rows) byUser.set(row.userId, [...(byUser.get(row.userId) ?? []), row])
  return byUser
})

builder.objectField(UserType, 'memberships', (t) =>
  t.field({
    type: [MembershipType],
    description:
      'The roles of the person in organizations whose objects the viewer may read, oldest first.',
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
  description: 'Kinds of actors.',
  values: {
    USER: { description: 'A person, with or without a token.' },
    TOKEN: { description: 'A token that belongs to no person.' },
    WORKER: { description: 'A worker.' },
    SYSTEM: { description: 'The server itself.' },
  } as const,
})

export const ActorType = builder.objectRef<Actor>('Actor').implement({
  description: 'Who did something, and through which door.',
  fields: (t) => ({
    kind: t.field({
      type: ActorKindType,
      description: 'What kind of actor.',
      resolve: ({ kind }) => kind,
    }),
    name: t.exposeString('name', { description: 'Its name at the time.' }),
    user: t.field({
      type: UserType,
      nullable: true,
      description: 'The person, if it was one.',
      resolve: ({ userId }, _args, ctx) => (userId ? anyUser(ctx, userId) : null),
    }),
    role: t.field({
      type: RoleType,
      nullable: true,
      description:
        'What a token that belongs to no person may do, while it is kept; null of all others: a person has roles.',
      resolve: async ({ kind, tokenId }, _args, ctx) =>
        kind === 'TOKEN' && tokenId ? ((await tokenOfNobody(ctx, tokenId))?.role ?? null) : null,
    }),
    front: t.field({
      type: FrontType,
      nullable: true,
      description: 'The REST front it came through, if any.',
      resolve: ({ front }) => (isFrontName(front) ? front : null),
    }),
  }),
})
