import { annotationField, namingFields } from '../addresses/index.ts'
import { builder } from '../builder.ts'
import { mutation } from '../graph/mutation.ts'
import { Unavailable, WrongState } from '../kit/errors.ts'
import { NameValueInput } from '../uploads/index.ts'
import { allow, found } from '../auth/viewer.ts'
import type { Context } from '../context.ts'
import { JobId, type JobRow } from '../job-engine/index.ts'
import { amendedBefore, amendJob, cancelJob, retryJob, waitForEnd } from './actions.ts'
import { CANCEL_MANY, matchedBy, RETRY_MANY, submitBulk } from './server/bulk.ts'
import { JobStatusType } from './enums.ts'
import { JobFilterInput } from './inputs.ts'
import { jobById } from './store.ts'
import { JobType } from './event-types.ts'
import {
  amendRule,
  cancelManyRule,
  cancelRule,
  MAX_JOBS,
  MAX_SUBMIT_WAIT,
  retryManyRule,
  submitManyRule,
  submitRule,
  waitRule,
} from './rules.ts'
import { submitJobs } from './submit.ts'

type Types = typeof builder.$inferSchemaTypes
type Inputs = PothosSchemaTypes.InputFieldBuilder<Types, 'InputObject'>

const which = (t: Inputs) => ({
  id: t.id({ required: true, description: 'Job: ID or address.' }),
})
const waiting = (t: Inputs) => ({
  waitSeconds: t.int({
    defaultValue: 0,
    description: `Seconds to wait for the job to finish before returning. Range: 0 to ${MAX_SUBMIT_WAIT}. A job with a waiting caller is claimed before others of the same priority, unless it has a lane.`,
  }),
})
const asJob = (t: PothosSchemaTypes.ObjectFieldBuilder<Types, { job: JobRow }>) => ({
  job: t.field({
    type: JobType,
    description: 'The job after the change.',
    resolve: ({ job }) => job,
  }),
})

/** What is said of each job that is submitted. */
const jobFields = (t: Inputs) => ({
  serviceId: t.id({
    required: true,
    description: 'Service whose function the job calls: ID, handle or address.',
  }),
  function: t.string({
    defaultValue: 'default',
    description: 'Name of the function. Null: the first function of the service.',
  }),
  parameters: t.field({
    type: 'JSON',
    description: 'Parameters of the function, stored and returned unchanged. Default: null.',
  }),
  priority: t.int({
    defaultValue: 0,
    description:
      'Priority, from -32768 to 32767: jobs with a higher one are claimed first. Of one priority, jobs with a waiting caller come first, then the oldest.',
  }),
  lane: t.string({
    description:
      'Name of a lane: jobs of the same lane run one at a time, by priority and then in the order of submission, whether callers wait for them or not. Default: no lane.',
  }),
  runAfter: t.field({
    type: 'DateTime',
    description: 'Earliest time at which the job can be claimed. Default: at once.',
  }),
  maxAttempts: t.int({
    defaultValue: 1,
    description:
      'Largest number of attempts, 1 to 1000. The pause before a new attempt is 1 second after the first failure and doubles with each, up to 10 minutes.',
  }),
  timeoutSeconds: t.int({
    description: 'Largest duration of one attempt in seconds, at least 1. Default: no limit.',
  }),
  retainSeconds: t.int({
    description:
      'Seconds to keep the job after it finished. Default: the retention of the server (setting JOB_RETENTION_SECONDS).',
  }),
  labels: t.field({
    type: [NameValueInput],
    description: 'Labels to find the job by, at most 50. Default: none.',
  }),
  projectId: t.id({
    description:
      'Project that the job belongs to: ID, handle or address, in the organization of the service. Default: none.',
  }),
  ...namingFields(t),
})

mutation('submitJob', {
  description: 'Submits a job to the queue of a service. Requires the DEVELOPER role.',
  input: (t) => ({ ...jobFields(t), ...waiting(t) }),
  check: submitRule,
  errors: [Unavailable],
  resolve: async (ctx, input) => {
    const [job] = await submitJobs(ctx, [input], () => [])
    if (job === undefined) throw new Error('A job that was submitted is not there.')
    return { job: await waitForEnd(ctx, job, input.waitSeconds) }
  },
  again: 'repeat', // the same call submits the same job
  success: (t) => ({
    job: t.field({
      type: JobType,
      description: 'The job. It is finished if it finished within `waitSeconds`.',
      resolve: ({ job }) => job,
    }),
  }),
})

const SubmitJobsItem = builder.inputType('SubmitJobsItem', {
  description: 'One job to submit.',
  fields: jobFields,
})

