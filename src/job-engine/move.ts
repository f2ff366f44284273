import type { Platform } from '../context.ts'
import { Prisma } from '../generated/prisma/client.ts'
import type { AttemptOutcome } from '../generated/prisma/enums.ts'
import type { Actor } from '../kit/actor.ts'
import type { FieldChange } from '../streams/index.ts'
import type { JobStatus } from './job.ts'
import {
  endAttempts,
  writeCounters,
  setEnded,
  advanceBy,
  writeEvents,
  type MoveEvent,
} from './record.ts'
import { jobColumns } from './columns.ts'
import { isInStatus, type JobRow } from './row.ts'
import { bulkStep, type BulkJob } from './bulk-step.ts'
import { publishJobs } from './publish.ts'

/** What moving jobs needs of a server. */
export type Store = Pick<Platform, 'database' | 'hub' | 'bus' | 'config' | 'metrics'>

/** A move of the jobs that fulfil a condition. `name` is that of its text, which is always the same. */
export interface Move {
  readonly name: string
  readonly from: JobStatus
  readonly to: JobStatus
  /** On `t`. */
  readonly where: Prisma.Sql
  /** Further columns of `t`. */
  readonly set?: Prisma.Sql
  readonly actor: Actor
  /** Whether it was done by the worker of the job, whose name the row knows. */
  readonly isByWorker?: boolean
  /** How the running attempt has ended. */
  readonly outcome?: AttemptOutcome
  readonly events: readonly MoveEvent[]
  /** A line in the history of the organization. */
  readonly act?: (moved: Prisma.Sql) => Prisma.Sql
  /** The job that it is a step of: it is done only while that is held, and counted there. */
  readonly bulk?: BulkJob | undefined
}

/** Moves them, with everything that a move writes, in one statement; publishes the moves, and answers the jobs moved. */
export async function move(store: Store, wanted: Move): Promise<JobRow[]> {
  const { name, from, to, where, set, outcome, events, act, bulk } = wanted
  const step = bulk && bulkStep(bulk)
  const parts = [
    ...(step ? [step.held] : []),
    Prisma.sql`
      moved AS (
        UPDATE "Job" AS t SET ${advanceBy(events.length)}, status = ${Prisma.raw(`'${to}'`)}::"JobStatus"
          ${leaving(store, from, to)} ${set === undefined ? Prisma.empty : Prisma.sql`, ${set}`}
        WHERE ${isInStatus('t', from)} AND ${where} ${step ? Prisma.sql`AND ${step.isHeld}` : Prisma.empty}
        RETURNING t.*)`,
    ...(step ? [step.added] : []),
    writeEvents(actorOf(wanted), events),
    writeCounters(from, to),
    ...(outcome === undefined ? [] : [endAttempts(outcome)]),
    ...(act === undefined ? [] : [act(Prisma.sql`moved`)]),
  ]
  const rows = await store.database.query<JobRow>(
    Prisma.sql`WITH ${Prisma.join(parts)} SELECT ${jobColumns('moved')} FROM moved ORDER BY serial`,
    { name },
  )
  if (rows.length > 0) publishJobs(store, rows)
  return rows
}

function actorOf({ actor, isByWorker = false }: Move): Prisma.Sql {
  const who = Prisma.sql`${JSON.stringify(actor)}::jsonb`
  return isByWorker ? Prisma.sql`jsonb_set(${who}, '{name}', to_jsonb(moved.worker))` : who
}

/** Sets of a job that does not run any more, and of one that ends. */
function leaving({ config }: Store, from: JobStatus, to: JobStatus): Prisma.Sql {
  switch (to) {
    case 'SUCCEEDED':
    case 'FAILED':
    case 'CANCELED':
      return Prisma.sql`, ${setEnded(config.jobRetentionMs)}`
    case 'QUEUED':
    case 'RUNNING':
      return from === 'RUNNING' && to === 'QUEUED' ? Prisma.sql`, ${released}` : Prisma.empty
  }
}

const released = Prisma.sql`"leaseExpiresAt" = NULL, "timeoutAt" = NULL, deadline = NULL`

/** What an event says of an attempt that failed: where its job went, and why. */
export const withError = (change: FieldChange): Prisma.Sql => Prisma.sql`jsonb_build_array(
  ${JSON.stringify(change)}::jsonb, jsonb_build_object('field', 'error', 'to', moved.error->>'message'))`

/** Waits before a failed job is tried again: a second, and twice as long each time. */
const MAX_BACKOFF_SECONDS = 600

/** When the job of `t` may be tried again after its attempt has failed. */
export const afterBackoff = Prisma.sql`clock_timestamp() + make_interval(secs =>
  LEAST(${Prisma.raw(String(MAX_BACKOFF_SECONDS))}, power(2, LEAST(t.attempt - t.spared - 1, 20))))`

/** Whether the job of `t` may be tried again; what is to be canceled is not. */
export const hasAttemptsLeft = Prisma.sql`(t.attempt - t.spared < t."maxAttempts")`
export const isToEnd = Prisma.sql`t."cancelRequestedAt" IS NOT NULL`
export const isNotToEnd = Prisma.sql`t."cancelRequestedAt" IS NULL`
