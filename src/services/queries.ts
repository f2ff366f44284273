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
  description: 'Criteria for services: a service must match all of them.',
  fields: (t) => ({
    deploymentIds: t.idList({
      description: 'Deployments: IDs, handles or addresses. Matches a service of any of them.',
    }),
    fronts: t.field({
      type: [FrontType],
      description: 'REST fronts, any of which shows the service to its clients.',
    }),
    kinds: t.field({
      type: [ServiceKindType],
      description: 'Kinds. Matches a service of any of them.',
    }),
    names: t.stringList({ description: 'Exact names. Matches a service that has any of them.' }),
    statuses: t.field({
      type: [ServiceStatusType],
      description: 'Statuses. Matches a service that has any of them.',
    }),
    text: t.string({ description: 'Part of the name or handle, ignoring case.' }),
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
