import { allow, organizationsOf, requireCredential } from '../auth/viewer.ts'
import { builder } from '../builder.ts'
import type { Context } from '../context.ts'
import { pageArgs } from '../graph/connection.ts'
import { askedIn, askedOfNodes } from '../graph/look-ahead.ts'
import { organizationNamed } from '../organizations/index.ts'
import { JobType } from './event-types.ts'
import { JobFilterInput, JobOrderInput, resolved } from './inputs.ts'
import { withAsOf, type Followed } from './as-of.ts'
import { pageOfJobs } from './list.ts'
import { jobForWorker } from './permit.ts'
import { jobAsked, serviceOfJob } from './store.ts'
import { JobConnection } from './types.ts'

builder.queryFields((t) => ({
  job: t.field({
    type: JobType,
    nullable: true,
    description:
      'Returns a job; null when there is none. Callers with the WORKER role see the jobs that they hold and those that they can claim.',
    args: { id: t.arg.id({ required: true, description: 'Job: ID or address.' }) },
    resolve: async (_root, { id }, ctx, info) =>
      (await jobAsked(ctx, id, askedIn(info))) ?? jobForWorker(ctx, id),
  }),
  jobs: t.field({
    type: JobConnection,
    description: 'Returns jobs of all services, newest first by default.',
    args: {
      organizationId: t.arg.id({
        description:
          'Organization: ID, handle or address. Default: all organizations of the caller.',
      }),
      filter: t.arg({ type: JobFilterInput, description: 'Criteria. Default: all jobs.' }),
      orderBy: t.arg({
        type: JobOrderInput,
        description: 'Order of the list. Default: newest first.',
      }),
      ...pageArgs(t.arg),
    },
    resolve: async (_root, { organizationId, filter, orderBy, ...args }, ctx, info) => {
      requireCredential(ctx.viewer)
      const named = await organizationNamed(ctx, organizationId)
      if (named !== undefined) allow(ctx.viewer, 'VIEWER', named)
      const found = await resolved(ctx, filter, named)
      const followed = askedIn(info).has('asOf')
        ? await followedBy(ctx, named, filter?.serviceIds, found?.serviceIds)
        : undefined
      return withAsOf(ctx, info, followed, () =>
        pageOfJobs(ctx, named, found, orderBy, args, askedOfNodes(info)),
      )
    },
  }),
}))

/**
 * What `jobsChanged` follows of the same organization and services; nothing where there are several organizations, or
 * where a service is not there: it refuses that one, or follows it to its end although the list has none of its jobs.
 */
async function followedBy(
  ctx: Context,
  named: string | undefined,
  asked: readonly string[] | null | undefined,
  serviceIds: readonly string[] | null | undefined,
): Promise<Followed | undefined> {
  const services = [...new Set(serviceIds)]
  if (asked && asked.length > (serviceIds?.length ?? 0)) return undefined
  const [only, ...others] = services
  if (only !== undefined && others.length === 0) return { serviceId: only }
  const own = named === undefined ? organizationsOf(ctx.viewer) : [named]
  const rows = own.length > 1 ? await Promise.all(services.map((id) => serviceOfJob(ctx, id))) : []
  const [organizationId, another] =
    rows.length > 0 ? new Set(rows.flatMap((row) => row?.organizationId ?? [])) : own
  return organizationId === undefined || another !== undefined ? undefined : { organizationId }
}
