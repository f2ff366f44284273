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
    description: 'A route by id, handle or address; null when there is none.',
    args: {
      id: t.arg.id({
        required: true,
        description: 'Id, handle or address; its name where the deployment is named.',
      }),
      deploymentId: t.arg.id({ description: 'Only one of this deployment.' }),
    },
    resolve: (_root, { id, deploymentId }, ctx) => routeNamed(ctx, id, deploymentId),
  }),
  routes: t.field({
    type: RouteConnection,
    description: "The organization's routes.",
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
