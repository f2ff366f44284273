import { LIMIT_CHOICES, meantBy, theOne } from '../addresses/index.ts'
import { organizationsOf, workplacesOf } from '../auth/viewer.ts'
import type { Context } from '../context.ts'
import { Prisma, type JobAttempt, type Service } from '../generated/prisma/client.ts'
import type { AskedFields } from '../graph/look-ahead.ts'
import { batched, batchedAlike, groupedBy } from '../kit/batched.ts'
import {
  countsOf,
  findJobs,
  findValues,
  isThere,
  jobNaming,
  valueOf,
  type JobCounts,
  type JobRow,
  type KeptValue,
} from '../job-engine/index.ts'
import { jobSelection, type JobSelection, type PartialJob } from './columns.ts'

/** By id or address; null for the absent, the expired and the foreign alike. Throws Ambiguous. */
export const jobNamed = (
  ctx: Context,
  text: string,
  organizations = organizationsOf(ctx.viewer),
): Promise<JobRow | null> => named<JobRow>(ctx, text, organizations, jobSelection(undefined))

/** The same as far as it is asked for. */
export const jobAsked = (
  ctx: Context,
  text: string,
  asked: AskedFields,
): Promise<PartialJob | null> =>
  named<PartialJob>(ctx, text, organizationsOf(ctx.viewer), jobSelection(asked))

async function named<Row extends PartialJob>(
  ctx: Context,
  text: string,
  organizations: readonly string[],
  selection: JobSelection,
): Promise<Row | null> {
  const meant = await meantBy(ctx, jobNaming, 'j', text, organizations)
  if (meant === null || meant.form === 'handle') return null // it has none
  const rows = await ctx.database.read<Row>(
    Prisma.sql`
      SELECT ${selection.sql} FROM "Job" AS j
      WHERE j."organizationId" = ANY(${organizations}::uuid[]) AND ${isThere('j')} AND ${meant.where} ${LIMIT_CHOICES}`,
    `job-by-${meant.form}-${selection.key}`,
  )
  return theOne(ctx, jobNaming, text, rows)
}

/** The key of a job that a worker names: its id, read without a look-up, or what an address leads to. */
export async function jobKey(ctx: Context, text: string): Promise<string | undefined> {
  const id = jobNaming.kind.read(text)
  return id ?? (await jobNamed(ctx, text, workplacesOf(ctx.viewer)))?.id
}

/** A job of an organization whose objects the viewer may read. */
export const jobById = batched<Context, JobRow>((ctx, ids) =>
  findJobs(ctx.database, ids, organizationsOf(ctx.viewer)),
)

/** A job that the viewer may work on, whoever does now. */
export const jobAtWork = batched<Context, JobRow>((ctx, ids) =>
  findJobs(ctx.database, ids, workplacesOf(ctx.viewer)),
)

/** The services of jobs, also deleted ones, of organizations for whose jobs the viewer may work. */
export const serviceOfJob = batched<Context, Service>((ctx, ids) =>
  ctx.database.read(
    Prisma.sql`
      SELECT * FROM "Service" WHERE id = ANY(${ids}::uuid[])
        AND "organizationId" = ANY(${workplacesOf(ctx.viewer)}::uuid[])`,
    'services-of-jobs',
  ),
)

/** Parameters and results of many jobs with one statement a tick. */
const keptValues = batched(({ database }: Context, ids) => findValues(database, ids))

/** The JSON text of a job's parameters; undefined where there is none. */
export const parametersOf = (
  ctx: Context,
  { id, parameters, parametersKey }: Pick<JobRow, 'id' | 'parameters' | 'parametersKey'>,
): Promise<string | undefined> => textOf(ctx, id, 'parameters', parameters, parametersKey)

/** The same of its result. */
export const resultOf = (
  ctx: Context,
  { id, result, resultKey }: Pick<JobRow, 'id' | 'result' | 'resultKey'>,
): Promise<string | undefined> => textOf(ctx, id, 'result', result, resultKey)

async function textOf(
  ctx: Context,
  id: string,
  which: 'parameters' | 'result',
  atHand: string | null | undefined,
  key: string | null,
): Promise<string | undefined> {
  const kept = atHand !== undefined || key !== null ? null : await keptValues(ctx, id)
  const text = (atHand === undefined ? kept?.[which] : atHand) ?? null
  const value: KeptValue = { text, key }
  return valueOf(ctx, value, ctx.operation)
}

/** The attempts of many jobs with one statement a tick, oldest first. */
export const attemptsOf = batchedAlike(async ({ database }: Context, ids) => {
  const rows = await database.read<JobAttempt>(
    Prisma.sql`SELECT * FROM "JobAttempt" WHERE "jobId" = ANY(${[...ids]}::uuid[]) ORDER BY "jobId", number`,
    'attempts-of-jobs',
  )
  return groupedBy(rows, ({ jobId }) => jobId)
})

/** One attempt of a job that the viewer may read. */
export async function attemptOf(
  ctx: Context,
  { whole, number }: { readonly whole: string; readonly number: number },
): Promise<JobAttempt | null> {
  if ((await jobById(ctx, whole)) === null) return null
  const attempts = await attemptsOf(ctx, whole)
  return attempts?.find((one) => one.number === number) ?? null
}

/** The counters of many services with one statement a tick. */
export const countsOfService = batchedAlike<Context, unknown, JobCounts>(({ database }, ids) =>
  countsOf(database, ids),
)
