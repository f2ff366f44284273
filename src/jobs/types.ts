import { addressable, AddressableInterface } from '../addresses/index.ts'
import { builder } from '../builder.ts'
import { streamArgs } from '../events/index.ts'
import type { JobAttempt } from '../generated/prisma/client.ts'
import { connectionOf, pageArgs } from '../graph/connection.ts'
import { LiveInterface } from '../graph/live.ts'
import { isNode, NodeInterface } from '../graph/node.ts'
import { hasStates } from '../graph/machine.ts'
import { openToWorkers } from '../graph/workers.ts'
import type { Actor } from '../kit/actor.ts'
import { JsonText } from '../kit/json/json.ts'
import {
  downloadArgs,
  downloadDescription,
  LogFilterInput,
  LogLineConnection,
  logUrl,
} from '../logs/index.ts'
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
import { JobOrderInput } from './inputs.ts'
import { jobEventPages, pageOfJobLog, retryPages } from './pages.ts'
import { jobForWorker, jobViewerActions, readOutcome, serviceOf } from './permit.ts'
import { attemptOf, attemptsOf, jobById, parametersOf, resultOf } from './store.ts'

const JobErrorType = builder.objectRef<JobError>('JobError').implement({
  description: 'Failure of a job or of an attempt.',
  fields: (t) => ({
    kind: t.field({
      type: JobErrorKindType,
      description: 'Kind of failure.',
      resolve: ({ kind }) => kind,
    }),
    message: t.exposeString('message', {
      description: 'Description of the failure in one sentence, for people.',
    }),
    detail: t.field({
      type: 'JSON',
      nullable: true,
      description: 'Further details that the worker reported. Null when there are none.',
      resolve: ({ detail }) => (detail === undefined ? null : new JsonText(detail)),
    }),
  }),
})

const JobAttemptType = builder.objectRef<JobAttempt>('JobAttempt').implement({
  description: 'One attempt of a worker to execute a job.',
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({
      description: 'ID of the attempt. It ends in the number of the attempt: `att_01k….2`.',
      resolve: ({ jobId, number }) => AttemptId.text(jobId, number),
    }),
    number: t.exposeInt('number', { description: 'Number of the attempt: 1, 2, 3 …' }),
    worker: t.exposeString('worker', { description: 'Name of the worker.' }),
    outcome: t.field({
      type: AttemptOutcomeType,
      nullable: true,
      description: 'Outcome of the attempt. Null while it runs.',
      resolve: ({ outcome }) => outcome,
    }),
    error: t.field({
      type: JobErrorType,
      nullable: true,
      description: 'Why the attempt failed. Null when it did not.',
      resolve: ({ error }) => error as unknown as JobError | null, // the column holds a JobError
    }),
    startedAt: t.expose('startedAt', { type: 'DateTime', description: 'Time of the claim.' }),
    finishedAt: t.expose('finishedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'Time at which the attempt ended. Null while it runs.',
    }),
  }),
})

interface JobProgress extends Pick<JobRow, 'fraction' | 'message'> {
  readonly progressAt: Date
}

const ProgressType = builder.objectRef<JobProgress>('Progress').implement({
  description: 'Progress of a job.',
  fields: (t) => ({
    fraction: t.exposeFloat('fraction', {
      nullable: true,
      description: 'Progress, from 0 to 1. Null when the worker reported none.',
    }),
    message: t.exposeString('message', {
      nullable: true,
      description: 'Description of the progress, for people. Null when the worker reported none.',
    }),
    at: t.field({
      type: 'DateTime',
      description: 'Time of the report.',
      resolve: ({ progressAt }) => progressAt,
    }),
  }),
})

export const JobConnection = connectionOf<PartialJob>('Job', JobType, 'jobs')

builder.objectField(JobConnection, 'asOf', (t) =>
  t.string({
    nullable: true,
    description:
      'Cursor for `after` of `jobsChanged` with the same services and organization: nothing that happens after this list was read is missed. A list of the jobs or retries within one service belongs to `jobsChanged` with that service. Null for a list over several organizations, and for one whose filter names a service that does not exist or is deleted.',
    resolve: (page: JobPage) => page.asOf ?? null,
  }),
)

