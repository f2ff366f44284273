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
  description: 'Number of jobs in each status.',
  fields: (t) => ({
    queued: t.field({
      type: 'SafeInt',
      description: 'Jobs that wait to be claimed.',
      resolve: ({ queued }) => queued,
    }),
    running: t.field({
      type: 'SafeInt',
      description: 'Jobs that are being executed.',
      resolve: ({ running }) => running,
    }),
    succeeded: t.field({
      type: 'SafeInt',
      description: 'Jobs that finished with a result and have not expired.',
      resolve: ({ succeeded }) => succeeded,
    }),
    failed: t.field({
      type: 'SafeInt',
      description: 'Jobs that failed and have not expired.',
      resolve: ({ failed }) => failed,
    }),
    canceled: t.field({
      type: 'SafeInt',
      description: 'Jobs that were canceled and have not expired.',
      resolve: ({ canceled }) => canceled,
    }),
    oldestQueuedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'Time of submission of the oldest queued job. Null when none is queued.',
      resolve: ({ oldestQueuedAt }) => oldestQueuedAt,
    }),
  }),
})

builder.interfaceFields(ServiceInterface, (t) => ({
  jobs: t.field({
    type: JobConnection,
    description: 'Jobs of the service, newest first by default.',
    args: {
      filter: t.arg({ type: JobFilterInput, description: 'Criteria. Default: all jobs.' }),
      orderBy: t.arg({
        type: JobOrderInput,
        description: 'Order of the list. Default: newest first.',
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
    description:
      'Number of jobs of the service in each status. Read from counters, so it is cheap.',
    resolve: async ({ id }, _args, ctx) => (await countsOfService(ctx, id)) ?? NO_JOBS,
  }),
}))
