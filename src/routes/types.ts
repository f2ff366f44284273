import { addressable, AddressableInterface } from '../addresses/index.ts'
import { builder } from '../builder.ts'
import type { Context } from '../context.ts'
import { deploymentOf, DeploymentType } from '../deployments/index.ts'
import type { Route } from '../generated/prisma/client.ts'
import { connectionOf } from '../graph/connection.ts'
import { NodeInterface } from '../graph/node.ts'
import { ServiceInterface } from '../services/index.ts'
import { RouteId, routes } from './route.ts'
import { targetsOf, type Target } from './store.ts'

const RouteTargetType = builder.objectRef<Target>('RouteTarget').implement({
  description: 'A service that a route can send requests to.',
  fields: (t) => ({
    service: t.field({
      type: ServiceInterface,
      description: 'The service.',
      resolve: ({ service }) => service,
    }),
    isActive: t.exposeBoolean('isActive', {
      description: 'Whether requests may go to the service. The first active target receives them.',
    }),
  }),
})

const targets = async (ctx: Context, { id }: Route): Promise<readonly Target[]> =>
  (await targetsOf(ctx, id)) ?? []

export const RouteType = builder.prismaObject('Route', {
  description:
    'A stable name for services. Requests to the route go to its primary target, which can be changed without the callers noticing.',
  interfaces: [NodeInterface, AddressableInterface],
  fields: (t) => ({
    id: t.id({ description: 'ID of the route.', resolve: ({ id }) => RouteId.text(id) }),
    name: t.exposeString('name', { description: 'Name of the route, unique in its deployment.' }),
    handle: t.exposeString('handle', {
      description: 'Short name for URLs and commands, unique in the organization.',
    }),
    deployment: t.field({
      type: DeploymentType,
      nullable: true,
      description: 'Deployment that the route belongs to. Null for a route of the organization.',
      resolve: ({ deploymentId }, _args, ctx) =>
        deploymentId === null ? null : deploymentOf(ctx, deploymentId),
    }),
    targets: t.field({
      type: [RouteTargetType],
      description: 'Targets in order of preference, without deleted services.',
      resolve: async (route, _args, ctx) => [...(await targets(ctx, route))],
    }),
    primary: t.field({
      type: ServiceInterface,
      nullable: true,
      description:
        'First active target, which receives the requests. Null when no target is active.',
      resolve: async (route, _args, ctx) =>
        (await targets(ctx, route)).find(({ isActive }) => isActive)?.service ?? null,
    }),
    invokeUrl: t.string({
      description:
        'URL that calls the primary target by plain HTTP: every method and content type, streamed in both directions, and WebSockets. Returns 404 when no target is active.',
      resolve: ({ id }, _args, { origin }) => `${origin}/routes/${RouteId.text(id)}`,
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'Time of creation.' }),
    updatedAt: t.expose('updatedAt', {
      type: 'DateTime',
      description: 'Time of the last change.',
    }),
  }),
})
export const RouteConnection = connectionOf<Route>('Route', RouteType, 'routes')

addressable(RouteType, routes)