builder.objectType(JobType, {
  description:
    'A call of a function of a service, stored until it expires after it finished. It is executed at least once, and exactly one result is accepted. A caller with the WORKER role does not see who submitted the job, nor its project, attempts, log, events and retries. Such a caller sees result, error and progress of a queued job, and of a job that it holds or was the last to hold.',
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
    id: t.id({ description: 'ID of the job.', resolve: ({ id }) => JobId.text(id) }),
    service: t.field({
      type: ServiceInterface,
      description: 'Service whose function the job calls. It may be deleted.',
      resolve: (job, _args, ctx) => job.queue ?? serviceOf(ctx, job),
    }),
    function: t.string({
      description: 'Name of the function.',
      ...jobFields.column('function'),
    }),
    parameters: t.field({
      type: 'JSON',
      nullable: true,
      description: 'Parameters of the function. Null when they are JSON null or none were given.',
      ...jobFields.from(
        ['parameters', 'parametersKey'],
        async (job, _args, ctx) => new JsonText((await parametersOf(ctx, job)) ?? 'null'),
      ),
    }),
    result: t.field({
      type: 'JSON',
      nullable: true,
      description: 'Result of the job. Null until the job succeeds or `amendJob` sets a result.',
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
      description: 'Why the job failed, or why its latest attempt did. Null when neither did.',
      ...jobFields.from(['error'], (job, _args, ctx) =>
        readOutcome<'error', JobError | null>(ctx, job, ({ error }) => error),
      ),
    }),
    status: t.field({
      type: JobStatusType,
      description: 'State of the job.',
      resolve: ({ status }) => status,
    }),
    viewerActions: t.field({
      type: [JobActionType],
      description:
        'Operations that the caller can perform on the job at present, by role and state. All others are refused.',
      ...jobFields.from(['heldBy'], (job, _args, ctx) => jobViewerActions(ctx, job)),
    }),
    priority: t.int({
      ...jobFields.column('priority'),
      description:
        'Priority: jobs with a higher one are claimed first. Of one priority, jobs with a waiting caller come first.',
    }),
    runAfter: t.field({
      ...jobFields.column('runAfter'),
      type: 'DateTime',
      nullable: true,
      description: 'Earliest time at which the job can be claimed. Null: at once.',
    }),
    progress: t.field({
      type: ProgressType,
      nullable: true,
      description: 'Latest progress. Null when the worker reported none.',
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
      description: 'Number of the newest attempt. 0 before the first.',
    }),
    maxAttempts: t.int({
      ...jobFields.column('maxAttempts'),
      description: 'Largest number of attempts. Attempts that were given back do not count.',
    }),
    lane: t.string({
      ...jobFields.column('lane'),
      nullable: true,
      description:
        'Lane of the job: jobs of the same lane run one at a time, by priority and then in the order of submission. Null: no lane.',
    }),
    project: t.field({
      type: ProjectType,
      nullable: true,
      description:
        'Project that the job belongs to. Null when there is none, and once the project is deleted.',
      ...jobFields.from(['projectId'], ({ projectId }, _args, ctx) =>
        projectId === null ? null : projects.byId(ctx, projectId),
      ),
    }),
    timeoutSeconds: t.int({
      ...jobFields.column('timeoutSeconds'),
      nullable: true,
      description: 'Largest duration of one attempt in seconds. Null: no limit.',
    }),
    expiresAt: t.field({
      ...jobFields.column('expiresAt'),
      type: 'DateTime',
      nullable: true,
      description:
        'Time at which the job is deleted. Null while the job is not finished, and when it is kept forever.',
    }),
    attempts: t.field({
      type: [JobAttemptType],
      description: 'All attempts, oldest first.',
      resolve: async ({ id }, _args, ctx) => (await attemptsOf(ctx, id)) ?? [],
    }),
    cancelRequestedAt: t.field({
      ...jobFields.column('cancelRequestedAt'),
      type: 'DateTime',
      nullable: true,
      description: 'Time at which the cancellation was requested. Null when it was not.',
    }),
    deadline: t.field({
      ...jobFields.column('deadline'),
      type: 'DateTime',
      nullable: true,
      description:
        'Time at which the job is taken away from a worker that does not stop. Null unless the cancellation of the running job was requested.',
    }),
    retryOf: t.field({
      type: JobType,
      nullable: true,
      description: 'The job that this job runs again. Null when there is none.',
      ...jobFields.from(['retryOfId'], ({ retryOfId }, _args, ctx) =>
        retryOfId === null ? null : jobById(ctx, retryOfId),
      ),
    }),
    root: t.field({
      type: JobType,
      description:
        'First job of the chain of retries. The job itself when it is the first, or when the first was deleted.',
      ...jobFields.whole(
        async (job, _args, ctx) =>
          (job.rootId === null ? null : await jobById(ctx, job.rootId)) ?? job,
      ),
    }),
    retries: t.field({
      type: JobConnection,
      description: 'Jobs that run this job again, oldest first by default.',
      args: {
        orderBy: t.arg({
          type: JobOrderInput,
          description: 'Order of the list. Default: oldest first.',
        }),
        ...pageArgs(t.arg),
      },
      resolve: ({ id, serviceId }, args, ctx, info) =>
        withAsOf(ctx, info, { serviceId }, () => retryPages(ctx, id, args)),
    }),
    labels: t.field({
      type: [NameValueType],
      description: 'Labels that the submitter gave the job.',
      ...jobFields.from(
        ['labels'],
        ({ labels }) => labels as unknown as { name: string; value: string }[], // the column holds what submit wrote
      ),
    }),
    creator: t.field({
      type: ActorType,
      description: 'Actor who submitted the job.',
      ...jobFields.from(
        ['creator'],
        ({ creator }) => creator as unknown as Actor, // the column holds an Actor
      ),
    }),
    createdAt: t.field({
      ...jobFields.column('createdAt'),
      type: 'DateTime',
      description: 'Time of submission.',
    }),
    startedAt: t.field({
      ...jobFields.column('startedAt'),
      type: 'DateTime',
      nullable: true,
      description: 'Time of the first claim. Null before it.',
    }),
    finishedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'Time at which the job reached its final state. Null before it.',
      ...jobFields.from(['finishedAt'], ({ finishedAt, status }) =>
        isFinal(status) ? finishedAt : null,
      ),
    }),
    logs: t.field({
      type: LogLineConnection,
      description: 'Log of the job over all attempts, oldest line first.',
      args: {
        filter: t.arg({ type: LogFilterInput, description: 'Criteria. Default: all lines.' }),
        ...streamArgs(t.arg),
      },
      resolve: ({ id }, args, ctx) => pageOfJobLog(ctx, id, args),
    }),
    logDownloadUrl: t.field({
      type: 'String',
      description: downloadDescription,
      args: downloadArgs(t.arg),
      resolve: ({ id }, args, ctx) =>
        logUrl(ctx, { id, name: JobId.text(id), title: JobId.text(id) }, args),
    }),
    events: t.field({
      type: JobEventConnection,
      description: 'Events of the job, oldest first.',
      args: streamArgs(t.arg),
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
isNode(AttemptId, () => 'JobAttempt', attemptOf)
hasStates('Job', jobMoves)
