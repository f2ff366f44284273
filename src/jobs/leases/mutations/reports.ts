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
    description: 'The job as it is now.',
    resolve: (job) => job,
  }),
})

mutation('completeJob', {
  description: 'Needs WORKER. Delivers the result; the first that is accepted stays.',
  input: (t) => ({
    ...leaseFields(t),
    result: t.field({ type: 'JSON', description: 'It must fit the schema of results.' }),
  }),
  check: completeRule,
  errors: [StaleLease, Unavailable],
  resolve: (ctx, input, _onceAs, asked) =>
    completeJob(ctx, input, isMoreThanPublished(asked.get('job'))),
  again: 'repeat',
  success: asEnded,
})

const CompleteJobsItem = builder.inputType('CompleteJobsItem', {
  description: 'The result of one held job.',
  fields: (t) => ({
    ...leaseFields(t),
    result: t.field({ type: 'JSON', description: 'It must fit the schema of results.' }),
  }),
})

const JobCompletionType = builder
  .objectRef<PartialJob>('JobCompletion')
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
      description: 'What became of each, in their order.',
      resolve: ({ completions }) => completions,
    }),
  }),
})

mutation('failJob', {
  description:
    'Needs WORKER. Reports failure; retried while attempts are left and it is retryable. A job whose end was asked for is canceled by it.',
  input: (t) => ({
    ...leaseFields(t),
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
  success: (t) => ({
    job: t.field({
      type: JobType,
      description: 'The job as it is now.',
      resolve: ({ job }) => job,
    }),
  }),
})

mutation('appendJobLog', {
  description: `Needs WORKER. Adds up to ${MAX_LINES} lines; firstLine counts this attempt's own lines from 1, so repeats do no harm.`,
  input: (t) => ({
    ...leaseFields(t),
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
