import { allow, organizationsOf, requireCredential } from '../../auth/viewer.ts'
import { builder } from '../../builder.ts'
import type { Context } from '../../context.ts'
import { Prisma, type Service, type Worker } from '../../generated/prisma/client.ts'
import { connectionOf, pageArgs } from '../../graph/connection.ts'
import { isNode, NodeInterface } from '../../graph/node.ts'
import { listArgs } from '../../graph/order.ts'
import { called, pageOfRows } from '../../kinds/index.ts'
import { batched, batchedAlike, groupedBy } from '../../kit/batched.ts'
import { organizationNamed } from '../../organizations/index.ts'
import { QueueServiceType, serviceNamed } from '../../services/index.ts'
import { WorkerId } from '../../job-engine/index.ts'
import { JobOrderInput } from '../inputs.ts'
import { serviceOfJob } from '../store.ts'
import { withAsOf } from '../as-of.ts'
import { JobConnection } from '../types.ts'
import { jobsWithin } from '../within.ts'

/** A worker is taken to be connected when it was seen so lately. */
const CONNECTED_MS = 60_000

const WorkerType = builder.objectRef<Worker>('Worker').implement({
  description: 'A process that claims jobs, as known from its calls.',
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({ description: 'ID of the worker.', resolve: ({ id }) => WorkerId.text(id) }),
    name: t.exposeString('name', { description: 'Name that the worker gave itself.' }),
    services: t.field({
      type: [QueueServiceType],
      description: 'Queues of the latest claim, without deleted ones.',
      resolve: async ({ serviceIds }, _args, ctx) => {
        const services = await Promise.all(serviceIds.map((id) => serviceOfJob(ctx, id)))
        return services.filter(
          (one): one is Service => one !== null && one.deletedAt === null && one.kind === 'QUEUE',
        )
      },
    }),
    version: t.exposeString('version', {
      nullable: true,
      description: 'Name and version of the worker program. Null when it reported none.',
    }),
    concurrency: t.exposeInt('concurrency', {
      nullable: true,
      description:
        'Number of jobs that the worker executes at the same time. Null when it reported none.',
    }),
    leases: t.field({
      type: JobConnection,
      description: 'Jobs that the worker holds, oldest first by default.',
      args: {
        orderBy: t.arg({
          type: JobOrderInput,
          description: 'Order of the list. Default: oldest first.',
        }),
        ...pageArgs(t.arg),
      },
      resolve: ({ id, organizationId }, args, ctx, info) =>
        withAsOf(ctx, info, { organizationId }, () => leasePages(ctx, id, args)),
    }),
    lastSeenAt: t.expose('lastSeenAt', {
      type: 'DateTime',
      description: 'Time of the latest call of the worker, up to some seconds late.',
    }),
    isConnected: t.boolean({
      description: 'Whether the worker called within the last minute.',
      resolve: ({ lastSeenAt }, _args, { now }) =>
        now().getTime() - lastSeenAt.getTime() < CONNECTED_MS,
    }),
  }),
})

isNode(
  WorkerId,
  () => 'Worker',
  batched<Context, Worker>(({ database, viewer }, ids) =>
    database.read(
      Prisma.sql`
        SELECT * FROM "Worker" WHERE id = ANY(${ids}::uuid[])
          AND "organizationId" = ANY(${organizationsOf(viewer)}::uuid[])`,
      'workers-by-ids',
    ),
  ),
)

const leasePages = jobsWithin(
  'Worker',
  Prisma.sql`j."serviceId" = ANY(p."serviceIds") AND j.status = 'RUNNING' AND j.worker = p.name
    AND j."organizationId" = p."organizationId"`,
)

const WorkerConnection = connectionOf<Worker>('Worker', WorkerType, 'workers')

/** Which workers are listed. */
const seenLately = (alias: string): Prisma.Sql =>
  Prisma.sql`${Prisma.raw(alias)}."lastSeenAt" > now() - interval '1 day'`

/** The workers of queues that were seen in the last day, of many queues with one statement a tick. */
const workersOf = batchedAlike(async ({ database }: Context, ids) => {
  const rows = await database.query<Worker & { queue: string }>(Prisma.sql`
    SELECT w.*, s.id AS queue FROM "Worker" AS w JOIN unnest(${[...ids]}::uuid[]) AS s(id) ON s.id = ANY(w."serviceIds")
    WHERE ${seenLately('w')} ORDER BY w.serial LIMIT 10000`)
  return groupedBy(rows, ({ queue }) => queue)
})

builder.objectField(QueueServiceType, 'workers', (t) =>
  t.field({
    type: [WorkerType],
    description:
      'Workers that called within the last day and whose latest claim includes the queue, in the order of their first call.',
    resolve: async ({ id }, _args, ctx) => (await workersOf(ctx, id)) ?? [],
  }),
)

const WorkerFilterInput = builder.inputType('WorkerFilter', {
  description:
    'Criteria for workers. A worker must meet all criteria that are given. A list means any of its entries.',
  fields: (t) => ({
    names: t.stringList({ description: 'Exact names.' }),
    serviceIds: t.idList({
      description:
        'Queues: IDs, handles or addresses. Matches a worker whose latest claim includes any of them.',
    }),
  }),
})

builder.queryField('workers', (t) =>
  t.field({
    type: WorkerConnection,
    description:
      'Returns workers that called within the last day, in the order of their first call by default.',
    args: {
      filter: t.arg({ type: WorkerFilterInput, description: 'Criteria. Default: all workers.' }),
      ...listArgs(t.arg),
    },
    resolve: async (_root, { organizationId, filter, ...args }, ctx) => {
      requireCredential(ctx.viewer)
      const named = await organizationNamed(ctx, organizationId)
      if (named !== undefined) allow(ctx.viewer, 'VIEWER', named)
      const own = organizationsOf(ctx.viewer).filter((id) => named === undefined || id === named)
      const queues = await Promise.all(
        filter?.serviceIds?.map((id) => serviceNamed(ctx, id, undefined, own)) ?? [],
      )
      const keys = queues.flatMap((queue) => queue?.id ?? [])
      const where = [
        Prisma.sql`o."organizationId" = ANY(${own}::uuid[])`,
        seenLately('o'),
        called(filter?.names),
        filter?.serviceIds ? Prisma.sql`o."serviceIds" && ${keys}::uuid[]` : undefined,
      ]
      const wanted = where.filter((one) => one !== undefined)
      return pageOfRows<Worker>(ctx, Prisma.sql`"Worker"`, wanted, args)
    },
  }),
)
