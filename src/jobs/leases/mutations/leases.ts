import { builder } from '../../../builder.ts'
import { mutation } from '../../../graph/mutation.ts'
import { JobId } from '../../../job-engine/index.ts'
import { JobType } from '../../event-types.ts'
import { heartbeatRule, MAX_BEATS, releaseRule } from '../../rules.ts'
import { heartbeatJobs, releaseJobs, type Heartbeat } from '../leases.ts'
import { leaseFields } from './fields.ts'

const HeartbeatType = builder.objectRef<Heartbeat>('Heartbeat').implement({
  description: 'What the worker must know; a lost lease is told here, beside those still held.',
  fields: (t) => ({
    jobId: t.id({
      description: 'The job.',
      resolve: ({ jobId, key }) => (key === undefined ? jobId : JobId.text(key)),
    }),
    isHeld: t.exposeBoolean('isHeld', { description: 'Whether the worker still has it.' }),
    expiresAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the lease expires now.',
      resolve: ({ expiresAt }) => expiresAt,
    }),
    cancelRequested: t.exposeBoolean('cancelRequested', {
      description: 'Whether the worker is to end it.',
    }),
  }),
})

const HeartbeatJobsItem = builder.inputType('HeartbeatJobsItem', {
  description: 'One beat for one held job.',
  fields: (t) => ({
    ...leaseFields(t),
    fraction: t.float({ description: 'How far it is, from 0 to 1; as it was when absent.' }),
    message: t.string({ description: 'How far it is, in words; as it was when absent.' }),
  }),
})

mutation('heartbeatJobs', {
  description: `Needs WORKER. One beat for all jobs a worker holds, at most ${MAX_BEATS}.`,
  input: (t) => ({
    worker: t.string({ required: true, description: 'What the worker calls itself.' }),
    jobs: t.field({ type: [HeartbeatJobsItem], required: true, description: 'The jobs it holds.' }),
  }),
  check: heartbeatRule,
  resolve: async (ctx, input) => ({ heartbeats: await heartbeatJobs(ctx, input) }),
  again: 'repeat',
  success: (t) => ({
    heartbeats: t.field({
      type: [HeartbeatType],
      description: 'One for each job, in their order.',
      resolve: ({ heartbeats }) => heartbeats,
    }),
  }),
})

const ReleaseJobsItem = builder.inputType('ReleaseJobsItem', {
  description: 'One held job to give back.',
  fields: leaseFields,
})

mutation('releaseJobs', {
  description:
    'Needs WORKER. Gives jobs back unharmed, such as on SIGTERM; those no longer held are left out of the answer.',
  input: (t) => ({
    jobs: t.field({ type: [ReleaseJobsItem], required: true, description: 'Jobs to give back.' }),
  }),
  check: releaseRule,
  resolve: async (ctx, input) => ({ jobs: await releaseJobs(ctx, input) }),
  again: 'repeat',
  success: (t) => ({
    jobs: t.field({
      type: [JobType],
      description: 'The jobs that were given back.',
      resolve: ({ jobs }) => jobs,
    }),
  }),
})
