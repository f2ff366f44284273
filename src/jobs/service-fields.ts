import { builder } from '../builder.ts'
import { pageArgs } from '../graph/connection.ts'
import { askedOfNodes } from '../graph/look-ahead.ts'
import { ServiceInterface } from '../services/index.ts'
import { NO_JOBS, type JobCounts } from '../job-engine/index.ts'
import { JobFilterInput, JobOrderInput, resolved } from './inputs.ts'
import { withAsOf } from './as-of.ts'
import { pageOfServiceJobs } from './list.ts'
import { countsOfService } from './store.ts'
import { JobConnection } from './types.ts'

/*
 * What services have of jobs. Services know nothing of jobs, which are built on them.
 */

const JobCountsType = builder.objectRef<JobCounts>('JobCounts').implement({
  description: 'Jobs by status now, and the age of the oldest queued.',
  fields: (t) => ({
    queued: t.field({
      type: 'SafeInt',
      description: 'Waiting to be claimed.',
      resolve: ({ queued }) => queued,
    }),
    running: t.field({
      type: 'SafeInt',
      description: 'In the hands of workers.',
      resolve: ({ running }) => running,
    }),
    succeeded: t.field({
      type: 'SafeInt',
      description: 'Ended with a result, and still kept.',
      resolve: ({ succeeded }) => succeeded,
    }),
    failed: t.field({
      type: 'SafeInt',
      description: 'Ended without one, and still kept.',
      resolve: ({ failed }) => failed,
    }),
    canceled: t.field({
      type: 'SafeInt',
      description: 'Ended before they were done, and still kept.',
      resolve: ({ canceled }) => canceled,
    }),
    oldestQueuedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the oldest that waits was submitted.',
      resolve: ({ oldestQueuedAt }) => oldestQueuedAt,
    }),
  }),
})

builder.interfaceFields(ServiceInterface, (t) => ({
  jobs: t.field({
    type: JobConnection,
    description: 'Its jobs; the newest first, unless an order is given.',
    args: {
      filter: t.arg({ type: JobFilterInput, description: 'Criteria for the jobs.' }),
      orderBy: t.arg({
        type: JobOrderInput,
        description: 'Order of the jobs. Default: the newest first.',
      }),
      ...pageArgs(t.arg),
    },
    resolve: async ({ id, organizationId }, { filter, orderBy, ...args }, ctx, info) => {
      const found = await resolved(ctx, filter, organizationId)
      return withAsOf(ctx, info, { serviceId: id }, () =>
        pageOfServiceJobs(ctx, id, found, orderBy, args, askedOfNodes(info)),
      )
    },
  }),
  jobCounts: t.field({
    type: JobCountsType,
    description: 'How many of its jobs are in which state, from counters.',
    resolve: async ({ id }, _args, ctx) => (await countsOfService(ctx, id)) ?? NO_JOBS,
  }),
}))
