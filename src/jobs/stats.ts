import { builder } from '../builder.ts'
import type { Context } from '../context.ts'
import { Prisma } from '../generated/prisma/client.ts'
import { TimeRangeInput } from '../graph/time-range.ts'
import { batchedAlike, groupedBy } from '../kit/batched.ts'
import { BadRequest } from '../kit/errors.ts'
import { ServiceInterface } from '../services/index.ts'

interface Ask {
  readonly from: number
  readonly to: number
  readonly stepSeconds: number
}

interface Step {
  readonly at: Date
  readonly submitted: bigint
  readonly succeeded: bigint
  readonly failed: bigint
  readonly canceled: bigint
  readonly lost: bigint
  readonly waitP50Ms: number | null
  readonly waitP95Ms: number | null
  readonly runP50Ms: number | null
  readonly runP95Ms: number | null
}

/** Steps of one answer. */
const MAX_STEPS = 1_000

const JobStatsType = builder.objectRef<Step>('JobStats').implement({
  description: 'Jobs of a service in one interval. Expired jobs are not included.',
  fields: (t) => ({
    at: t.expose('at', { type: 'DateTime', description: 'Start of the interval.' }),
    submitted: t.field({
      type: 'SafeInt',
      description: 'Number of jobs submitted in the interval.',
      resolve: ({ submitted }) => submitted,
    }),
    succeeded: t.field({
      type: 'SafeInt',
      description: 'Number of jobs that succeeded in the interval.',
      resolve: ({ succeeded }) => succeeded,
    }),
    failed: t.field({
      type: 'SafeInt',
      description: 'Number of jobs that failed in the interval.',
      resolve: ({ failed }) => failed,
    }),
    canceled: t.field({
      type: 'SafeInt',
      description: 'Number of jobs that were canceled in the interval.',
      resolve: ({ canceled }) => canceled,
    }),
    lost: t.field({
      type: 'SafeInt',
      description: 'Number of attempts whose worker sent no heartbeat until its lease expired.',
      resolve: ({ lost }) => lost,
    }),
    waitP50Ms: t.exposeFloat('waitP50Ms', {
      nullable: true,
      description:
        'Median time from submission to the first claim of jobs that finished in the interval, in milliseconds. Null when there are none.',
    }),
    waitP95Ms: t.exposeFloat('waitP95Ms', {
      nullable: true,
      description:
        '95th percentile of the time from submission to the first claim of jobs that finished in the interval, in milliseconds. Null when there are none.',
    }),
    runP50Ms: t.exposeFloat('runP50Ms', {
      nullable: true,
      description:
        'Median time from the first claim to the end of jobs that finished in the interval, in milliseconds. Null when there are none.',
    }),
    runP95Ms: t.exposeFloat('runP95Ms', {
      nullable: true,
      description:
        '95th percentile of the time from the first claim to the end of jobs that finished in the interval, in milliseconds. Null when there are none.',
    }),
  }),
})

