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
  description: 'A credential. Its secret is returned once, when the token is created.',
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
    id: t.id({ description: 'ID of the token.', resolve: ({ id }) => TokenId.text(id) }),
    name: t.exposeString('name', { description: 'Name that says what the token is for.' }),
    role: t.field({
      type: RoleType,
      description:
        'Role of the token. A token of a person has the roles that the person has at the time of each request; this field then has the role at its creation.',
      resolve: ({ role }) => role,
    }),
    project: t.relation('project', {
      nullable: true,
      description: 'Project to which the token is confined. Null when it is not confined.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'Time of creation.' }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'Time at which the token expires. Null when it does not expire.',
    }),
    lastUsedAt: t.expose('lastUsedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'Time of the last use, up to a minute late. Null when it was never used.',
    }),
    revokedAt: t.expose('revokedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'Time at which the token was revoked. Null when it was not.',
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
    description: 'The token that the caller used. Null when it used none.',
    resolve: (viewer, _args, { database }) =>
      viewer.kind === 'token'
        ? database.prisma.token.findUnique({ where: { id: viewer.tokenId } })
        : null,
  }),
)

isNode(TokenId, () => 'Token', tokenById)
