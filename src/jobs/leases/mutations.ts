import { builder } from '../../builder.ts'
import { perPlace, timesAsked, type AskedFields } from '../../graph/look-ahead.ts'
import { mutation } from '../../graph/mutation.ts'
import { StaleLease, Unavailable } from '../../kit/errors.ts'
import {
  JobId,
  MAX_CLAIM,
  MAX_LEASE_SECONDS,
  MAX_WAIT_SECONDS,
  type JobRow,
  type Lease,
} from '../../job-engine/index.ts'
import { claimJobs, type ClaimedFields } from './claim.ts'
import { leaseColumns } from '../columns.ts'
import { JobType } from '../event-types.ts'
import {
  appendJobLog,
  completeJob,
  completeJobs,
  failJob,
  heartbeatJobs,
  refusals,
  releaseJobs,
  type Heartbeat,
} from './leases.ts'
import {
  claimRule,
  completeManyRule,
  completeRule,
  failRule,
  heartbeatRule,
  logRule,
  MAX_BEATS,
  MAX_COMPLETIONS,
  MAX_LINES,
  releaseRule,
} from '../rules.ts'

/*
 * Every one of these may be sent again: a claim is known by its `claimId`, a report by its fence, a line by its number.
 */

type Types = typeof builder.$inferSchemaTypes
type Inputs = PothosSchemaTypes.InputFieldBuilder<Types, 'InputObject'>

/** What a queue is and stays: whoever asks a lease for no more of it need not wait for a look at it. */
const unchanging = new Set(['__typename', 'id', 'handle'])
const isUnchanging = perPlace(true, (service) =>
  [...service.keys()].every((name) => unchanging.has(name)),
)

/** What must be brought along for what is asked of leases. */
function ofLeases(asked: AskedFields): ClaimedFields {
  const job = asked.get('leases')?.get('job')
  return {
    columns: leaseColumns(job),
    isQueueKnown: isUnchanging(job?.get('service')),
    parametersTimes: timesAsked(asked, ['leases', 'job', 'parameters']),
  }
}

/** What is known of a job that has just ended without a look at all its columns. */
const ofEnded = new Set(['__typename', 'id', 'status', 'lane'])
const isWhole = perPlace(false, (job) => [...job.keys()].some((name) => !ofEnded.has(name)))

/** A job without all its columns, for the resolvers of what was asked for, which need no other. */
const asAsked = (job: Pick<JobRow, 'id'>): JobRow => job as JobRow

const JobLeaseType = builder.objectRef<Lease>('JobLease').implement({
  description: 'The right to work on a job until it expires; every report carries the fence.',
  fields: (t) => ({
    job: t.field({ type: JobType, description: 'What to do.', resolve: asAsked }),
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

const held = (t: Inputs) => ({
  jobId: t.id({ required: true, description: 'The job: id or address.' }),
  fence: t.string({ required: true, description: 'The fence of the lease.' }),
})
const asJob = (t: PothosSchemaTypes.ObjectFieldBuilder<Types, { job: JobRow }>) => ({
  job: t.field({ type: JobType, description: 'The job as it is now.', resolve: ({ job }) => job }),
})

const asEnded = (t: PothosSchemaTypes.ObjectFieldBuilder<Types, Pick<JobRow, 'id'>>) => ({
  job: t.field({
    type: JobType,
    description: 'The job as it is now.',
    resolve: asAsked,
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

mutation('completeJob', {
  description: 'Needs WORKER. Delivers the result; the first that is accepted stays.',
  input: (t) => ({
    ...held(t),
    result: t.field({ type: 'JSON', description: 'It must fit the schema of results.' }),
  }),
  check: completeRule,
  errors: [StaleLease],
  resolve: (ctx, input, _onceAs, asked) => completeJob(ctx, input, isWhole(asked.get('job'))),
  again: 'repeat',
  success: asEnded,
})

const CompleteJobsItem = builder.inputType('CompleteJobsItem', {
  description: 'The result of one held job.',
  fields: (t) => ({
    ...held(t),
    result: t.field({ type: 'JSON', description: 'It must fit the schema of results.' }),
  }),
})

const JobCompletionType = builder
  .objectRef<Pick<JobRow, 'id'>>('JobCompletion')
  .implement({ description: 'A result that was accepted.', fields: asEnded })

const JobCompletionResult = builder.unionType('JobCompletionResult', {
  description: 'What became of one result.',
  types: [JobCompletionType, ...refusals],
  resolveType: (outcome) =>
    refusals.find(({ name }) => 'name' in outcome && outcome.name === name) ?? JobCompletionType,
})

mutation('completeJobs', {
  description: `Needs WORKER. Delivers the results of up to ${MAX_COMPLETIONS} jobs as completeJob does, each on its own: one that is refused hinders no other.`,
  input: (t) => ({
    jobs: t.field({
      type: [CompleteJobsItem],
      required: true,
      description: 'The jobs with their results.',
    }),
  }),
  check: completeManyRule,
  errors: [StaleLease, Unavailable],
  resolve: async (ctx, input, _onceAs, asked) => ({
    completions: await completeJobs(ctx, input, isWhole(asked.get('completions')?.get('job'))),
  }),
  again: 'repeat',
  success: (t) => ({
    completions: t.field({
      type: [JobCompletionResult],
      description: 'What became of each, in their order.',
      resolve: ({ completions }) => completions,
    }),
  }),
})

mutation('failJob', {
  description:
    'Needs WORKER. Reports failure; retried while attempts are left and it is retryable. A job whose end was asked for is canceled by it.',
  input: (t) => ({
    ...held(t),
    message: t.string({ required: true, description: 'Why, in one sentence.' }),
    detail: t.field({ type: 'JSON', description: 'What else is known.' }),
    isRetryable: t.boolean({
      defaultValue: true,
      description: 'Whether another attempt might succeed.',
    }),
  }),
  check: failRule,
  errors: [StaleLease],
  resolve: async (ctx, input) => ({ job: await failJob(ctx, input) }),
  again: 'repeat',
  success: asJob,
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

mutation('appendJobLog', {
  description: `Needs WORKER. Adds up to ${MAX_LINES} lines; firstLine counts this attempt's own lines from 1, so repeats do no harm.`,
  input: (t) => ({
    ...held(t),
    firstLine: t.field({
      type: 'SafeInt',
      required: true,
      description: 'Number of the first of these lines within the attempt: 1, 2, 3 …',
    }),
    lines: t.stringList({ required: true, description: 'The lines, without their ends.' }),
    unfinished: t.intList({
      description:
        'Places in `lines`, from 0, of those that are not finished, such as a progress bar: the next line of the attempt takes the place of each. It counts as a line all the same.',
    }),
  }),
  check: logRule,
  errors: [StaleLease],
  resolve: async (ctx, input) => ({ nextLine: await appendJobLog(ctx, input) }),
  again: 'repeat',
  success: (t) => ({
    nextLine: t.field({
      type: 'SafeInt',
      description: 'The `firstLine` to go on with.',
      resolve: ({ nextLine }) => nextLine,
    }),
  }),
})