/** The steps of many services with one statement a tick; those in which nothing happened are there too. */
const stepsOf = batchedAlike(async ({ database }: Context, ids, ask: Ask) => {
  const { from, to, stepSeconds } = ask
  const [first, last] = [new Date(from), new Date(to)]
  const step = Prisma.sql`make_interval(secs => ${stepSeconds}::int)`
  const bin = (column: string): Prisma.Sql =>
    Prisma.sql`date_bin(${step}, ${Prisma.raw(column)}, ${first}::timestamptz)`
  const within = (column: string): Prisma.Sql =>
    Prisma.sql`${Prisma.raw(column)} >= ${first}::timestamptz AND ${Prisma.raw(column)} < ${last}::timestamptz`
  const services = Prisma.sql`${[...ids]}::uuid[]`
  const wait = Prisma.sql`extract(epoch FROM j."startedAt" - j."createdAt") * 1000`
  const run = Prisma.sql`extract(epoch FROM j."finishedAt" - j."startedAt") * 1000`
  const rows = await database.query<Step & { id: string }>(Prisma.sql`
    WITH steps AS (
      SELECT s.id, at FROM unnest(${services}) AS s(id),
        generate_series(${first}::timestamptz, ${last}::timestamptz - interval '1 millisecond', ${step}) AS at),
    begun AS (
      SELECT j."serviceId" AS id, ${bin('j."createdAt"')} AS at, count(*) AS submitted FROM "Job" AS j
      WHERE j."serviceId" = ANY(${services}) AND ${within('j."createdAt"')} GROUP BY 1, 2),
    ended AS (
      SELECT j."serviceId" AS id, ${bin('j."finishedAt"')} AS at,
        count(*) FILTER (WHERE j.status = 'SUCCEEDED') AS succeeded,
        count(*) FILTER (WHERE j.status = 'FAILED') AS failed,
        count(*) FILTER (WHERE j.status = 'CANCELED') AS canceled,
        percentile_disc(0.5) WITHIN GROUP (ORDER BY ${wait}) AS "waitP50Ms",
        percentile_disc(0.95) WITHIN GROUP (ORDER BY ${wait}) AS "waitP95Ms",
        percentile_disc(0.5) WITHIN GROUP (ORDER BY ${run}) AS "runP50Ms",
        percentile_disc(0.95) WITHIN GROUP (ORDER BY ${run}) AS "runP95Ms"
      FROM "Job" AS j WHERE j."serviceId" = ANY(${services}) AND ${within('j."finishedAt"')} GROUP BY 1, 2),
    silent AS (
      SELECT e."serviceId" AS id, ${bin('e.at')} AS at, count(*) AS lost FROM "JobEvent" AS e
      WHERE e."serviceId" = ANY(${services}) AND e.kind = 'LOST' AND ${within('e.at')} GROUP BY 1, 2)
    SELECT steps.id, steps.at, COALESCE(submitted, 0)::bigint AS submitted, COALESCE(succeeded, 0)::bigint AS succeeded,
      COALESCE(failed, 0)::bigint AS failed, COALESCE(canceled, 0)::bigint AS canceled, COALESCE(lost, 0)::bigint AS lost,
      "waitP50Ms"::float8 AS "waitP50Ms", "waitP95Ms"::float8 AS "waitP95Ms",
      "runP50Ms"::float8 AS "runP50Ms", "runP95Ms"::float8 AS "runP95Ms"
    FROM steps LEFT JOIN begun USING (id, at) LEFT JOIN ended USING (id, at) LEFT JOIN silent USING (id, at)
    ORDER BY steps.id, steps.at`)
  return groupedBy(rows, ({ id }) => id)
})

builder.interfaceField(ServiceInterface, 'jobStats', (t) =>
  t.field({
    type: [JobStatsType],
    description: `Statistics of the jobs of the service in successive intervals. At most ${MAX_STEPS} intervals.`,
    args: {
      at: t.arg({
        type: TimeRangeInput,
        required: true,
        description: 'Range of time. Default of `to`: now.',
      }),
      stepSeconds: t.arg.int({
        defaultValue: 60,
        description: 'Length of an interval in seconds, at least 1.',
      }),
    },
    resolve: async ({ id }, { at, stepSeconds }, ctx) => {
      const from = at.from.getTime()
      const seconds = stepSeconds ?? 60
      if (seconds < 1) throw new BadRequest('A step has at least one second.')
      // whole steps, so that all services of a list are asked about the same time
      const steps = Math.ceil(((at.to ?? ctx.now()).getTime() - from) / 1000 / seconds)
      const to = at.to?.getTime() ?? from + steps * seconds * 1000
      if (to <= from) return []
      if ((to - from) / 1000 / seconds > MAX_STEPS)
        throw new BadRequest(`Ask for at most ${MAX_STEPS} steps: longer ones, or a shorter time.`)
      return (await stepsOf(ctx, id, { from, to, stepSeconds: seconds })) ?? []
    },
  }),
)
