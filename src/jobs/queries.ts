import { allow, requireCredential } from '../auth/viewer.ts'
import { builder } from '../builder.ts'
import { pageArgs } from '../graph/connection.ts'
import { askedIn, askedOfNodes } from '../graph/look-ahead.ts'
import { organizationNamed } from '../organizations/index.ts'
import { JobType } from './event-types.ts'
import { JobFilterInput, JobOrderInput, resolved } from './inputs.ts'
import { asOfJobs, pageOfJobs, type JobPage } from './list.ts'
import { jobForWorker } from './permit.ts'
import { jobAsked } from './store.ts'
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
        description: "Only this organization's; all of the caller's when absent.",
      }),
      filter: t.arg({ type: JobFilterInput, description: 'Criteria that jobs must match.' }),
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
      const [only, ...others] = found?.serviceIds ?? []
      const isOfOne = only !== undefined && others.length === 0
      const asOf = isOfOne && askedIn(info).has('asOf') ? await asOfJobs(ctx, only) : undefined
      const page: JobPage = await pageOfJobs(ctx, named, found, orderBy, args, askedOfNodes(info))
      return asOf === undefined ? page : { ...page, asOf }
    },
  }),
}))
