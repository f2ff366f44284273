import { allow, organizationsOf, requireCredential } from '../auth/viewer.ts'
import { builder } from '../builder.ts'
import { deploymentNamed } from '../deployments/index.ts'
import { ServiceKind, type Prisma } from '../generated/prisma/client.ts'
import { maxPage, pageArgs, pageBySerial } from '../graph/connection.ts'
import { askedIn, askedOfNodes } from '../graph/look-ahead.ts'
import { organizationNamed } from '../organizations/index.ts'
import { serviceNamed, servicesByAge, visible } from './store.ts'
import { ServiceConnection, ServiceInterface, ServiceStatusType } from './types.ts'

const ServiceKindType = builder.enumType('ServiceKind', {
  description: 'Which kind of service.',
  values: {
    [ServiceKind.PROCESS]: { description: 'Processes that Millrace runs.' },
    [ServiceKind.QUEUE]: { description: 'A queue that workers serve.' },
    [ServiceKind.ENDPOINT]: { description: 'Addresses that run elsewhere.' },
    [ServiceKind.MODEL]: { description: 'A model version.' },
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
  }),
})

builder.queryFields((t) => ({
  service: t.field({
    type: ServiceInterface,
    nullable: true,
    description: "A service by id, handle or a front's spelling; null when there is none.",
    args: { id: t.arg.id({ required: true, description: 'Id, handle or address.' }) },
    resolve: (_root, { id }, ctx, info) => serviceNamed(ctx, id, askedIn(info)),
  }),
  services: t.field({
    type: ServiceConnection,
    description: "The organization's services, oldest first.",
    args: {
      organizationId: t.arg.id({
        description: "Only this organization's; all of the caller's when absent.",
      }),
      filter: t.arg({ type: ServiceFilterInput, description: 'Which services.' }),
      ...pageArgs(t.arg),
    },
    resolve: async (_root, { organizationId, filter, ...args }, ctx, info) => {
      requireCredential(ctx.viewer)
      const named = await organizationNamed(ctx, organizationId)
      if (named !== undefined) allow(ctx.viewer, 'VIEWER', named)
      const { service } = ctx.database.prisma
      const organizations = organizationsOf(ctx.viewer).filter(
        (id) => named === undefined || id === named,
      )
      const where: Prisma.ServiceWhereInput = {
        AND: [visible(ctx), named === undefined ? {} : { organizationId: named }],
      }
      if (filter?.kinds) where.kind = { in: filter.kinds }
      if (filter?.statuses) where.status = { in: filter.statuses }
      if (filter?.name != null) where.name = filter.name
      if (filter?.text != null)
        where.OR = [
          { name: { contains: filter.text, mode: 'insensitive' } },
          { handle: { contains: filter.text.toLowerCase() } },
        ]
      if (filter?.deploymentId != null) {
        const deployment = await deploymentNamed(ctx, filter.deploymentId)
        where.deploymentId = deployment === null ? { in: [] } : deployment.id
      }
      return pageBySerial(
        args,
        (query) =>
          filter == null
            ? servicesByAge(ctx, organizations, query, askedOfNodes(info))
            : service.findMany({ ...query, where: { AND: [where, query.where] } }),
        () => service.count({ where }),
        maxPage(ctx),
      )
    },
  }),
}))
