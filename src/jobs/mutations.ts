import { annotationField, namingFields } from '../addresses/index.ts'
import { builder } from '../builder.ts'
import { mutation } from '../graph/mutation.ts'
import { QuotaReached, Unavailable, WrongState } from '../kit/errors.ts'
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
  id: t.id({ required: true, description: 'Which: id or address.' }),
})
const waiting = (t: Inputs) => ({
  waitSeconds: t.int({
    defaultValue: 0,
    description: `How long to wait for the end before answering: 0 to ${MAX_SUBMIT_WAIT}. A job that is waited for goes before others of its priority.`,
  }),
})
const asJob = (t: PothosSchemaTypes.ObjectFieldBuilder<Types, { job: JobRow }>) => ({
  job: t.field({
    type: JobType,
    description: 'The job as it is now.',
    resolve: ({ job }) => job,
  }),
})

const SubmitJobInput = mutation('submitJob', {
  description: "Puts a job into a service's queue.",
  input: (t) => ({
    serviceId: t.id({
      required: true,
      description: 'Whose function to call: id, handle or address.',
    }),
    function: t.string({
      defaultValue: 'default',
      description: 'Which function; null: the first of the service.',
    }),
    parameters: t.field({
      type: 'JSON',
      description: 'What to call it with; kept and given back as it is.',
    }),
    priority: t.int({
      defaultValue: 0,
      description:
        'Higher ones are claimed first; of one priority those that somebody waits for, then in order.',
    }),
    lane: t.string({
      description:
        'Jobs of one lane run one at a time, by priority and then in order, whoever waits for them.',
    }),
    runAfter: t.field({ type: 'DateTime', description: 'Not to be claimed before.' }),
    maxAttempts: t.int({
      defaultValue: 1,
      description: 'How often it is tried, with a pause that doubles after each failure.',
    }),
    timeoutSeconds: t.int({ description: 'How long one attempt may take.' }),
    retainSeconds: t.int({
      description: 'How long it is kept after its end; null: by the retention of the organization.',
    }),
    labels: t.field({ type: [NameValueInput], description: 'To find it by; at most 50.' }),
    projectId: t.id({
      description:
        'Which project it is part of: id, handle or address of one of the same organization.',
    }),
    ...waiting(t),
    ...namingFields(t),
  }),
  check: submitRule,
  errors: [QuotaReached, Unavailable],
  resolve: async (ctx, input) => {
    const [job] = await submitJobs(ctx, [input], () => [])
    if (job === undefined) throw new Error('A job that was submitted is not there.')
    return { job: await waitForEnd(ctx, job, input.waitSeconds) }
  },
  again: 'repeat', // the same call submits the same job
  success: (t) => ({
    job: t.field({
      type: JobType,
      description: 'The job; finished if it ended within waitSeconds.',
      resolve: ({ job }) => job,
    }),
  }),
})

mutation('submitJobs', {
  description: `Puts up to ${MAX_JOBS} jobs, all or none; issues name the place in the list.`,
  input: (t) => ({
    jobs: t.field({
      type: [SubmitJobInput],
      required: true,
      description: 'The jobs, without keys of their own and not waited for.',
    }),
  }),
  check: submitManyRule,
  errors: [QuotaReached, Unavailable],
  resolve: async (ctx, { jobs }) => ({
    jobs: await submitJobs(ctx, jobs, (place) => ['jobs', String(place)]),
  }),
  again: 'repeat', // the same call submits the same jobs
  success: (t) => ({
    jobs: t.field({
      type: [JobType],
      description: 'The jobs, in the order given.',
      resolve: ({ jobs }) => jobs,
    }),
  }),
})

mutation('cancelJob', {
  description:
    'Ends a queued job at once, and asks for the end of a running one: its worker hears of it with the next heartbeat, and is taken the job at the deadline.',
  input: (t) => ({ ...which(t), reason: t.string({ description: 'Why, for the record.' }) }),
  check: cancelRule,
  errors: [WrongState],
  resolve: async (ctx, input) => ({ job: await cancelJob(ctx, input) }),
  again: 'repeat', // what is canceled already is answered as it is
  success: asJob,
})

mutation('retryJob', {
  description: 'Runs a finished job again as a new one.',
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
  organizationId: t.id({ description: 'Where, for members of several.' }),
  filter: t.field({
    type: JobFilterInput,
    required: true,
    description: 'Criteria for the jobs. Without any, all jobs of the organization.',
  }),
  ...waiting(t),
})
const asBulk = (
  t: PothosSchemaTypes.ObjectFieldBuilder<Types, { job: JobRow; matched: number }>,
) => ({
  job: t.field({
    type: JobType,
    description: 'The job that does it, with its progress.',
    resolve: ({ job }) => job,
  }),
  matched: t.field({
    type: 'SafeInt',
    description: 'How many jobs it was for when it was asked for.',
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
  description: 'Cancels all that match and have not ended, as a job of its own.',
  input: (t) => ({ ...bulkFields(t), reason: t.string({ description: 'Why, for the record.' }) }),
  check: cancelManyRule,
  resolve: (ctx, input) => bulk(ctx, CANCEL_MANY, input),
  again: bulkAgain,
  success: asBulk,
})

mutation('retryJobs', {
  description:
    'Runs all that match and have failed again, as a job of its own; where the filter names states, all that have ended in one of them. Left out are those that were run again before (a run that has failed too is not), and those of services that were deleted.',
  input: bulkFields,
  check: retryManyRule,
  resolve: (ctx, input) => bulk(ctx, RETRY_MANY, input),
  again: bulkAgain,
  success: asBulk,
})

mutation('amendJob', {
  description:
    'Needs DEVELOPER; of a job of a queue that waits, or that the same credential has claimed or amended last, WORKER. Sets status and result outside the usual course, on record with its actor; ends any lease unless it sets nothing but annotations, keeps the result unless one is given.',
  input: (t) => ({
    ...which(t),
    status: t.field({ type: JobStatusType, description: 'Any state; as it is when absent.' }),
    result: t.field({
      type: 'JSON',
      description: 'What it came to; as it is when absent. It must fit the schema of results.',
    }),
    reason: t.string({ description: 'Why, for the record.' }),
    ...annotationField(t),
  }),
  check: amendRule,
  errors: [Unavailable],
  resolve: async (ctx, input) => ({ job: await amendJob(ctx, input) }),
  again: async (ctx, id) => ({ job: await amendedBefore(ctx, id) }),
  success: asJob,
})
