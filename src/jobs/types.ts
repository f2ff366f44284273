import { addressable, AddressableInterface } from '../addresses/index.ts'
import { builder } from '../builder.ts'
import { MAX_ENTRIES } from '../events/index.ts'
import type { JobAttempt } from '../generated/prisma/client.ts'
import { connectionOf, pageArgs } from '../graph/connection.ts'
import { LiveInterface } from '../graph/live.ts'
import { findNode, isNode, NodeInterface, typeIdOf } from '../graph/node.ts'
import { hasStates } from '../graph/machine.ts'
import { openToWorkers } from '../graph/workers.ts'
import type { Actor } from '../kit/actor.ts'
import { JsonText } from '../kit/json/json.ts'
import { LogFilterInput, LogLineConnection } from '../logs/index.ts'
import { ActorType } from '../organizations/index.ts'
import { projects, ProjectType } from '../projects/index.ts'
import { ServiceInterface } from '../services/index.ts'
import { NameValueType } from '../uploads/index.ts'
import {
  AttemptId,
  isFinal,
  JobId,
  jobMoves,
  jobNaming,
  type JobError,
  type JobRow,
} from '../job-engine/index.ts'
import { AttemptOutcomeType, JobActionType, JobErrorKindType, JobStatusType } from './enums.ts'
import { JobEventConnection, JobType } from './event-types.ts'
import { withAsOf, type JobPage } from './as-of.ts'
import { jobFields, type PartialJob } from './columns.ts'
import { jobEventPages, pageOfJobLog, retryPages } from './pages.ts'
import { jobForWorker, jobViewerActions, readOutcome, serviceOf } from './permit.ts'
import { attemptsOf, jobById, parametersOf, resultOf } from './store.ts'

const JobErrorType = builder.objectRef<JobError>('JobError').implement({
  description: 'Why it failed.',
  fields: (t) => ({
    kind: t.field({
      type: JobErrorKindType,
      description: 'What kind of failure.',
      resolve: ({ kind }) => kind,
    }),
    message: t.exposeString('message', { description: 'One sentence for people.' }),
    trace: t.string({
      nullable: true,
      description: 'Where in the code, if that is known.',
      resolve: ({ trace }) => trace ?? null,
    }),
    detail: t.field({
      type: 'JSON',
      nullable: true,
      description: 'What the worker added.',
      resolve: ({ detail }) => (detail === undefined ? null : new JsonText(detail)),
    }),
  }),
})

const JobAttemptType = builder.objectRef<JobAttempt>('JobAttempt').implement({
  description: 'One try by one worker.',
  fields: (t) => ({
    id: t.id({
      description: 'The job and the number of the attempt.',
      resolve: ({ jobId, number }) => `${AttemptId.text(jobId)}.${number}`,
    }),
    number: t.exposeInt('number', { description: '1, 2, 3 …' }),
    worker: t.exposeString('worker', { description: 'The name the worker gave itself.' }),
    outcome: t.field({
      type: AttemptOutcomeType,
      nullable: true,
      description: 'How it ended; null while it runs.',
      resolve: ({ outcome }) => outcome,
    }),
    error: t.field({
      type: JobErrorType,
      nullable: true,
      description: 'Why it failed.',
      resolve: ({ error }) => error as unknown as JobError | null, // the column holds a JobError
    }),
    startedAt: t.expose('startedAt', { type: 'DateTime', description: 'When it was claimed.' }),
    finishedAt: t.expose('finishedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it ended.',
    }),
  }),
})

interface JobProgress extends Pick<JobRow, 'fraction' | 'message'> {
  readonly progressAt: Date
}

const ProgressType = builder.objectRef<JobProgress>('Progress').implement({
  description: 'How far it is; fraction from 0 to 1.',
  fields: (t) => ({
    fraction: t.exposeFloat('fraction', { nullable: true, description: 'From 0 to 1.' }),
    message: t.exposeString('message', { nullable: true, description: 'In words.' }),
    at: t.field({
      type: 'DateTime',
      description: 'When the worker told it.',
      resolve: ({ progressAt }) => progressAt,
    }),
  }),
})

export const JobConnection = connectionOf<PartialJob>('Job', JobType, 'jobs')

