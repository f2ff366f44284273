import { builder } from '../../../builder.ts'
import { mutation } from '../../../graph/mutation.ts'
import { StaleLease, Unavailable } from '../../../kit/errors.ts'
import { isMoreThanPublished, type PartialJob } from '../../columns.ts'
import { JobType } from '../../event-types.ts'
import {
  completeManyRule,
  completeRule,
  failRule,
  logRule,
  MAX_COMPLETIONS,
  MAX_LINES,
} from '../../rules.ts'
import { appendJobLog } from '../log.ts'
import { completeJob, completeJobs, failJob, refusals } from '../reports.ts'
import { leaseFields } from './fields.ts'

type Types = typeof builder.$inferSchemaTypes

const asEnded = (t: PothosSchemaTypes.ObjectFieldBuilder<Types, PartialJob>) => ({
  job: t.field({
    type: JobType,
    description: 'The job after the change.',
    resolve: (job) => job,
  }),
})

mutation('completeJob', {
  description:
    'Reports the result of a job. The first accepted result stays. Requires the WORKER role.',
  input: (t) => ({
    ...leaseFields(t),
    result: t.field({
      type: 'JSON',
      description: 'Result of the job, which must match the schema of results. Default: null.',
    }),
  }),
  check: completeRule,
  errors: [StaleLease, Unavailable],
  resolve: (ctx, input, _onceAs, asked) =>
    completeJob(ctx, input, isMoreThanPublished(asked.get('job'))),
  again: 'repeat',
  success: asEnded,
})

const CompleteJobsItem = builder.inputType('CompleteJobsItem', {
  description: 'Result of one claimed job.',
  fields: (t) => ({
    ...leaseFields(t),
    result: t.field({
      type: 'JSON',
      description: 'Result of the job, which must match the schema of results. Default: null.',
    }),
  }),
})

const JobCompletionType = builder
  .objectRef<PartialJob>('JobCompletion')
  .implement({ description: 'An accepted result.', fields: asEnded })

const JobCompletionResult = builder.unionType('JobCompletionResult', {
  description: 'Outcome of one reported result.',
  types: [JobCompletionType, ...refusals],
  resolveType: (outcome) =>
    refusals.find(({ name }) => 'name' in outcome && outcome.name === name) ?? JobCompletionType,
})

mutation('completeJobs', {
  description: `Reports the results of up to ${MAX_COMPLETIONS} jobs, each in the way of \`completeJob\` and independent of the others. Requires the WORKER role.`,
  input: (t) => ({
    jobs: t.field({
      type: [CompleteJobsItem],
      required: true,
      description: `The jobs with their results, 1 to ${MAX_COMPLETIONS}.`,
    }),
  }),
  check: completeManyRule,
  resolve: async (ctx, input, _onceAs, asked) => ({
    completions: await completeJobs(
      ctx,
      input,
      isMoreThanPublished(asked.get('completions')?.get('job')),
    ),
  }),
  again: 'repeat',
  success: (t) => ({
    completions: t.field({
      type: [JobCompletionResult],
      description: 'Outcome of each result, in the given order.',
      resolve: ({ completions }) => completions,
    }),
  }),
})

mutation('failJob', {
  description:
    'Reports that an attempt failed. The job is retried while attempts are left and `isRetryable` is true. A job whose cancellation was requested becomes CANCELED. Requires the WORKER role.',
  input: (t) => ({
    ...leaseFields(t),
    message: t.string({
      required: true,
      description: 'Description of the failure in one sentence, for people.',
    }),
    detail: t.field({
      type: 'JSON',
      description: 'Further details of the failure. Default: none.',
    }),
    isRetryable: t.boolean({
      defaultValue: true,
      description: 'Whether another attempt might succeed.',
    }),
  }),
  check: failRule,
  errors: [StaleLease],
  resolve: async (ctx, input) => ({ job: await failJob(ctx, input) }),
  again: 'repeat',
  success: (t) => ({
    job: t.field({
      type: JobType,
      description: 'The job after the change.',
      resolve: ({ job }) => job,
    }),
  }),
})

mutation('appendJobLog', {
  description: `Appends up to ${MAX_LINES} lines to the log of a job. \`firstLine\` counts the lines of this attempt from 1, so lines that are sent again are not stored twice. Requires the WORKER role.`,
  input: (t) => ({
    ...leaseFields(t),
    firstLine: t.field({
      type: 'SafeInt',
      required: true,
      description: 'Number of the first of these lines within the attempt: 1, 2, 3 …',
    }),
    lines: t.stringList({ required: true, description: 'The lines, without line ends.' }),
    unfinished: t.intList({
      description:
        'Indexes in `lines`, from 0, of unfinished lines such as a progress bar. The next line of the attempt replaces each of them on display; it counts as a line all the same. Default: none.',
    }),
  }),
  check: logRule,
  errors: [StaleLease],
  resolve: async (ctx, input) => ({ nextLine: await appendJobLog(ctx, input) }),
  again: 'repeat',
  success: (t) => ({
    nextLine: t.field({
      type: 'SafeInt',
      description: 'Value of `firstLine` for the next call.',
      resolve: ({ nextLine }) => nextLine,
    }),
  }),
})
