import { allow } from '../auth/viewer.ts'
import { builder } from '../builder.ts'
import { Prisma, type Token } from '../generated/prisma/client.ts'
import { childPages } from '../graph/child-pages.ts'
import { connectionOf } from '../graph/connection.ts'
import { RoleType } from '../graph/errors.ts'
import { isNode, NodeInterface } from '../graph/node.ts'
import { orderedArgs } from '../graph/order.ts'
import { openToWorkers } from '../graph/workers.ts'
import { OrganizationType, TokenId, ViewerType } from '../organizations/index.ts'
import { tokenById } from './store.ts'

export const TokenType = builder.prismaObject('Token', {
  description: 'A credential; its secret is shown once, when it is made.',
  // a WORKER finds its own
  extensions: openToWorkers([
    'id',
    'name',
    'role',
    'createdAt',
    'expiresAt',
    'lastUsedAt',
    'revokedAt',
  ]),
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({ description: 'Canonical id.', resolve: ({ id }) => TokenId.text(id) }),
    name: t.exposeString('name', { description: 'What it is for.' }),
    role: t.field({
      type: RoleType,
      description:
        "What it may do. A person's token has the person's roles, as they are when it is used; this is the one it began with.",
      resolve: ({ role }) => role,
    }),
    project: t.relation('project', {
      nullable: true,
      description: 'The only project it is good for; null when it is confined to none.',
    }),
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

const tokenPages = childPages<Token>({
  from: Prisma.sql`"Token"`,
  parent: 'organizationId',
  name: 'name',
  where: Prisma.sql`o."serviceId" IS NULL AND o."userId" IS NULL`,
})

builder.objectField(OrganizationType, 'tokens', (t) =>
  t.field({
    type: TokenConnection,
    description:
      'Tokens of the organization that belong to no user and no service. Requires the ADMIN role.',
    args: orderedArgs(t.arg),
    resolve: ({ id }, args, ctx) => {
      allow(ctx.viewer, 'ADMIN', id)
      return tokenPages(ctx, id, args)
    },
  }),
)

builder.objectField(ViewerType, 'token', (t) =>
  t.field({
    type: TokenType,
    nullable: true,
    description: 'The token the caller used, if any.',
    resolve: (viewer, _args, { database }) =>
      viewer.kind === 'token'
        ? database.prisma.token.findUnique({ where: { id: viewer.tokenId } })
        : null,
  }),
)

isNode(TokenId, () => 'Token', tokenById)
