import { isRefusal } from '../db/refusal.ts'
import { Prisma } from '../generated/prisma/client.ts'
import { gathered } from '../kit/gathered.ts'
import type { Store } from './move.ts'
import {
  endAttempts,
  writeCounters,
  setEnded,
  statusChange,
  advanceBy,
  writeEvents,
} from './record.ts'
import type { KeptValue, Report } from './report.ts'
import { jobColumns, publishedColumns } from './columns.ts'
import { isInStatus, type JobRow } from './row.ts'
import { publishJobs } from './publish.ts'

/** A result that ends a job. */
export interface Success extends Report {
  readonly result: KeptValue
  /** The schema that the result was checked against; null: it was checked against none. */
  readonly checkedBy: string | null
  /** Whether the job is to have all the columns of a JobRow. */
  readonly isWhole?: boolean
}

/** A job that has ended: what is published of it. */
export type Succeeded = Pick<JobRow, (typeof publishedColumns)[number]>

/**
 * Ends a job with its result; undefined when the fence is not that of the running attempt, or the result would have
 * to fit another schema than the one it was checked against. What comes in at one time is one statement.
 */
export const succeed: (store: Store, success: Success) => Promise<Succeeded | undefined> = gathered(
  ({ database }: Store) => database.shared,
  succeedAll,
  isRefusal,
)

async function succeedAll(
  store: Store,
  successes: readonly Success[],
): Promise<(Succeeded | undefined)[]> {
  const { database, config } = store
  const isWhole = successes.some((one) => one.isWhole)
  const of = <Value>(value: (success: Success) => Value): Value[] => successes.map(value)
  const rows = await database.query<Succeeded & { place: bigint }>(
    Prisma.sql`
      WITH moved AS (
        UPDATE "Job" AS t SET ${advanceBy(1)}, status = 'SUCCEEDED', result = s.result, "resultKey" = s.key, error = NULL,
          ${setEnded(config.jobRetentionMs)}
        FROM unnest(${of(({ jobId }) => jobId)}::uuid[], ${of(({ fence }) => fence)}::text[],
          ${of(({ organizationIds }) => organizationIds.join())}::text[], ${of(({ result }) => result.text)}::text[],
          ${of(({ result }) => result.key)}::text[], ${of(({ checkedBy }) => checkedBy)}::text[],
          ${of(({ actor }) => JSON.stringify(actor))}::jsonb[])
          WITH ORDINALITY AS s(id, fence, organizations, result, key, schema, actor, place)
        WHERE t.id = s.id AND t.fence = s.fence AND ${isInStatus('t', 'RUNNING')}
          AND t."organizationId"::text = ANY(string_to_array(s.organizations, ','))
          AND t."resultSchemaId" IS NOT DISTINCT FROM s.schema
        RETURNING t.*, s.place, s.actor),
      ${writeEvents(Prisma.sql`jsonb_set(moved.actor, '{name}', to_jsonb(moved.worker))`, [
        { kind: 'SUCCEEDED', changes: [statusChange('RUNNING', 'SUCCEEDED')] },
      ])},
      ${writeCounters('RUNNING', 'SUCCEEDED')},
      ${endAttempts('SUCCEEDED')}
      SELECT ${isWhole ? jobColumns('moved') : jobColumns('moved', publishedColumns)}, moved.place FROM moved`,
    { name: `succeed-jobs${isWhole ? '-whole' : ''}` },
  )
  if (rows.length > 0) publishJobs(store, rows)
  // of two that end one job, one has ended it
  const byPlace = new Map(rows.map((row) => [Number(row.place), row]))
  return successes.map((_, n) => byPlace.get(n + 1))
}
