import { builder } from '../../../builder.ts'
import { mutation } from '../../../graph/mutation.ts'
import { JobId } from '../../../job-engine/index.ts'
import { JobType } from '../../event-types.ts'
import { heartbeatRule, MAX_BEATS, releaseRule } from '../../rules.ts'
import { heartbeatJobs, releaseJobs, type Heartbeat } from '../leases.ts'

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

const HeartbeatInput = builder.inputType('HeartbeatInput', {
  description: 'One beat for one held job.',
  fields: (t) => ({
    jobId: t.id({ required: true, description: 'The job: id or address.' }),
    fence: t.string({ required: true, description: 'The fence of the lease.' }),
    fraction: t.float({ description: 'How far it is, from 0 to 1; as it was when absent.' }),
    message: t.string({ description: 'How far it is, in words; as it was when absent.' }),
  }),
})

mutation('heartbeatJobs', {
  description: `Needs WORKER. One beat for all jobs a worker holds, at most ${MAX_BEATS}.`,
  input: (t) => ({
    worker: t.string({ required: true, description: 'What the worker calls itself.' }),
    beats: t.field({ type: [HeartbeatInput], required: true, description: 'One for each job.' }),
  }),
  check: heartbeatRule,
  resolve: async (ctx, input) => ({ heartbeats: await heartbeatJobs(ctx, input) }),
  again: 'repeat',
  success: (t) => ({
    heartbeats: t.field({
      type: [HeartbeatType],
      description: 'One for each beat, in their order.',
      resolve: ({ heartbeats }) => heartbeats,
    }),
  }),
})

mutation('releaseJobs', {
  description:
    'Needs WORKER. Gives jobs back unharmed, such as on SIGTERM; those no longer held are left out of the answer.',
  input: (t) => ({
    jobs: t.field({ type: [HeartbeatInput], required: true, description: 'Which jobs.' }),
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
