import { allow, organizationsOf, requireCredential } from '../../auth/viewer.ts'
import { builder } from '../../builder.ts'
import type { Context } from '../../context.ts'
import { Prisma, type Service, type Worker } from '../../generated/prisma/client.ts'
import { childPages } from '../../graph/child-pages.ts'
import { connectionOf, pageArgs, pageBySerial, type SerialQuery } from '../../graph/connection.ts'
import { batchedAlike } from '../../kit/batched.ts'
import { organizationNamed } from '../../organizations/index.ts'
import { QueueServiceType, serviceNamed } from '../../services/index.ts'
import { isThere, jobColumns, WorkerId, type JobRow } from '../../job-engine/index.ts'
import { serviceOfJob } from '../store.ts'
import { withAsOf } from '../as-of.ts'
import { JobConnection } from '../types.ts'

/** A worker is taken to be connected when it was seen so lately. */
const CONNECTED_MS = 60_000
const LAST = 2n ** 63n - 1n

const WorkerType = builder.objectRef<Worker>('Worker').implement({
  description: 'A process that claims jobs, seen by its calls.',
  fields: (t) => ({
    id: t.id({ description: 'Canonical id.', resolve: ({ id }) => WorkerId.text(id) }),
    name: t.exposeString('name', { description: 'What it calls itself.' }),
    services: t.field({
      type: [QueueServiceType],
      description: 'The queues it last claimed from.',
      resolve: async ({ serviceIds }, _args, ctx) => {
        const services = await Promise.all(serviceIds.map((id) => serviceOfJob(ctx, id)))
        return services.filter(
          (one): one is Service => one !== null && one.deletedAt === null && one.kind === 'QUEUE',
        )
      },
    }),
    version: t.exposeString('version', {
      nullable: true,
      description: 'What it says it is, and of which version.',
    }),
    concurrency: t.exposeInt('concurrency', {
      nullable: true,
      description: 'How many jobs it says it does at a time.',
    }),
    leases: t.field({
      type: JobConnection,
      description: 'The jobs it has in hand, oldest first.',
      args: pageArgs(t.arg),
      resolve: ({ id, organizationId }, args, ctx, info) =>
        withAsOf(ctx, info, { organizationId }, () => leasePages(ctx, id, args)),
    }),
    lastSeenAt: t.expose('lastSeenAt', {
      type: 'DateTime',
      description: 'When it last called, up to some seconds old.',
    }),
    isConnected: t.boolean({
      description: 'Whether it called in the last minute.',
      resolve: ({ lastSeenAt }, _args, { now }) =>
        now().getTime() - lastSeenAt.getTime() < CONNECTED_MS,
    }),
  }),
})

const leasePages = childPages<JobRow>(
  async (ctx, parents, query) => {
    const rows = await ctx.database.query<JobRow & { workerId: string }>(Prisma.sql`
      SELECT ${jobColumns('j')}, w.id AS "workerId" FROM "Worker" AS w CROSS JOIN LATERAL (
        SELECT * FROM "Job" AS j WHERE j."serviceId" = ANY(w."serviceIds") AND j.status = 'RUNNING'
          AND j.worker = w.name AND j."organizationId" = w."organizationId" AND ${isThere('j')} ${between(query)}) AS j
      WHERE w.id = ANY(${[...parents]}::uuid[]) AND w."organizationId" = ANY(${organizationsOf(ctx.viewer)}::uuid[])`)
    const byWorker = new Map<string, JobRow[]>()
    for (const row of rows) {
      const list = byWorker.get(row.workerId) ?? []
      byWorker.set(row.workerId, list)
      list.push(row)
    }
    return byWorker
  },
  async ({ database }, parents) => {
    const rows = await database.query<{ id: string; count: bigint }>(Prisma.sql`
      SELECT w.id, count(j.id) FROM "Worker" AS w LEFT JOIN "Job" AS j ON j."serviceId" = ANY(w."serviceIds")
        AND j.status = 'RUNNING' AND j.worker = w.name AND j."organizationId" = w."organizationId"
      WHERE w.id = ANY(${[...parents]}::uuid[]) GROUP BY w.id`)
    return new Map(rows.map(({ id, count }) => [id, Number(count)]))
  },
)

const between = ({ where: { serial }, orderBy, take, skip }: SerialQuery): Prisma.Sql => Prisma.sql`
  AND j.serial > ${serial.gt ?? 0n}::bigint AND j.serial < ${serial.lt ?? LAST}::bigint
  ORDER BY j.serial ${Prisma.raw(orderBy.serial)} LIMIT ${take}::int OFFSET ${skip}::int`

const WorkerConnection = connectionOf<Worker>('Worker', WorkerType, 'workers')

/** Which workers are listed. */
const seenLately = Prisma.sql`w."lastSeenAt" > now() - interval '1 day'`

/** The workers of queues that were seen in the last day, of many queues with one statement a tick. */
const workersOf = batchedAlike(async ({ database }: Context, ids) => {
  const rows = await database.query<Worker & { queue: string }>(Prisma.sql`
    SELECT w.*, s.id AS queue FROM "Worker" AS w JOIN unnest(${[...ids]}::uuid[]) AS s(id) ON s.id = ANY(w."serviceIds")
    WHERE ${seenLately} ORDER BY w.serial LIMIT 10000`)
  const byQueue = new Map<string, Worker[]>()
  for (const row of rows) {
    const list = byQueue.get(row.queue) ?? []
    byQueue.set(row.queue, list)
    list.push(row)
  }
  return byQueue
})

builder.objectField(QueueServiceType, 'workers', (t) =>
  t.field({
    type: [WorkerType],
    description: 'Who claimed from it in the last day.',
    resolve: async ({ id }, _args, ctx) => (await workersOf(ctx, id)) ?? [],
  }),
)

builder.queryField('workers', (t) =>
  t.field({
    type: WorkerConnection,
    description: 'Workers seen in the last day, in the order they were first seen.',
    args: {
      organizationId: t.arg.id({
        description: "Only this organization's; all of the caller's when absent.",
      }),
      serviceId: t.arg.id({ description: 'Only those of this queue: id, handle or address.' }),
      ...pageArgs(t.arg),
    },
    resolve: async (_root, { organizationId, serviceId, ...args }, ctx) => {
      requireCredential(ctx.viewer)
      const named = await organizationNamed(ctx, organizationId)
      if (named !== undefined) allow(ctx.viewer, 'VIEWER', named)
      const own = organizationsOf(ctx.viewer).filter((id) => named === undefined || id === named)
      const queue = serviceId == null ? null : await serviceNamed(ctx, serviceId, undefined, own)
      const of =
        serviceId == null
          ? Prisma.empty
          : Prisma.sql`AND ${queue?.id ?? null}::uuid = ANY(w."serviceIds")`
      const where = Prisma.sql`w."organizationId" = ANY(${own}::uuid[]) AND ${seenLately} ${of}`
      return pageBySerial<Worker>(
        args,
        ({ where: { serial }, orderBy, take, skip }) =>
          ctx.database.query(Prisma.sql`
            SELECT w.* FROM "Worker" AS w WHERE ${where}
              AND w.serial > ${serial.gt ?? 0n}::bigint AND w.serial < ${serial.lt ?? LAST}::bigint
            ORDER BY w.serial ${Prisma.raw(orderBy.serial)} LIMIT ${take}::int OFFSET ${skip}::int`),
        async () => {
          const [row] = await ctx.database.query<{ count: bigint }>(
            Prisma.sql`SELECT count(*) FROM "Worker" AS w WHERE ${where}`,
          )
          return Number(row?.count ?? 0)
        },
      )
    },
  }),
)
