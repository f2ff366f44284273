import DataLoader from 'dataloader'
import { addressable, AddressableInterface, FrontType } from '../addresses/index.ts'
import { builder } from '../builder.ts'
import { connectionOf, pageArgs, pageBySerial } from '../graph/connection.ts'
import { RoleType } from '../graph/errors.ts'
import { isNode, NodeInterface } from '../graph/node.ts'
import type { Actor } from '../kit/actor.ts'
import type { Token, User } from '../generated/prisma/client.ts'
import { allow } from '../auth/viewer.ts'
import type { Context } from '../context.ts'
import { perRequest } from '../kit/per-request.ts'
import { OrganizationId, organizationNaming, TokenId, UserId } from './organization.ts'
import { organizationById, tokenById } from './store.ts'

export const UserType = builder.prismaObject('User', {
  description: 'A person.',
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({ description: 'Canonical id.', resolve: ({ id }) => UserId.text(id) }),
    email: t.exposeString('email', { description: 'Unique on this server.' }),
    name: t.exposeString('name', { nullable: true, description: 'How the person is called.' }),
  }),
})

export const TokenType = builder.prismaObject('Token', {
  description: 'A credential; its secret is shown once, when it is made.',
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({ description: 'Canonical id.', resolve: ({ id }) => TokenId.text(id) }),
    name: t.exposeString('name', { description: 'What it is for.' }),
    role: t.field({ type: RoleType, description: 'What it may do.', resolve: ({ role }) => role }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it ends by itself.',
    }),
    lastUsedAt: t.expose('lastUsedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was last used, up to a minute late.',
    }),
    revokedAt: t.expose('revokedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was ended.',
    }),
  }),
})
const TokenConnection = connectionOf<Token>('Token', TokenType, 'tokens')

export const OrganizationType = builder.prismaObject('Organization', {
  description: 'A tenant: nothing of it is visible from another.',
  interfaces: [NodeInterface, AddressableInterface],
  fields: (t) => ({
    id: t.id({ description: 'Canonical id.', resolve: ({ id }) => OrganizationId.text(id) }),
    name: t.exposeString('name', { description: 'For people.' }),
    handle: t.exposeString('handle', { description: 'Unique on this server.' }),
    tokens: t.field({
      type: TokenConnection,
      description: 'Its tokens, oldest first; those of services are not among them. Needs ADMIN.',
      args: pageArgs(t.arg),
      resolve: ({ id }, args, ctx) => {
        allow(ctx.viewer, 'ADMIN', id)
        const where = { organizationId: id, serviceId: null }
        const { token } = ctx.database.prisma
        return pageBySerial(
          args,
          (query) => token.findMany({ ...query, where: { ...where, ...query.where } }),
          () => token.count({ where }),
        )
      },
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
  }),
})

addressable(OrganizationType, organizationNaming, {
  ABEJA: (_ctx, _row, id) => Promise.resolve(`/abeja/organizations/${id}`),
})

isNode(OrganizationId, () => 'Organization', organizationById)
isNode(TokenId, () => 'Token', tokenById)

const ActorKindType = builder.enumType('ActorKind', {
  description: 'Kinds of actors.',
  values: {
    USER: { description: 'A person, with or without a token.' },
    TOKEN: { description: 'A token that belongs to no person.' },
    WORKER: { description: 'A worker.' },
    SYSTEM: { description: 'The server itself.' },
  } as const,
})

/** Users by id with one statement a tick: actors are no relation of the database. */
const usersById = perRequest(
  ({ database }: Context) =>
    new DataLoader<string, User | null>(async (ids) => {
      const rows = await database.prisma.user.findMany({ where: { id: { in: [...ids] } } })
      return ids.map((id) => rows.find((row) => row.id === id) ?? null)
    }),
)

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
      resolve: ({ userId }, _args, ctx) => (userId ? usersById(ctx).load(userId) : null),
    }),
    front: t.field({
      type: FrontType,
      nullable: true,
      description: 'The REST front it came through, if any.',
      resolve: ({ front }) => front ?? null,
    }),
  }),
})
