import { builder } from '../builder.ts'
import {
  confinedTo,
  personOf,
  requireCredential,
  type OrganizationRole,
  type Viewer,
} from '../auth/viewer.ts'
import { RoleType } from '../graph/errors.ts'
import { Forbidden } from '../kit/errors.ts'
import { organizationById, organizationKey } from './store.ts'
import { MembershipType, OrganizationType, UserType } from './types.ts'

/** Where the viewer acts. Throws Forbidden for one who may act nowhere. */
function placeOf(viewer: Viewer): OrganizationRole {
  const place = confinedTo(viewer) ?? viewer.memberships[0]
  if (place === undefined) throw new Forbidden('WORKER', 'You are a member of no organization.')
  return place
}

export const ViewerType = builder.objectRef<Viewer>('Viewer').implement({
  description: 'The caller of the API.',
  fields: (t) => ({
    organization: t.field({
      type: OrganizationType,
      description:
        'Organization that the caller acts in by default: the oldest membership, or the organization of the project that the token is limited to.',
      resolve: (viewer, _args, { database }) =>
        database.prisma.organization.findUniqueOrThrow({
          where: { id: placeOf(viewer).organizationId },
        }),
    }),
    role: t.field({
      type: RoleType,
      description:
        'Role of the caller in that organization, or in the project that the token is limited to.',
      resolve: (viewer) => placeOf(viewer).role,
    }),
    user: t.field({
      type: UserType,
      nullable: true,
      description:
        'The person, when the caller is one. Null for a token that belongs to no person.',
      resolve: (viewer, _args, { database }) => {
        const user = personOf(viewer)
        return user === undefined
          ? null
          : database.prisma.user.findUnique({ where: { id: user.id } })
      },
    }),
    memberships: t.field({
      type: [MembershipType],
      description:
        'Memberships of the person, oldest first. Empty for a token that belongs to no person.',
      resolve: async (viewer, _args, { database }) => {
        const user = personOf(viewer)
        if (user === undefined) return []
        const organizationIds = viewer.memberships.map(({ organizationId }) => organizationId)
        return database.prisma.membership.findMany({
          where: { userId: user.id, organizationId: { in: organizationIds } },
          orderBy: [{ createdAt: 'asc' }, { organizationId: 'asc' }],
        })
      },
    }),
  }),
})

builder.queryField('organization', (t) =>
  t.field({
    type: OrganizationType,
    nullable: true,
    description: 'Returns an organization of the caller; null when there is none.',
    args: { id: t.arg.id({ required: true, description: 'Organization: ID, handle or address.' }) },
    resolve: async (_root, { id }, ctx) => {
      requireCredential(ctx.viewer)
      const key = await organizationKey(ctx, id)
      return key === null ? null : organizationById(ctx, key)
    },
  }),
)

builder.queryField('viewer', (t) =>
  t.field({
    type: ViewerType,
    description: 'Returns the caller with the organization and role in use.',
    resolve: (_root, _args, { viewer }) => {
      requireCredential(viewer)
      return viewer
    },
  }),
)
