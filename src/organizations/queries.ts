import { builder } from '../builder.ts'
import { requireCredential, type Viewer } from '../auth/viewer.ts'
import { RoleType } from '../graph/errors.ts'
import { Forbidden } from '../kit/errors.ts'
import { OrganizationType, TokenType, UserType } from './types.ts'

const MembershipType = builder.prismaObject('Membership', {
  description: "A user's role in an organization.",
  fields: (t) => ({
    user: t.relation('user', { description: 'The person.' }),
    organization: t.relation('organization', { description: 'The organization.' }),
    role: t.field({ type: RoleType, description: 'The role.', resolve: ({ role }) => role }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'Since when.' }),
  }),
})

const ViewerType = builder.objectRef<Viewer>('Viewer').implement({
  description: 'The caller.',
  fields: (t) => ({
    organization: t.field({
      type: OrganizationType,
      description: 'The organization; the oldest membership where there are several.',
      resolve: ({ memberships: [first] }, _args, { database }) => {
        if (first === undefined) throw new Forbidden('WORKER')
        return database.prisma.organization.findUniqueOrThrow({
          where: { id: first.organizationId },
        })
      },
    }),
    role: t.field({
      type: RoleType,
      description: 'The role in that organization.',
      resolve: ({ memberships: [first] }) => {
        if (first === undefined) throw new Forbidden('WORKER')
        return first.role
      },
    }),
    user: t.field({
      type: UserType,
      nullable: true,
      description: 'The person, if the caller is one.',
      resolve: (viewer, _args, { database }) =>
        viewer.kind === 'anonymous' || viewer.user === undefined
          ? null
          : database.prisma.user.findUnique({ where: { id: viewer.user.id } }),
    }),
    token: t.field({
      type: TokenType,
      nullable: true,
      description: 'The token the caller used, if any.',
      resolve: (viewer, _args, { database }) =>
        viewer.kind === 'token'
          ? database.prisma.token.findUnique({ where: { id: viewer.tokenId } })
          : null,
    }),
    memberships: t.field({
      type: [MembershipType],
      description:
        'All organizations the person may act in, oldest first; empty for a token of no person.',
      resolve: (viewer, _args, { database }) =>
        viewer.kind === 'anonymous' || viewer.user === undefined
          ? []
          : database.prisma.membership.findMany({
              where: { userId: viewer.user.id },
              orderBy: [{ createdAt: 'asc' }, { organizationId: 'asc' }],
            }),
    }),
  }),
})

builder.queryField('viewer', (t) =>
  t.field({
    type: ViewerType,
    description: 'The caller, organization and role.',
    resolve: (_root, _args, { viewer }) => {
      requireCredential(viewer)
      return viewer
    },
  }),
)
