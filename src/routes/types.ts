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
  description: 'A service that a route leads to.',
  fields: (t) => ({
    service: t.field({
      type: ServiceInterface,
      description: 'The service.',
      resolve: ({ service }) => service,
    }),
    isActive: t.exposeBoolean('isActive', {
      description: 'Whether requests may go to it; the first active one gets them.',
    }),
  }),
})

const targets = async (ctx: Context, { id }: Route): Promise<readonly Target[]> =>
  (await targetsOf(ctx, id)) ?? []

export const RouteType = builder.prismaObject('Route', {
  description:
    'A name that leads to services: requests to it go to the primary target, which can be changed without its callers knowing.',
  interfaces: [NodeInterface, AddressableInterface],
  fields: (t) => ({
    id: t.id({ description: 'Canonical id.', resolve: ({ id }) => RouteId.text(id) }),
    name: t.exposeString('name', { description: 'Unique in its deployment, if it has one.' }),
    handle: t.exposeString('handle', { description: 'Unique in the organization.' }),
    deployment: t.field({
      type: DeploymentType,
      nullable: true,
      description: 'The deployment it belongs to; null for one of the organization.',
      resolve: ({ deploymentId }, _args, ctx) =>
        deploymentId === null ? null : deploymentOf(ctx, deploymentId),
    }),
    targets: t.field({
      type: [RouteTargetType],
      description: 'What it leads to, the first choice first; a deleted service is left out.',
      resolve: async (route, _args, ctx) => [...(await targets(ctx, route))],
    }),
    primary: t.field({
      type: ServiceInterface,
      nullable: true,
      description: 'The first active target: where requests go. Null when there is none.',
      resolve: async (route, _args, ctx) =>
        (await targets(ctx, route)).find(({ isActive }) => isActive)?.service ?? null,
    }),
    invokeUrl: t.string({
      description:
        'Where to call it by plain HTTP: any method and content type, streamed both ways, WebSockets too. 404 when no target is active.',
      resolve: ({ id }, _args, { origin }) => `${origin}/routes/${RouteId.text(id)}`,
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
    updatedAt: t.expose('updatedAt', {
      type: 'DateTime',
      description: 'When it was last changed.',
    }),
  }),
})
export const RouteConnection = connectionOf<Route>('Route', RouteType, 'routes')

addressable(RouteType, routes)
