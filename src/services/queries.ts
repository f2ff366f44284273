import { FrontType } from '../addresses/index.ts'
import { allow, organizationsOf, requireCredential } from '../auth/viewer.ts'
import { builder } from '../builder.ts'
import { ServiceKind } from '../generated/prisma/client.ts'
import { maxPage, pageArgs, pageBySerial } from '../graph/connection.ts'
import { askedIn, askedOfNodes } from '../graph/look-ahead.ts'
import { organizationNamed } from '../organizations/index.ts'
import { chosenBy, countServices, servicesByAge } from './list.ts'
import { serviceNamed } from './store.ts'
import { ServiceConnection, ServiceInterface, ServiceStatusType } from './types.ts'

const ServiceKindType = builder.enumType('ServiceKind', {
  description: 'Which kind of service.',
  values: {
    [ServiceKind.PROCESS]: { description: 'Processes that Millrace runs.' },
    [ServiceKind.QUEUE]: { description: 'A queue that workers serve.' },
  } as const,
})

const ServiceFilterInput = builder.inputType('ServiceFilter', {
  description: 'Which services; lists mean any of.',
  fields: (t) => ({
    kinds: t.field({ type: [ServiceKindType], description: 'Of any of these kinds.' }),
    statuses: t.field({ type: [ServiceStatusType], description: 'In any of these states.' }),
    deploymentId: t.id({ description: 'Of this deployment: id, handle or address.' }),
    name: t.string({ description: 'With exactly this name.' }),
    text: t.string({ description: 'With this in the name or handle.' }),
    front: t.field({ type: FrontType, description: 'That this front has a word for.' }),
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
      organizationId: t.arg.id({
        description: "Only this organization's; all of the caller's when absent.",
      }),
      filter: t.arg({
        type: ServiceFilterInput,
        description: 'Criteria that services must match.',
      }),
      ...pageArgs(t.arg),
    },
    resolve: async (_root, { organizationId, filter, ...args }, ctx, info) => {
      requireCredential(ctx.viewer)
      const named = await organizationNamed(ctx, organizationId)
      if (named !== undefined) allow(ctx.viewer, 'VIEWER', named)
      const organizations = organizationsOf(ctx.viewer).filter(
        (id) => named === undefined || id === named,
      )
      const chosen = await chosenBy(ctx, filter, organizations)
      return pageBySerial(
        args,
        (query) => servicesByAge(ctx, organizations, chosen, query, askedOfNodes(info)),
        () => countServices(ctx, organizations, chosen),
        maxPage(ctx),
      )
    },
  }),
}))
