import { builder } from '../../builder.ts'
import type { Context } from '../../context.ts'
import { versionOf, VersionType } from '../../deployments/index.ts'
import { InstanceStatus, Prisma, type Instance } from '../../generated/prisma/client.ts'
import { isNode, NodeInterface } from '../../graph/node.ts'
import { batched, batchedAlike, groupedBy } from '../../kit/batched.ts'
import { InstanceId, services } from '../service.ts'

/** An instance with the organization of its service. */
type OwnedInstance = Instance & { readonly organizationId: string }

const InstanceStatusType = builder.enumType('InstanceStatus', {
  description: 'State of one process.',
  values: {
    [InstanceStatus.STARTING]: { description: 'It runs, and has not passed its check yet.' },
    [InstanceStatus.READY]: { description: 'It accepts requests.' },
    [InstanceStatus.UNHEALTHY]: { description: 'It runs, and fails its check.' },
    [InstanceStatus.STOPPING]: { description: 'It was asked to end.' },
    [InstanceStatus.EXITED]: { description: 'It has ended.' },
  } as const,
})

export const InstanceType = builder.objectRef<OwnedInstance>('Instance').implement({
  description: 'One process of a service.',
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({ description: 'Canonical id.', resolve: ({ id }) => InstanceId.text(id) }),
    ordinal: t.exposeInt('ordinal', { description: 'Its place among the instances: 0, 1, 2 …' }),
    status: t.field({
      type: InstanceStatusType,
      description: 'Its state.',
      resolve: ({ status }) => status,
    }),
    version: t.field({
      type: VersionType,
      nullable: true,
      description: 'What it runs.',
      resolve: ({ versionId }, _args, ctx) => versionOf(ctx, versionId),
    }),
    startedAt: t.expose('startedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When its process was last started.',
    }),
    restarts: t.exposeInt('restarts', { description: 'How often it was started again.' }),
    exitCode: t.exposeInt('exitCode', {
      nullable: true,
      description: 'How its last process ended, if it did by itself.',
    }),
    exitSignal: t.exposeString('exitSignal', {
      nullable: true,
      description: 'The signal that ended its last process.',
    }),
    inFlight: t.exposeInt('inFlight', {
      description: 'Requests it is answering, up to a few seconds old.',
    }),
  }),
})

/** Which instances are there, of a service `s`; those that have ended for good are not. */
const instances = Prisma.sql`
  SELECT i.*, s."organizationId" FROM "Instance" AS i JOIN "Service" AS s ON s.id = i."serviceId"
  WHERE i."closedAt" IS NULL`

/** The instances of many services with one statement a tick. */
export const instancesOf = batchedAlike(async ({ database }: Context, ids) => {
  const rows = await database.read<OwnedInstance>(
    Prisma.sql`${instances} AND s.id = ANY(${[...ids]}::uuid[]) ORDER BY i.ordinal, i.generation`,
    'instances-of-services',
  )
  return groupedBy(rows, ({ serviceId }) => serviceId)
})

isNode(
  InstanceId,
  () => 'Instance',
  batched<Context, OwnedInstance>(({ database, viewer }, ids) =>
    database.read(
      Prisma.sql`${instances} AND i.id = ANY(${ids}::uuid[]) AND ${services.visible(viewer, 's')}`,
      'instances-by-ids',
    ),
  ),
)
