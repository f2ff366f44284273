import { namedAlong, type AnnotationInput, type ChosenAddresses } from '../addresses/index.ts'
import type { Platform } from '../context.ts'
import { Prisma, type Job } from '../generated/prisma/client.ts'
import { isRefusal } from '../db/refusal.ts'
import { EFFECT, type Actor } from '../kit/actor.ts'
import { gathered } from '../kit/gathered.ts'
import { AUDIT, effectColumns } from '../streams/index.ts'
import { jobNaming } from './job.ts'
import { writeCounters, statusChange, writeEvents } from './record.ts'
import { insertColumns, jobColumns, type GivenColumn } from './columns.ts'
import type { JobRow } from './row.ts'
import { bulkStep, type BulkJob } from './bulk-step.ts'
import { publishJobs } from './publish.ts'

/** Columns that a job which is submitted may leave out. */
type Optional = 'projectId' | 'isAwaited' | 'retryOfId' | 'rootId'

/** A job that is not stored yet: all that its call needs, as of now. */
export type NewJob = Readonly<
  Pick<Job, Exclude<GivenColumn, Optional | 'labels' | 'creator'>> & {
    [Name in Optional]?: Job[Name] | undefined
  }
> & {
  readonly labels: readonly { name: string; value: string }[]
  readonly addresses?: ChosenAddresses | undefined
  readonly annotations?: readonly AnnotationInput[] | null | undefined
}

/** Says that jobs of these services have lanes from now on; before the first of them is submitted. */
export const beginLanes = (
  database: Platform['database'],
  serviceIds: readonly string[],
): Promise<object[]> =>
  database.query(Prisma.sql`
    UPDATE "Service" SET "hasLanes" = true WHERE id = ANY(${[...serviceIds]}::uuid[])`)

type Inserting = Pick<Platform, 'database' | 'hub' | 'bus' | 'metrics'>

/** A new job and who submits it. */
interface Submission {
  readonly actor: Actor
  readonly job: NewJob
}

/**
 * Puts jobs into their queues with one statement, all or none, and answers them in the order given. Those that are
 * there already, because the call that submits them is done again, are answered as they are. Lone ones that come in
 * at one time share a statement. With an `action` they are a line in the history of the organization, and with a
 * `bulk` a step of that job. Where an address is taken it throws what `addressConflict` reads.
 */
export async function insertJobs(
  platform: Inserting,
  actor: Actor,
  jobs: readonly NewJob[],
  { action, bulk }: { readonly action?: string; readonly bulk?: BulkJob } = {},
): Promise<JobRow[]> {
  const [only] = jobs
  if (action === undefined && bulk === undefined && jobs.length === 1 && only !== undefined)
    return [await insertTogether(platform, { actor, job: only })].flatMap((row) => row ?? [])
  return insert(
    platform,
    jobs.map((job) => ({ actor, job })),
    action === undefined
      ? undefined
      : { action, effect: effectColumns(actor), isKeyed: actor[EFFECT] !== undefined },
    bulk,
  )
}

const insertTogether = gathered(
  ({ database }: Inserting) => database.shared,
  // one that is there no more has no row, and no other may get its place
  async (platform, submissions: readonly Submission[]) => {
    const rows = new Map((await insert(platform, submissions)).map((row) => [row.id, row]))
    return submissions.map(({ job }) => rows.get(job.id))
  },
  isRefusal,
)

/** An act for the history of the organization: a call with a key, or none, has one effect. */
interface Act {
  readonly action: string
  readonly effect: Prisma.Sql
  readonly isKeyed: boolean
}

async function insert(
  platform: Inserting,
  submissions: readonly Submission[],
  act?: Act,
  bulk?: BulkJob,
): Promise<JobRow[]> {
  const step = bulk && bulkStep(bulk)
  const audit =
    act === undefined
      ? Prisma.empty
      : Prisma.sql`, act AS (
          INSERT INTO "AuditEntry" ("organizationId", actor, action, subject, changes, "callId", "callPart")
          SELECT "organizationId", creator, ${act.action}, 'job:' || id, '[]', ${act.effect} FROM moved)`
  const list = JSON.stringify(
    submissions.map(
      ({ job: { addresses: _addresses, annotations: _annotations, ...job }, actor }, place) => ({
        ...job,
        creator: actor,
        place,
      }),
    ),
  )
  const named = submissions.flatMap(({ job: { id, addresses = [], annotations } }) =>
    addresses.length > 0 || annotations
      ? [{ objectId: id, addresses, annotations: annotations ?? [] }]
      : [],
  )
  const names = named.length > 0 ? Prisma.sql`, ${namedAlong(jobNaming, named)}` : Prisma.empty
  const rows = await platform.database.query<JobRow>(
    Prisma.sql`
      WITH ${step ? Prisma.sql`${step.held},` : Prisma.empty} moved AS (
        INSERT INTO "Job" (${insertColumns.names}) SELECT ${insertColumns.values}
        FROM json_to_recordset(${list}::json) AS n(place int, ${insertColumns.given})
        ${step ? Prisma.sql`WHERE ${step.isHeld}` : Prisma.empty} ORDER BY n.place
        ON CONFLICT (id) DO NOTHING RETURNING *),
      ${writeEvents(Prisma.sql`moved.creator`, [{ kind: 'QUEUED', changes: [statusChange(undefined, 'QUEUED')] }])},
      ${writeCounters(undefined, 'QUEUED')}
      ${names} ${audit} ${step ? Prisma.sql`, ${step.added}` : Prisma.empty}
      SELECT ${jobColumns('moved')} FROM moved ORDER BY serial`,
    {
      name: [
        `submit-${act?.action ?? 'jobs'}`,
        ...(act?.isKeyed ? ['keyed'] : []),
        ...(named.length > 0 ? ['named'] : []),
        ...(step ? ['bulk'] : []),
      ].join('-'),
    },
  )
  publishJobs(platform, rows)
  if (act !== undefined)
    for (const { organizationId } of rows) platform.hub.hint(AUDIT, organizationId)
  if (rows.length === submissions.length) return rows
  const ids = submissions.map(({ job }) => job.id)
  const there = await platform.database.query<JobRow>(
    Prisma.sql`SELECT ${jobColumns('j')} FROM "Job" AS j WHERE j.id = ANY(${ids}::uuid[])`,
  )
  const byId = new Map(there.map((row) => [row.id, row]))
  return ids.flatMap((id) => byId.get(id) ?? [])
}
