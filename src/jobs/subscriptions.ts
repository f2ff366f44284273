import { noteRight } from '../auth/noted-rights.ts'
import { allow, found, requireCredential } from '../auth/viewer.ts'
import { builder } from '../builder.ts'
import type { Context } from '../context.ts'
import { deliver, DeliveryInterface, now, resumeFrom, type Delivery } from '../events/index.ts'
import { cancelable } from '../kit/cancelable.ts'
import { ValidationError } from '../kit/errors.ts'
import { followLogOf, LogDeliveryType, LogFilterInput } from '../logs/index.ts'
import { queueFor, ServiceId, serviceNamed } from '../services/index.ts'
import {
  countsOf,
  jobEvents,
  jobLog,
  NO_JOBS,
  serviceJobEvents,
  type JobCounts,
  type JobEventRow,
} from '../job-engine/index.ts'
import { JobEventType, JobType } from './event-types.ts'
import { JobCountsType } from './service-fields.ts'
import { jobById, jobNamed } from './store.ts'

interface JobDelivery extends Delivery {
  readonly jobId: string
  readonly events: readonly JobEventRow[]
}

const JobDeliveryType = builder.objectRef<JobDelivery>('JobDelivery').implement({
  description:
    'A job as it is, and what happened; first without events: the present state. Null once it is gone.',
  interfaces: [DeliveryInterface],
  fields: (t) => ({
    job: t.field({
      type: JobType,
      nullable: true,
      description: 'The job as it is now.',
      resolve: ({ jobId }, _args, ctx) => jobById(ctx, jobId),
    }),
    events: t.field({
      type: [JobEventType],
      description: 'What happened.',
      resolve: ({ events }) => [...events],
    }),
  }),
})

interface JobsDelivery extends Delivery {
  readonly serviceId: string
  readonly events: readonly JobEventRow[]
}

const JobsDeliveryType = builder.objectRef<JobsDelivery>('JobsDelivery').implement({
  description:
    "The counts of a service's jobs as they are, and what happened to which; 100 ms of events at a time.",
  interfaces: [DeliveryInterface],
  fields: (t) => ({
    counts: t.field({
      type: JobCountsType,
      description: 'How many are in which state now.',
      resolve: ({ serviceId }, _args, ctx) => countsNow(ctx, serviceId),
    }),
    events: t.field({
      type: [JobEventType],
      description: 'What happened.',
      resolve: ({ events }) => [...events],
    }),
  }),
})

interface JobsWaiting {
  readonly serviceId: string
  readonly waiting: bigint
}

const JobsWaitingType = builder.objectRef<JobsWaiting>('JobsWaiting').implement({
  description:
    'Work may be waiting: a wake-up for claimJobs, not a record; nothing is lost by missing one.',
  fields: (t) => ({
    serviceId: t.id({
      description: 'The queue.',
      resolve: ({ serviceId }) => ServiceId.text(serviceId),
    }),
    waiting: t.field({
      type: 'SafeInt',
      description: 'How many of its jobs wait now.',
      resolve: ({ waiting }) => waiting,
    }),
  }),
})

const after = 'Cursor to resume after; "start" for everything kept.'

