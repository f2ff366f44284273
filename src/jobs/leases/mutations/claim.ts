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
  description: 'The right to work on a job until it expires; every report carries the fence.',
  fields: (t) => ({
    job: t.field({ type: JobType, description: 'What to do.', resolve: (lease) => lease }),
    attempt: t.exposeInt('attempt', { description: 'Number of the attempt that begins.' }),
    fence: t.exposeString('fence', { description: 'Send it with every report on the job.' }),
    expiresAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it is lost without a heartbeat; null where there is no lease.',
      resolve: ({ leaseExpiresAt }) => leaseExpiresAt,
    }),
  }),
})

mutation('claimJobs', {
  description: `Needs WORKER. Takes queued jobs of queues; answers at once, or within waitSeconds (at most ${MAX_WAIT_SECONDS}). The same claimId gets the same credential the same leases again, and never others.`,
  input: (t) => ({
    serviceIds: t.idList({
      required: true,
      description: 'From which queues of one organization: ids, handles or addresses.',
    }),
    worker: t.string({ required: true, description: 'What the worker calls itself.' }),
    claimId: t.string({
      required: true,
      description: 'New for every claim, such as a UUID; the same when a claim is sent again.',
    }),
    version: t.string({ description: 'What the worker is, and of which version, for people.' }),
    concurrency: t.int({ description: 'How many jobs it does at a time, for people.' }),
    max: t.int({ defaultValue: 1, description: `How many: 1 to ${MAX_CLAIM}.` }),
    leaseSeconds: t.int({
      defaultValue: 30,
      description: `Until when a heartbeat must have come: 1 to ${MAX_LEASE_SECONDS}. Null: no lease, no heartbeat.`,
    }),
    waitSeconds: t.int({
      defaultValue: 0,
      description: `How long to wait for jobs: 0 to ${MAX_WAIT_SECONDS}.`,
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
      description: 'The jobs, in the order to do them; none when there were none.',
      resolve: ({ leases }) => leases,
    }),
  }),
})