builder.objectField(JobConnection, 'asOf', (t) =>
  t.string({
    nullable: true,
    description:
      'Cursor for `after` of jobsChanged with the same services and organization: nothing that happens after this list was read is missed. A list of the jobs or retries within one service belongs to jobsChanged with that service. Null for a list over several organizations.',
    resolve: (page: JobPage) => page.asOf ?? null,
  }),
)

builder.objectType(JobType, {
  description:
    'One call of a function, kept until it is done. Executed at least once; exactly one result is accepted. A WORKER reads it without what leads on from it: who submitted it, its project and subject, its attempts, log and events, other jobs. What came of it (result, error, progress) it reads while the job waits, and while it holds the job or was the last to.',
  extensions: openToWorkers([
    'id',
    'asOf',
    'revision',
    'address',
    'addresses',
    'annotations',
    'service',
    'function',
    'parameters',
    'result',
    'error',
    'status',
    'viewerActions',
    'priority',
    'runAfter',
    'progress',
    'attempt',
    'maxAttempts',
    'lane',
    'timeoutSeconds',
    'expiresAt',
    'cancelRequestedAt',
    'deadline',
    'labels',
    'createdAt',
    'startedAt',
    'finishedAt',
  ]),
  interfaces: [NodeInterface, AddressableInterface, LiveInterface],
  fields: (t) => ({
    // of the interfaces that have an id, Node's would be inherited, which knows no noun
    id: t.id({ description: 'Canonical id.', resolve: ({ id }) => JobId.text(id) }),
    service: t.field({
      type: ServiceInterface,
      description: 'Whose function it calls; also one that was deleted since.',
      resolve: (job, _args, ctx) => job.queue ?? serviceOf(ctx, job),
    }),
    function: t.string({
      description: 'The function it calls.',
      ...jobFields.column('function'),
    }),
    parameters: t.field({
      type: 'JSON',
      nullable: true,
      description: 'What the function is called with.',
      ...jobFields.from(
        ['parameters', 'parametersKey'],
        async (job, _args, ctx) => new JsonText((await parametersOf(ctx, job)) ?? 'null'),
      ),
    }),
    result: t.field({
      type: 'JSON',
      nullable: true,
      description: 'Null until it succeeded, or was given one by amendJob.',
      ...jobFields.from(['result', 'resultKey'], (job, _args, ctx) =>
        readOutcome<'result' | 'resultKey', JsonText | null>(ctx, job, async (now) => {
          const text = await resultOf(ctx, now)
          return text === undefined ? null : new JsonText(text)
        }),
      ),
    }),
    error: t.field({
      type: JobErrorType,
      nullable: true,
      description: 'Why it failed, or why its last attempt did.',
      ...jobFields.from(['error'], (job, _args, ctx) =>
        readOutcome<'error', JobError | null>(ctx, job, ({ error }) => error),
      ),
    }),
    status: t.field({
      type: JobStatusType,
      description: 'Its state.',
      resolve: ({ status }) => status,
    }),
    viewerActions: t.field({
      type: [JobActionType],
      description:
        'What the viewer may do to it now, by role and state; whatever is not here would answer Forbidden or WrongState.',
      ...jobFields.from(['heldBy'], (job, _args, ctx) => jobViewerActions(ctx, job)),
    }),
    priority: t.int({
      ...jobFields.column('priority'),
      description: 'Higher ones are claimed first; of one priority those that somebody waits for.',
    }),
    runAfter: t.field({
      ...jobFields.column('runAfter'),
      type: 'DateTime',
      nullable: true,
      description: 'It is not claimed before.',
    }),
    progress: t.field({
      type: ProgressType,
      nullable: true,
      description: 'How far its worker says it is.',
      ...jobFields.from(['fraction', 'message', 'progressAt'], (job, _args, ctx) =>
        readOutcome<'fraction' | 'message' | 'progressAt', JobProgress | null>(
          ctx,
          job,
          ({ progressAt, ...progress }) =>
            progressAt === null ? null : { ...progress, progressAt },
        ),
      ),
    }),
    attempt: t.int({
      ...jobFields.column('attempt'),
      description: 'Number of the newest attempt; 0 before.',
    }),
    maxAttempts: t.int({
      ...jobFields.column('maxAttempts'),
      description: 'How often it is tried; attempts that were given back do not count.',
    }),
    lane: t.string({
      ...jobFields.column('lane'),
      nullable: true,
      description: 'Jobs of one lane run one at a time, by priority and then in order.',
    }),
    subject: t.field({
      type: NodeInterface,
      nullable: true,
      description: 'What it is about: a program, model, pipeline, deployment.',
      ...jobFields.from(['subject'], ({ subject }, _args, ctx) =>
        subject === null ? null : findNode(ctx, typeIdOf(subject)),
      ),
    }),
    project: t.field({
      type: ProjectType,
      nullable: true,
      description: 'The project it is part of, if any; null once that was deleted.',
      ...jobFields.from(['projectId'], ({ projectId }, _args, ctx) =>
        projectId === null ? null : projects.byId(ctx, projectId),
      ),
    }),
    timeoutSeconds: t.int({
      ...jobFields.column('timeoutSeconds'),
      nullable: true,
      description: 'How long one attempt may take.',
    }),
    expiresAt: t.field({
      ...jobFields.column('expiresAt'),
      type: 'DateTime',
      nullable: true,
      description: 'From then on it is gone for every reader.',
    }),
    attempts: t.field({
      type: [JobAttemptType],
      description: 'All tries, oldest first.',
      resolve: async ({ id }, _args, ctx) => (await attemptsOf(ctx, id)) ?? [],
    }),
    cancelRequestedAt: t.field({
      ...jobFields.column('cancelRequestedAt'),
      type: 'DateTime',
      nullable: true,
      description: 'When somebody asked for its end.',
    }),
    deadline: t.field({
      ...jobFields.column('deadline'),
      type: 'DateTime',
      nullable: true,
      description: 'When it is taken from a worker that does not end it.',
    }),
    retryOf: t.field({
      type: JobType,
      nullable: true,
      description: 'The job that it runs again.',
      ...jobFields.from(['retryOfId'], ({ retryOfId }, _args, ctx) =>
        retryOfId === null ? null : jobById(ctx, retryOfId),
      ),
    }),
    root: t.field({
      type: JobType,
      description: 'The first of a line of retries; itself where that is gone or there is none.',
      ...jobFields.whole(
        async (job, _args, ctx) =>
          (job.rootId === null ? null : await jobById(ctx, job.rootId)) ?? job,
      ),
    }),
    retries: t.field({
      type: JobConnection,
      description: 'The jobs that run it again, oldest first.',
      args: pageArgs(t.arg),
      resolve: ({ id, serviceId }, args, ctx, info) =>
        withAsOf(ctx, info, { serviceId }, () => retryPages(ctx, id, args)),
    }),
    labels: t.field({
      type: [NameValueType],
      description: 'Names and values that its submitter gave it.',
      ...jobFields.from(
        ['labels'],
        ({ labels }) => labels as unknown as { name: string; value: string }[], // the column holds what submit wrote
      ),
    }),
    creator: t.field({
      type: ActorType,
      description: 'Who submitted it.',
      ...jobFields.from(
        ['creator'],
        ({ creator }) => creator as unknown as Actor, // the column holds an Actor
      ),
    }),
    createdAt: t.field({
      ...jobFields.column('createdAt'),
      type: 'DateTime',
      description: 'When it was submitted.',
    }),
    startedAt: t.field({
      ...jobFields.column('startedAt'),
      type: 'DateTime',
      nullable: true,
      description: 'When it was first claimed.',
    }),
    finishedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it reached its final state.',
      ...jobFields.from(['finishedAt'], ({ finishedAt, status }) =>
        isFinal(status) ? finishedAt : null,
      ),
    }),
    logs: t.field({
      type: LogLineConnection,
      description: 'Its log over all attempts, oldest line first.',
      args: {
        filter: t.arg({ type: LogFilterInput, description: 'Which lines.' }),
        ...pageArgs(t.arg, MAX_ENTRIES),
      },
      resolve: ({ id }, args, ctx) => pageOfJobLog(ctx, id, args),
    }),
    events: t.field({
      type: JobEventConnection,
      description: 'What happened to it, oldest first.',
      args: pageArgs(t.arg, MAX_ENTRIES),
      resolve: ({ id }, args, ctx) => jobEventPages(ctx, id, args),
    }),
  }),
})

addressable(JobType, jobNaming)
isNode(
  JobId,
  () => 'Job',
  async (ctx, id) => (await jobById(ctx, id)) ?? jobForWorker(ctx, JobId.text(id)),
)
hasStates('Job', jobMoves)