mutation('submitJobs', {
  description: `Submits up to ${MAX_JOBS} jobs, all or none. Issues name the position in the list. Requires the DEVELOPER role.`,
  input: (t) => ({
    jobs: t.field({
      type: [SubmitJobsItem],
      required: true,
      description: `Jobs to submit, 1 to ${MAX_JOBS}.`,
    }),
  }),
  check: submitManyRule,
  errors: [Unavailable],
  resolve: async (ctx, { jobs }) => ({
    jobs: await submitJobs(ctx, jobs, (place) => ['jobs', String(place)]),
  }),
  again: 'repeat', // the same call submits the same jobs
  success: (t) => ({
    jobs: t.field({
      type: [JobType],
      description: 'The jobs in the given order.',
      resolve: ({ jobs }) => jobs,
    }),
  }),
})

mutation('cancelJob', {
  description:
    'Cancels a job. A queued job, and a running job without a lease, is canceled at once. Any other running job is asked to stop: its worker learns of the cancellation with the next heartbeat. At the deadline the job is taken away from the worker. Requires the DEVELOPER role.',
  input: (t) => ({
    ...which(t),
    reason: t.string({ description: 'Reason, stored as `message` of the event. Default: none.' }),
  }),
  check: cancelRule,
  errors: [WrongState],
  resolve: async (ctx, input) => ({ job: await cancelJob(ctx, input) }),
  again: 'repeat', // what is canceled already is answered as it is
  success: asJob,
})

mutation('retryJob', {
  description: 'Runs a finished job again, as a new job. Requires the DEVELOPER role.',
  input: (t) => ({ ...which(t), ...waiting(t) }),
  check: waitRule,
  errors: [WrongState],
  resolve: async (ctx, input) => ({
    job: await waitForEnd(ctx, await retryJob(ctx, input), input.waitSeconds),
  }),
  again: 'repeat', // the same call submits the same job
  success: asJob,
})

const bulkFields = (t: Inputs) => ({
  organizationId: t.id({
    description:
      'Organization: ID, handle or address. Required when the caller is a member of several organizations.',
  }),
  filter: t.field({
    type: JobFilterInput,
    required: true,
    description:
      'Criteria for the jobs. An empty filter matches all jobs of the organization. A service or job that it names must exist, otherwise the result is NotFound.',
  }),
  ...waiting(t),
})
const asBulk = (
  t: PothosSchemaTypes.ObjectFieldBuilder<Types, { job: JobRow; matched: number }>,
) => ({
  job: t.field({
    type: JobType,
    description: 'The job that performs the operation, with its progress.',
    resolve: ({ job }) => job,
  }),
  matched: t.field({
    type: 'SafeInt',
    description: 'Number of jobs that matched at the time of the call.',
    resolve: ({ matched }) => matched,
  }),
})
const bulk = async (
  ctx: Context,
  name: Parameters<typeof submitBulk>[1],
  input: Parameters<typeof submitBulk>[2],
) => {
  const { job, matched } = await submitBulk(ctx, name, input)
  return { job: await waitForEnd(ctx, job, input.waitSeconds), matched }
}
const bulkAgain = async (ctx: Context, id: string) => {
  const job = found(await jobById(ctx, id), 'job', JobId.text(id))
  allow(ctx.viewer, 'DEVELOPER', job.organizationId)
  return { job, matched: await matchedBy(ctx, job) }
}

mutation('cancelJobs', {
  description:
    'Cancels all jobs that match the filter and have not finished. A job performs the operation. Requires the DEVELOPER role.',
  input: (t) => ({
    ...bulkFields(t),
    reason: t.string({ description: 'Reason, stored as `message` of the event. Default: none.' }),
  }),
  check: cancelManyRule,
  resolve: (ctx, input) => bulk(ctx, CANCEL_MANY, input),
  again: bulkAgain,
  success: asBulk,
})

mutation('retryJobs', {
  description:
    'Runs all failed jobs that match the filter again or, when the filter has `statuses`, all finished jobs in one of these states. A job performs the operation. Left out are jobs of deleted services and jobs that were run again already; a new run that failed too is not left out. Requires the DEVELOPER role.',
  input: bulkFields,
  check: retryManyRule,
  resolve: (ctx, input) => bulk(ctx, RETRY_MANY, input),
  again: bulkAgain,
  success: asBulk,
})

mutation('amendJob', {
  description:
    'Sets the status or the result of a job outside its usual course. The history records it with its actor. Every lease of the job ends, unless only annotations are set. Requires the DEVELOPER role; the WORKER role is enough for a queued job of a queue, and for a job that the same credential claimed or amended last.',
  input: (t) => ({
    ...which(t),
    status: t.field({ type: JobStatusType, description: 'New status. Default: unchanged.' }),
    result: t.field({
      type: 'JSON',
      description: 'New result, which must match the schema of results. Default: unchanged.',
    }),
    reason: t.string({ description: 'Reason, stored as `message` of the event. Default: none.' }),
    ...annotationField(t),
  }),
  check: amendRule,
  errors: [Unavailable],
  resolve: async (ctx, input) => ({ job: await amendJob(ctx, input) }),
  again: async (ctx, id) => ({ job: await amendedBefore(ctx, id) }),
  success: asJob,
})
