import { FrontType } from '../addresses/index.ts'
import { found } from '../auth/viewer.ts'
import type { Context } from '../context.ts'
import { builder } from '../builder.ts'
import { DirectionType } from '../graph/order.ts'
import { TimeRangeInput } from '../graph/time-range.ts'
import { JobId } from '../job-engine/index.ts'
import { BadRequest } from '../kit/errors.ts'
import { serviceNamed } from '../services/index.ts'
import { NameValueInput } from '../uploads/index.ts'
import { JobStatusType } from './enums.ts'
import type { JobFilter } from './filter.ts'
import { filterRule, MAX_LISTED } from './rules.ts'
import { jobById, jobNamed } from './store.ts'

export const JobFilterInput = builder.inputType('JobFilter', {
  description: `Criteria for jobs. A job must meet all criteria that are given. A list has at most ${MAX_LISTED} entries and means any of them; an empty list matches no job. In \`allLabels\` a list means all of them. An empty text is no criterion.`,
  fields: (t) => ({
    ids: t.idList({ description: 'Jobs: IDs or addresses.' }),
    rootIds: t.idList({
      description:
        'Jobs, each with all runs in the chain of retries that begins with it: IDs or addresses.',
    }),
    serviceIds: t.idList({ description: 'Services of the jobs: IDs, handles or addresses.' }),
    functions: t.stringList({ description: 'Names of the functions that the jobs call.' }),
    statuses: t.field({ type: [JobStatusType], description: 'Statuses of the jobs.' }),
    workers: t.stringList({
      description:
        'Names of workers. Matches a job by its newest attempt, also after that has ended.',
    }),
    lanes: t.stringList({ description: 'Lanes of the jobs. Never matches a job without a lane.' }),
    labels: t.field({
      type: [NameValueInput],
      description: 'Labels. Matches a job that has at least one of them.',
    }),
    allLabels: t.field({
      type: [NameValueInput],
      description: 'Labels. Matches a job that has all of them; an empty list matches no job.',
    }),
    text: t.string({
      description:
        'Substring of the parameters, as the JSON was sent, or of the message of the error, ignoring case; at most 1,000 characters. Parameters above 256 kB are not searched. The search reads job by job and ends with TIMEOUT when it takes too long: narrow it by `serviceIds` or `createdAt`.',
    }),
    errorText: t.string({
      description:
        'Substring of the message of the error, ignoring case; at most 1,000 characters.',
    }),
    fronts: t.field({
      type: [FrontType],
      description: 'REST fronts: matches a job that clients of any of them can see.',
    }),
    createdAt: t.field({ type: TimeRangeInput, description: 'Time of the submission.' }),
    finishedAt: t.field({
      type: TimeRangeInput,
      description: 'Time at which a job reached its final state.',
    }),
  }),
})

const JobOrderFieldType = builder.enumType('JobOrderField', {
  description: 'Field by which the jobs are ordered.',
  values: {
    CREATED_AT: { description: 'Time of the submission.' },
    FINISHED_AT: {
      description: 'Time of the final state; leaves out jobs that have not reached one.',
    },
    DURATION: {
      description:
        'Time from `startedAt` to `finishedAt`, in milliseconds; leaves out jobs without either.',
    },
    PRIORITY: { description: 'Priority; DESC lists the highest first.' },
  } as const,
})

export const JobOrderInput = builder.inputType('JobOrder', {
  description:
    'Order of a list of jobs. Among equals, jobs are ordered by their submission, in the same direction.',
  fields: (t) => ({
    field: t.field({
      type: JobOrderFieldType,
      required: true,
      description: 'Field by which the jobs are ordered.',
    }),
    direction: t.field({
      type: DirectionType,
      required: true,
      defaultValue: 'DESC',
      description: 'Direction of the order.',
    }),
  }),
})

/**
 * A filter whose services and jobs are names, with their keys instead; what is not there finds nothing. Throws
 * BadRequest for criteria beyond their bounds, and Ambiguous for a name that several organizations of the viewer know,
 * unless `organizationId` says of which it is.
 */
export async function resolved(
  ctx: Context,
  filter: JobFilter | null | undefined,
  organizationId?: string,
): Promise<JobFilter | null | undefined> {
  if (!filter) return filter
  const { error } = filterRule.safeParse(filter)
  if (error !== undefined) {
    const { path = [], message = '' } = error.issues[0] ?? {}
    throw new BadRequest(`\`${['filter', ...path].join('.')}\`: ${message}`)
  }
  const { services, jobs, roots } = await named(ctx, filter, organizationId)
  const there = (all: typeof jobs) => all?.flatMap(([, key]) => key ?? [])
  return { ...filter, ids: there(jobs), rootIds: there(roots), serviceIds: there(services) }
}

/** The same, for what is about to be done: throws NotFound for the first name of nothing. */
export async function resolvedOrThrow(
  ctx: Context,
  filter: JobFilter,
  organizationId: string,
): Promise<JobFilter> {
  const { services, jobs, roots } = await named(ctx, filter, organizationId)
  const all = (noun: string, keys: typeof jobs) => keys?.map(([id, key]) => found(key, noun, id))
  return {
    ...filter,
    ids: all('job', jobs),
    rootIds: all('job', roots),
    serviceIds: all('service', services),
  }
}

/** What a filter names, each with its key if it is there. */
async function named(
  ctx: Context,
  { ids, rootIds, serviceIds }: JobFilter,
  organizationId?: string,
) {
  const organizations = organizationId === undefined ? undefined : [organizationId]
  const [jobs, roots, services] = await Promise.all([
    keysOf(ids, (id) => jobKeyOf(ctx, id, organizationId)),
    keysOf(rootIds, (id) => jobKeyOf(ctx, id, organizationId)),
    keysOf(serviceIds, async (id) => (await serviceNamed(ctx, id, undefined, organizations))?.id),
  ])
  return { jobs, roots, services }
}

/** Jobs by their ids with one statement, those by their addresses with one each. */
async function jobKeyOf(
  ctx: Context,
  text: string,
  organizationId: string | undefined,
): Promise<string | undefined> {
  const id = JobId.read(text)
  const organizations = organizationId === undefined ? undefined : [organizationId]
  const job = id === undefined ? await jobNamed(ctx, text, organizations) : await jobById(ctx, id)
  const isInside = organizationId === undefined || job?.organizationId === organizationId
  return isInside ? job?.id : undefined
}

const keysOf = async (
  names: readonly string[] | null | undefined,
  keyOf: (name: string) => Promise<string | undefined>,
): Promise<(readonly [name: string, key: string | undefined])[] | undefined> =>
  names ? Promise.all(names.map(async (name) => [name, await keyOf(name)] as const)) : undefined