builder.subscriptionFields((t) => ({
  jobLogs: t.field({
    type: LogDeliveryType,
    description: "A job's log, over all attempts; ends with the job.",
    args: {
      jobId: t.arg.id({ required: true, description: 'Which: id or address.' }),
      after: t.arg.string({ description: after }),
      last: t.arg.int({
        defaultValue: 10,
        description: 'Without `after`: how many lines to begin with, at most 1000.',
      }),
      filter: t.arg({ type: LogFilterInput, description: 'Which lines.' }),
    },
    subscribe: async (_root, { jobId, ...args }, ctx) => {
      const { id, organizationId } = found(await jobNamed(ctx, jobId), 'job', jobId)
      noteRight(ctx.viewer, 'VIEWER', organizationId)
      return followLogOf(ctx, jobLog(ctx.database.shared), id, args)
    },
    resolve: ({ delivery }) => delivery,
  }),
  jobChanged: t.field({
    type: JobDeliveryType,
    description: 'A job, to its end. A job that waits may be followed: that simply waits too.',
    args: {
      jobId: t.arg.id({ required: true, description: 'Which: id or address.' }),
      after: t.arg.string({ description: after }),
    },
    subscribe: async (_root, { jobId, after: cursor }, ctx) => {
      const { id, organizationId } = found(await jobNamed(ctx, jobId), 'job', jobId)
      noteRight(ctx.viewer, 'VIEWER', organizationId)
      return deliver(ctx, jobEvents(ctx.database.shared), id, resumeFrom(ctx, cursor), {
        show: (events) => ({ jobId: id, events }),
        begin: now,
      })
    },
    resolve: ({ delivery }) => delivery,
  }),
  jobsChanged: t.field({
    type: JobsDeliveryType,
    description: "A service's jobs, for boards and counters.",
    args: {
      serviceId: t.arg.id({ required: true, description: 'Which: id, handle or address.' }),
      after: t.arg.string({ description: after }),
    },
    subscribe: async (_root, { serviceId, after: cursor }, ctx) => {
      const { id, organizationId } = found(await serviceNamed(ctx, serviceId), 'service', serviceId)
      noteRight(ctx.viewer, 'VIEWER', organizationId)
      return deliver(ctx, serviceJobEvents(ctx.database.shared), id, resumeFrom(ctx, cursor), {
        show: (events) => ({ serviceId: id, events }),
        begin: now,
      })
    },
    resolve: ({ delivery }) => delivery,
  }),
  jobQueued: t.field({
    type: JobsWaitingType,
    description:
      'Needs WORKER. Wakes a worker when jobs wait; no cursor, nothing to resume. Begins with the queues in which some wait now.',
    args: {
      serviceIds: t.arg.idList({
        required: true,
        description: 'Which queues: ids, handles or addresses; at most 100.',
      }),
    },
    subscribe: async (_root, { serviceIds }, ctx) => {
      requireCredential(ctx.viewer)
      if (serviceIds.length === 0 || serviceIds.length > 100)
        throw new ValidationError([{ path: ['serviceIds'], message: 'Name 1 to 100 queues.' }])
      const queues = await Promise.all(serviceIds.map((id) => queueFor(ctx, id)))
      for (const { organizationId } of queues) allow(ctx.viewer, 'WORKER', organizationId)
      return wakeUps(ctx, [...new Set(queues.map(({ id }) => id))])
    },
    resolve: (waiting) => waiting,
  }),
}))

const countsNow = async (ctx: Context, id: string): Promise<JobCounts> =>
  (await countsOf(ctx.database, [id])).get(id) ?? NO_JOBS

/** How long a subscriber of jobQueued is left alone when nothing happens. */
const QUIET_MS = 60_000

/** One for each queue in which jobs wait, whenever some have come. */
function wakeUps(ctx: Context, ids: readonly string[]): AsyncIterableIterator<JobsWaiting> {
  return cancelable(async function* (signal) {
    const listening = ctx.waiting.listen(ids, { isWatcher: true })
    const sent = new Map<string, bigint>()
    try {
      while (!signal.aborted && !ctx.waiting.isClosed) {
        const counts = await ctx.hub.endurance.outlast(
          () => countsOf(ctx.database.shared, ids),
          signal,
        )
        if (counts === undefined) return
        for (const [serviceId, { queued }] of counts) {
          if (queued > 0n && queued !== sent.get(serviceId)) yield { serviceId, waiting: queued }
          sent.set(serviceId, queued)
        }
        await listening.woken(QUIET_MS, signal)
      }
    } finally {
      listening.leave()
    }
  })
}
