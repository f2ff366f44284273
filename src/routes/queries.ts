import { allow, requireCredential } from '../auth/viewer.ts'
import { builder } from '../builder.ts'
import { deploymentNamed } from '../deployments/index.ts'
import { maxPage, pageArgs, pageBySerial } from '../graph/connection.ts'
import { organizationNamed } from '../organizations/index.ts'
import { routeNamed, visible } from './store.ts'
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
    description: "The organization's routes, oldest first.",
    args: {
      organizationId: t.arg.id({
        description: "Only this organization's; all of the caller's when absent.",
      }),
      deploymentId: t.arg.id({ description: 'Only those of this deployment.' }),
      ...pageArgs(t.arg),
    },
    resolve: async (_root, { organizationId, deploymentId, ...args }, ctx) => {
      requireCredential(ctx.viewer)
      const named = await organizationNamed(ctx, organizationId)
      if (named !== undefined) allow(ctx.viewer, 'VIEWER', named)
      const organizations = named === undefined ? undefined : [named]
      const deployment =
        deploymentId == null ? undefined : await deploymentNamed(ctx, deploymentId, organizations)
      const { route } = ctx.database.prisma
      const where = {
        AND: [
          visible(ctx),
          named === undefined ? {} : { organizationId: named },
          deployment === undefined ? {} : { deploymentId: deployment?.id ?? { in: [] } },
        ],
      }
      return pageBySerial(
        args,
        (query) => route.findMany({ ...query, where: { AND: [where, query.where] } }),
        () => route.count({ where }),
        maxPage(ctx),
      )
    },
  }),
}))
