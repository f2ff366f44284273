import { builder } from '../builder.ts'
import { deployments } from '../deployments/index.ts'
import { Prisma } from '../generated/prisma/client.ts'
import { listArgs } from '../graph/order.ts'
import { called, containing, keysOf, pageOfKind } from '../kinds/index.ts'
import { organizationNamed } from '../organizations/index.ts'
import { routes } from './route.ts'
import { routeNamed } from './store.ts'
import { RouteConnection, RouteType } from './types.ts'

const RouteFilterInput = builder.inputType('RouteFilter', {
  description: 'Criteria for routes: a route must match all of them.',
  fields: (t) => ({
    deploymentIds: t.idList({
      description: 'Deployments: IDs, handles or addresses. Matches a route of any of them.',
    }),
    names: t.stringList({ description: 'Exact names. Matches a route that has any of them.' }),
    text: t.string({ description: 'Part of the name or handle, ignoring case.' }),
  }),
})

builder.queryFields((t) => ({
  route: t.field({
    type: RouteType,
    nullable: true,
    description: 'Returns a route; null when there is none.',
    args: {
      id: t.arg.id({
        required: true,
        description: 'Route: ID, handle or address; its name when `deploymentId` is given.',
      }),
      deploymentId: t.arg.id({
        description: 'Deployment that the route must belong to: ID, handle or address.',
      }),
    },
    resolve: (_root, { id, deploymentId }, ctx) => routeNamed(ctx, id, deploymentId),
  }),
  routes: t.field({
    type: RouteConnection,
    description: 'Returns routes, oldest first by default.',
    args: {
      filter: t.arg({ type: RouteFilterInput, description: 'Criteria. Default: all routes.' }),
      ...listArgs(t.arg),
    },
    resolve: async (_root, { organizationId: named, filter, ...args }, ctx) => {
      const organizationId = await organizationNamed(ctx, named)
      const organizations = organizationId === undefined ? undefined : [organizationId]
      const { deploymentIds, names, text } = filter ?? {}
      const keys = deploymentIds && (await keysOf(ctx, deployments, deploymentIds, organizations))
      return pageOfKind(ctx, routes, { ...args, organizationId }, [
        keys ? Prisma.sql`o."deploymentId" = ANY(${keys}::uuid[])` : undefined,
        called(names),
        containing(text),
      ])
    },
  }),
}))
