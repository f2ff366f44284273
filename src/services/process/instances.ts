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
    [InstanceStatus.STARTING]: {
      description: 'The process runs and has not passed its health check yet.',
    },
    [InstanceStatus.READY]: { description: 'The process accepts requests.' },
    [InstanceStatus.UNHEALTHY]: { description: 'The process runs and fails its health check.' },
    [InstanceStatus.STOPPING]: { description: 'The process was asked to exit.' },
    [InstanceStatus.EXITED]: { description: 'The process exited.' },
  } as const,
})

export const InstanceType = builder.objectRef<OwnedInstance>('Instance').implement({
  description: 'One process of a service.',
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({ description: 'ID of the instance.', resolve: ({ id }) => InstanceId.text(id) }),
    ordinal: t.exposeInt('ordinal', {
      description: 'Position among the instances of the service: 0, 1, 2 …',
    }),
    status: t.field({
      type: InstanceStatusType,
      description: 'State of the instance.',
      resolve: ({ status }) => status,
    }),
    version: t.field({
      type: VersionType,
      nullable: true,
      description: 'Version that the process runs. Null when the version was deleted.',
      resolve: ({ versionId }, _args, ctx) => versionOf(ctx, versionId),
    }),
    startedAt: t.expose('startedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'Time of the last start of the process. Null before the first.',
    }),
    restarts: t.exposeInt('restarts', { description: 'Number of restarts.' }),
    exitCode: t.exposeInt('exitCode', {
      nullable: true,
      description:
        'Exit code of the last process. Null when it has not exited, and when a signal ended it.',
    }),
    exitSignal: t.exposeString('exitSignal', {
      nullable: true,
      description: 'Signal that ended the last process, such as `SIGKILL`. Null when none did.',
    }),
    inFlight: t.exposeInt('inFlight', {
      description: 'Number of requests in flight, a few seconds old at most.',
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
