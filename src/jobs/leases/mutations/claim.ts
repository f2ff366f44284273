import { builder } from '../../../builder.ts'
import { perPlace, timesAsked, type AskedFields } from '../../../graph/look-ahead.ts'
import { mutation } from '../../../graph/mutation.ts'
import { Unavailable } from '../../../kit/errors.ts'
import {
  MAX_CLAIM,
  MAX_LEASE_SECONDS,
  MAX_WAIT_SECONDS,
  type Lease,
} from '../../../job-engine/index.ts'
import { moreOfLease } from '../../columns.ts'
import { JobType } from '../../event-types.ts'
import { claimRule } from '../../rules.ts'
import { claimJobs, type ClaimedFields } from '../claim.ts'

/** What a queue is and stays: whoever asks a lease for no more of it need not wait for a look at it. */
const unchanging = new Set(['__typename', 'id', 'handle'])
const isUnchanging = perPlace(true, (service) =>
  [...service.keys()].every((name) => unchanging.has(name)),
)

/** What must be brought along for what is asked of leases. */
function ofLeases(asked: AskedFields): ClaimedFields {
  const job = asked.get('leases')?.get('job')
  return {
    columns: moreOfLease(job),
    isQueueKnown: isUnchanging(job?.get('service')),
    parametersTimes: timesAsked(asked, ['leases', 'job', 'parameters']),
  }
}

const JobLeaseType = builder.objectRef<Lease>('JobLease').implement({
  description:
    'The right of one worker to execute a job, until the lease expires. Every report on the job carries the fencing token.',
  fields: (t) => ({
    job: t.field({ type: JobType, description: 'The job to execute.', resolve: (lease) => lease }),
    attempt: t.exposeInt('attempt', { description: 'Number of the attempt that starts.' }),
    fence: t.exposeString('fence', {
      description: 'Fencing token: send it with every report on the job.',
    }),
    expiresAt: t.field({
      type: 'DateTime',
      nullable: true,
      description:
        'Time at which the lease expires without a heartbeat. Null when it never expires (`leaseSeconds` was null).',
      resolve: ({ leaseExpiresAt }) => leaseExpiresAt,
    }),
  }),
})

mutation('claimJobs', {
  description: `Claims queued jobs of queues for a worker. Returns at once, or within \`waitSeconds\` (at most ${MAX_WAIT_SECONDS}). A repeated call with the same credential and claimId returns the same leases and claims no others. Requires the WORKER role.`,
  input: (t) => ({
    serviceIds: t.idList({
      required: true,
      description:
        'Queues to claim from, of one organization: IDs, handles or addresses. 1 to 100.',
    }),
    worker: t.string({ required: true, description: 'Name of the worker.' }),
    claimId: t.string({
      required: true,
      description:
        'ID of the claim, such as a UUID. New for every claim; the same when a claim is sent again.',
    }),
    version: t.string({
      description: 'Name and version of the worker program, for people. Default: none.',
    }),
    concurrency: t.int({
      description:
        'Number of jobs that the worker executes at the same time, for people. Range: 1 to 1000000. Default: none.',
    }),
    max: t.int({
      defaultValue: 1,
      description: `Largest number of jobs to claim. Range: 1 to ${MAX_CLAIM}.`,
    }),
    leaseSeconds: t.int({
      defaultValue: 30,
      description: `Seconds until the lease expires without a heartbeat. Range: 1 to ${MAX_LEASE_SECONDS}. Null: the lease never expires and needs no heartbeats.`,
    }),
    waitSeconds: t.int({
      defaultValue: 0,
      description: `Seconds to wait for jobs when none is queued. Range: 0 to ${MAX_WAIT_SECONDS}.`,
    }),
  }),
  check: claimRule,
  errors: [Unavailable],
  resolve: async (ctx, input, _onceAs, asked, allowIn) => ({
    leases: await claimJobs(ctx, input, ofLeases(asked), allowIn),
  }),
  again: 'repeat',
  success: (t) => ({
    leases: t.field({
      type: [JobLeaseType],
      description: 'The claimed jobs in the order to execute them. Empty when there were none.',
      resolve: ({ leases }) => leases,
    }),
  }),
})
