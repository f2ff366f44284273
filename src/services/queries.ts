import { FrontType } from '../addresses/index.ts'
import { allow, organizationsOf, requireCredential } from '../auth/viewer.ts'
import { builder } from '../builder.ts'
import { ServiceKind } from '../generated/prisma/client.ts'
import { maxPage } from '../graph/connection.ts'
import { askedIn, askedOfNodes } from '../graph/look-ahead.ts'
import { listArgs } from '../graph/order.ts'
import { pageInOrder } from '../graph/ordered.ts'
import { organizationNamed } from '../organizations/index.ts'
import { chosenBy, countServices, listServices } from './list.ts'
import { serviceNamed } from './store.ts'
import { ServiceConnection, ServiceInterface, ServiceStatusType } from './types.ts'

const ServiceKindType = builder.enumType('ServiceKind', {
  description: 'Kind of a service.',
  values: {
    [ServiceKind.PROCESS]: { description: 'Processes that Millrace runs.' },
    [ServiceKind.QUEUE]: { description: 'A queue whose jobs workers execute.' },
  } as const,
})

const ServiceFilterInput = builder.inputType('ServiceFilter', {
  description:
    'Criteria for services. A service must meet all criteria that are given. A list means any of its entries.',
  fields: (t) => ({
    deploymentIds: t.idList({
      description: 'Deployments: IDs, handles or addresses.',
    }),
    fronts: t.field({
      type: [FrontType],
      description: 'REST fronts: matches a service that clients of any of them can see.',
    }),
    kinds: t.field({ type: [ServiceKindType], description: 'Kinds of the services.' }),
    names: t.stringList({ description: 'Exact names.' }),
    statuses: t.field({ type: [ServiceStatusType], description: 'Statuses of the services.' }),
    text: t.string({
      description: 'Substring of the name or handle, ignoring case; at most 1,000 characters.',
    }),
  }),
})

builder.queryFields((t) => ({
  service: t.field({
    type: ServiceInterface,
    nullable: true,
    description: 'Returns a service; null when there is none.',
    args: { id: t.arg.id({ required: true, description: 'Service: ID, handle or address.' }) },
    resolve: (_root, { id }, ctx, info) => serviceNamed(ctx, id, askedIn(info)),
  }),
  services: t.field({
    type: ServiceConnection,
    description: 'Returns services, oldest first by default.',
    args: {
      filter: t.arg({ type: ServiceFilterInput, description: 'Criteria. Default: all services.' }),
      ...listArgs(t.arg),
    },
    resolve: async (_root, { organizationId, filter, ...args }, ctx, info) => {
      requireCredential(ctx.viewer)
      const named = await organizationNamed(ctx, organizationId)
      if (named !== undefined) allow(ctx.viewer, 'VIEWER', named)
      const organizations = organizationsOf(ctx.viewer).filter(
        (id) => named === undefined || id === named,
      )
      const chosen = await chosenBy(ctx, filter, organizations)
      return pageInOrder(
        args,
        (page) => listServices(ctx, organizations, chosen, page, askedOfNodes(info)),
        () => countServices(ctx, organizations, chosen),
        maxPage(ctx),
        { alias: 's' },
      )
    },
  }),
}))
