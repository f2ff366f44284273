import { noteRight } from '../auth/noted-rights.ts'
import { allow, found, organizationFor, requireCredential } from '../auth/viewer.ts'
import { builder } from '../builder.ts'
import type { Context } from '../context.ts'
import { deliver, DeliveryInterface, now, resumeFrom, type Delivery } from '../events/index.ts'
import { cancelable } from '../kit/cancelable.ts'
import { ValidationError } from '../kit/errors.ts'
import { followLogOf, LogDeliveryType, LogFilterInput } from '../logs/index.ts'
import { organizationNamed } from '../organizations/index.ts'
import { queueFor, ServiceId, ServiceInterface, serviceNamed, services } from '../services/index.ts'
import {
  countsOf,
  jobEvents,
  jobLog,
  organizationJobEvents,
  serviceJobEvents,
  type JobEventRow,
} from '../job-engine/index.ts'
import { JobEventType, JobType } from './event-types.ts'
import { jobById, jobNamed, serviceOfJob } from './store.ts'

interface JobDelivery extends Delivery {
  readonly jobId: string
  readonly events: readonly JobEventRow[]
}

const JobDeliveryType = builder.objectRef<JobDelivery>('JobDelivery').implement({
  description:
    'The present state of a job and its new events. The first delivery without `after` has no events.',
  interfaces: [DeliveryInterface],
  fields: (t) => ({
    job: t.field({
      type: JobType,
      nullable: true,
      description: 'The job in its present state. Null once it is deleted.',
      resolve: ({ jobId }, _args, ctx) => jobById(ctx, jobId),
    }),
    events: t.field({
      type: [JobEventType],
      description: 'New events, oldest first.',
      resolve: ({ events }) => [...events],
    }),
  }),
})

interface JobsDelivery extends Delivery {
  readonly serviceIds: readonly string[]
  readonly events: readonly JobEventRow[]
}

