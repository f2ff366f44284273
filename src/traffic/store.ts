import DataLoader from 'dataloader'
import type { Context, Platform } from '../context.ts'
import { Prisma } from '../generated/prisma/client.ts'
import { perRequest } from '../kit/per-request.ts'
import type { Histogram } from './histogram.ts'
import type { Minute } from './minute.ts'
import type { TimeSteps } from './steps.ts'

/** Stores minutes over what this run of the server stored of them before. */
export async function keepMinutes(
  database: Platform['database'],
  run: string,
  minutes: readonly Minute[],
): Promise<void> {
  const rows = minutes.map(
    ({ serviceId, at, requests, errors, maxInFlight, instances, counts }) => {
      const buckets = [...counts.keys()].filter((bucket) => (counts[bucket] ?? 0) > 0)
      return {
        serviceId,
        minute: new Date(at),
        requests,
        errors,
        maxInFlight,
        instances,
        buckets,
        counts: buckets.map((bucket) => counts[bucket]),
      }
    },
  )
  await database.query(
    Prisma.sql`
      INSERT INTO "Traffic" ("serviceId", minute, run, requests, errors, "maxInFlight", instances, buckets, counts)
      SELECT "serviceId", minute, ${run}::uuid, requests, errors, "maxInFlight", instances, buckets, counts
      FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS r("serviceId" uuid, minute timestamptz, requests bigint,
        errors bigint, "maxInFlight" int, instances int, buckets int[], counts int[])
      ON CONFLICT ("serviceId", minute, run) DO UPDATE SET requests = excluded.requests, errors = excluded.errors,
        "maxInFlight" = excluded."maxInFlight", instances = excluded.instances, buckets = excluded.buckets,
        counts = excluded.counts`,
    { name: 'keep-traffic' },
  )
}

/** The calls of a service in one step of time, over all servers. */
export interface Counted extends Histogram {
  readonly step: number
  readonly requests: bigint
  readonly errors: bigint
  readonly maxInFlight: number
  readonly instances: number
}

interface Row extends Omit<Counted, 'buckets' | 'counts'> {
  readonly serviceId: string
  readonly buckets: number[] | null
  readonly counts: number[] | null
}

interface Wanted {
  readonly serviceId: string
  readonly steps: TimeSteps
}

const keyOf = ({ fromMs, toMs, stepMs }: TimeSteps): string => `${fromMs} ${toMs} ${stepMs}`

/** The steps of a service in which there were calls; those of many services with one statement a tick. */
export const trafficOf = perRequest(
  ({ database }: Context) =>
    new DataLoader<Wanted, Counted[]>(
      async (wanted) => {
        const found = new Map<string, Counted[]>()
        for (const [key, { steps }] of new Map(wanted.map((one) => [keyOf(one.steps), one]))) {
          const ids = wanted.filter((one) => keyOf(one.steps) === key).map((one) => one.serviceId)
          for (const { serviceId, buckets, counts, ...row } of await database.query<Row>(
            read([...new Set(ids)], steps),
            { name: 'read-traffic' },
          )) {
            const list = found.get(`${serviceId} ${key}`) ?? []
            list.push({ ...row, buckets: buckets ?? [], counts: counts ?? [] })
            found.set(`${serviceId} ${key}`, list)
          }
        }
        return wanted.map(({ serviceId, steps }) => found.get(`${serviceId} ${keyOf(steps)}`) ?? [])
      },
      { cache: false },
    ),
)

const read = (ids: string[], { fromMs, toMs, stepMs }: TimeSteps): Prisma.Sql => Prisma.sql`
  WITH kept AS (
    SELECT *, floor((extract(epoch FROM minute) * 1000 - ${fromMs}::float8) / ${stepMs}::float8)::int AS step
    FROM "Traffic" WHERE "serviceId" = ANY(${ids}::uuid[])
      AND minute >= to_timestamp(${fromMs / 1000}::float8) AND minute < to_timestamp(${toMs / 1000}::float8)),
  summed AS (
    SELECT "serviceId", step, sum(requests)::bigint AS requests, sum(errors)::bigint AS errors,
      max("maxInFlight") AS "maxInFlight", max(instances) AS instances
    FROM kept GROUP BY "serviceId", step),
  spread AS (
    SELECT "serviceId", step, bucket, sum(count)::float8 AS count
    FROM kept, unnest(buckets, counts) AS u(bucket, count) GROUP BY "serviceId", step, bucket),
  histograms AS (
    SELECT "serviceId", step, array_agg(bucket ORDER BY bucket) AS buckets, array_agg(count ORDER BY bucket) AS counts
    FROM spread GROUP BY "serviceId", step)
  SELECT * FROM summed LEFT JOIN histograms USING ("serviceId", step) ORDER BY step`
