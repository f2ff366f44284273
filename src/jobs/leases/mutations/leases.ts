import { builder } from '../../../builder.ts'
import { mutation } from '../../../graph/mutation.ts'
import { JobId } from '../../../job-engine/index.ts'
import { JobType } from '../../event-types.ts'
import { heartbeatRule, MAX_BEATS, releaseRule } from '../../rules.ts'
import { heartbeatJobs, releaseJobs, type Heartbeat } from '../leases.ts'
import { leaseFields } from './fields.ts'

const HeartbeatType = builder.objectRef<Heartbeat>('Heartbeat').implement({
  description:
    'State of a lease after a heartbeat. A lost lease is reported here, beside those still held.',
  fields: (t) => ({
    jobId: t.id({
      description: 'ID of the job.',
      resolve: ({ jobId, key }) => (key === undefined ? jobId : JobId.text(key)),
    }),
    isHeld: t.exposeBoolean('isHeld', { description: 'Whether the worker still holds the lease.' }),
    expiresAt: t.field({
      type: 'DateTime',
      nullable: true,
      description:
        'Time at which the lease expires now. Null when the worker does not hold it, and when it never expires (`leaseSeconds` was null).',
      resolve: ({ expiresAt }) => expiresAt,
    }),
    cancelRequested: t.exposeBoolean('cancelRequested', {
      description: 'Whether the worker must stop the job.',
    }),
  }),
})

const HeartbeatJobsItem = builder.inputType('HeartbeatJobsItem', {
  description: 'Heartbeat for one job that the worker holds.',
  fields: (t) => ({
    ...leaseFields(t),
    fraction: t.float({ description: 'Progress, from 0 to 1. Default: unchanged.' }),
    message: t.string({
      description: 'Description of the progress, for people. Default: unchanged.',
    }),
  }),
})

mutation('heartbeatJobs', {
  description: `Extends the leases of up to ${MAX_BEATS} jobs that a worker holds, and reports their progress. Requires the WORKER role.`,
  input: (t) => ({
    worker: t.string({ required: true, description: 'Name of the worker.' }),
    jobs: t.field({
      type: [HeartbeatJobsItem],
      required: true,
      description: `Jobs that the worker holds, at most ${MAX_BEATS}.`,
    }),
  }),
  check: heartbeatRule,
  resolve: async (ctx, input) => ({ heartbeats: await heartbeatJobs(ctx, input) }),
  again: 'repeat',
  success: (t) => ({
    heartbeats: t.field({
      type: [HeartbeatType],
      description: 'State of each lease, in the order of the jobs.',
      resolve: ({ heartbeats }) => heartbeats,
    }),
  }),
})

const ReleaseJobsItem = builder.inputType('ReleaseJobsItem', {
  description: 'Job to give back, with its lease.',
  fields: leaseFields,
})

mutation('releaseJobs', {
  description:
    'Gives jobs back to their queues without using up an attempt, for example when the worker is shut down. A job whose cancellation was requested becomes CANCELED. Jobs that the worker does not hold any more are left out of the result. Requires the WORKER role.',
  input: (t) => ({
    jobs: t.field({
      type: [ReleaseJobsItem],
      required: true,
      description: `Jobs to give back, at most ${MAX_BEATS}.`,
    }),
  }),
  check: releaseRule,
  resolve: async (ctx, input) => ({ jobs: await releaseJobs(ctx, input) }),
  again: 'repeat',
  success: (t) => ({
    jobs: t.field({
      type: [JobType],
      description: 'Jobs that were given back or canceled.',
      resolve: ({ jobs }) => jobs,
    }),
  }),
})