const JobsDeliveryType = builder.objectRef<JobsDelivery>('JobsDelivery').implement({
  description:
    'Changes of the jobs of one or more services. The first delivery, without a cursor to resume after, has no events.',
  interfaces: [DeliveryInterface],
  fields: (t) => ({
    services: t.field({
      type: [ServiceInterface],
      description:
        'Services that the events belong to, as they are now, also deleted ones: `jobCounts` has their counts. In a delivery without events, the services that `serviceIds` names; empty where it names none.',
      resolve: async ({ serviceIds }, _args, ctx) => {
        const found = await Promise.all(serviceIds.map((id) => serviceOfJob(ctx, id)))
        return found.filter((one) => one !== null)
      },
    }),
    events: t.field({
      type: [JobEventType],
      description: 'Events of the jobs, in the order in which they were committed.',
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
    'A signal that jobs may be waiting, so that a worker calls `claimJobs`. It is no record: a missed signal loses nothing.',
  fields: (t) => ({
    serviceId: t.id({
      description: 'ID of the queue.',
      resolve: ({ serviceId }) => ServiceId.text(serviceId),
    }),
    waiting: t.field({
      type: 'SafeInt',
      description: 'Number of jobs of the queue that wait at present.',
      resolve: ({ waiting }) => waiting,
    }),
  }),
})

const after = 'Cursor to resume after; "start" for everything kept. Default: from now on.'
/** Services that one subscription names. */
const MAX_FOLLOWED = 100

builder.subscriptionFields((t) => ({
  jobLogs: t.field({
    type: LogDeliveryType,
    description: 'Publishes the log of a job over all attempts. Completes when the job ends.',
    args: {
      jobId: t.arg.id({ required: true, description: 'Job: ID or address.' }),
      after: t.arg.string({ description: after }),
      last: t.arg.int({
        defaultValue: 10,
        description:
          'Number of existing lines to begin with when `after` is absent. Range: 0 to 1000.',
      }),
      filter: t.arg({ type: LogFilterInput, description: 'Criteria that lines must match.' }),
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
    description:
      'Publishes the changes of a job. Completes when the job ends; while the job is queued, the subscription stays open.',
    args: {
      jobId: t.arg.id({ required: true, description: 'Job: ID or address.' }),
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
    description:
      'Publishes the changes of the jobs of one service, of several or, without `serviceIds`, of all services of an organization, including services that are created later. A cursor of one service is not valid for several.',
    args: {
      serviceIds: t.arg.idList({
        description: `Services of one organization: IDs, handles or addresses; 1 to ${MAX_FOLLOWED}. Default: all services of the organization.`,
      }),
      organizationId: t.arg.id({
        description:
          'Organization: ID, handle or address. Default: the organization of the services, or the only one of the caller.',
      }),
      after: t.arg.string({ description: after }),
    },
    subscribe: async (_root, { serviceIds, organizationId, after: cursor }, ctx) => {
      const from = resumeFrom(ctx, cursor)
      const followed = await followedJobs(ctx, serviceIds, organizationId, from !== undefined)
      const { services = [] } = followed
      const [only, ...others] = services
      const shared = ctx.database.shared
      const [kind, id] =
        only !== undefined && others.length === 0
          ? ([serviceJobEvents(shared), only] as const)
          : ([organizationJobEvents(shared), followed.organizationId] as const)
      const wanted = others.length > 0 ? new Set(services) : undefined
      return deliver(ctx, kind, id, from, {
        show: (events): Pick<JobsDelivery, 'serviceIds' | 'events'> => ({
          serviceIds:
            events.length > 0 ? [...new Set(events.map(({ serviceId }) => serviceId))] : services,
          events,
        }),
        begin: now,
        isWanted: wanted && (({ serviceId }) => wanted.has(serviceId)),
      })
    },
    resolve: ({ delivery }) => delivery,
  }),
  jobQueued: t.field({
    type: JobsWaitingType,
    description:
      'Publishes a signal when jobs of queues wait, so that a worker calls `claimJobs`. Has no cursor and cannot be resumed. Starts with the queues in which jobs wait at present. Requires the WORKER role.',
    args: {
      serviceIds: t.arg.idList({
        required: true,
        description: 'Queues: IDs, handles or addresses. 1 to 100.',
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

/**
 * Whose jobs are to be followed: those of services of one organization, or of all that it has. Whoever resumes follows
 * deleted services too, by their ids.
 */
async function followedJobs(
  ctx: Context,
  serviceIds: readonly string[] | null | undefined,
  organization: string | null | undefined,
  isResumed: boolean,
): Promise<{ organizationId: string; services?: readonly string[] }> {
  requireCredential(ctx.viewer)
  const named = await organizationNamed(ctx, organization)
  if (!serviceIds) {
    const organizationId = organizationFor(ctx.viewer, 'VIEWER', named)
    return { organizationId }
  }
  if (serviceIds.length === 0 || serviceIds.length > MAX_FOLLOWED)
    throw new ValidationError([
      { path: ['serviceIds'], message: `Name 1 to ${MAX_FOLLOWED} services, or leave it out.` },
    ])
  const within = named === undefined ? undefined : [named]
  const rows = await Promise.all(
    serviceIds.map(async (id) => {
      const row =
        (await serviceNamed(ctx, id, undefined, within)) ??
        (await services.toFollow(ctx, id, isResumed))
      const isInside = named === undefined || row.organizationId === named
      return found(isInside ? row : null, 'service', id)
    }),
  )
  const [organizationId = '', another] = new Set(rows.map((row) => row.organizationId))
  if (another !== undefined)
    throw new ValidationError([
      { path: ['serviceIds'], message: 'Name services of one organization.' },
    ])
  allow(ctx.viewer, 'VIEWER', organizationId)
  return { organizationId, services: [...new Set(rows.map(({ id }) => id))] }
}

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
