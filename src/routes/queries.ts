import { builder } from '../builder.ts'
import { deployments } from '../deployments/index.ts'
import { Prisma } from '../generated/prisma/client.ts'
import { listArgs } from '../graph/order.ts'
import { pageOfKind } from '../kinds/index.ts'
import { organizationNamed } from '../organizations/index.ts'
import { routes } from './route.ts'
import { routeNamed } from './store.ts'
import { RouteConnection, RouteType } from './types.ts'

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
      deploymentId: t.arg.id({ description: 'Only those of this deployment.' }),
      ...listArgs(t.arg),
    },
    resolve: async (_root, { organizationId: named, deploymentId, ...args }, ctx) => {
      const organizationId = await organizationNamed(ctx, named)
      const organizations = organizationId === undefined ? undefined : [organizationId]
      const deployment =
        deploymentId == null ? undefined : await deployments.named(ctx, deploymentId, organizations)
      return pageOfKind(ctx, routes, { ...args, organizationId }, [
        deployment === undefined
          ? undefined
          : Prisma.sql`o."deploymentId" = ${deployment?.id ?? null}::uuid`,
      ])
    },
  }),
}))
