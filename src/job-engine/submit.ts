import { namedAlong, type AnnotationInput, type ChosenAddresses } from '../addresses/index.ts'
import type { Platform } from '../context.ts'
import { Prisma } from '../generated/prisma/client.ts'
import { isRefusal } from '../db/refusal.ts'
import { EFFECT, type Actor } from '../kit/actor.ts'
import { gathered } from '../kit/gathered.ts'
import { AUDIT, effectColumns } from '../streams/index.ts'
import { jobNaming } from './job.ts'
import { counted, statusChange, told } from './record.ts'
import { jobColumns, type JobRow } from './row.ts'
import { tallied, type Doer } from './tally.ts'
import { tellJobs } from './tell.ts'

/** A job that is not stored yet: all that its call needs, as of now. */
export interface NewJob {
  readonly id: string
  readonly organizationId: string
  readonly serviceId: string
  readonly projectId?: string | null | undefined
  readonly function: string
  readonly parameters: string | null
  readonly parametersKey: string | null
  readonly resultSchemaId: string | null
  readonly priority: number
  /** Whether its submitter waits for its end. */
  readonly isAwaited?: boolean | undefined
  readonly lane: string | null
  readonly runAfter: Date | null
  readonly maxAttempts: number
  readonly timeoutSeconds: number | null
  readonly retainSeconds: number | null
  readonly labels: readonly { name: string; value: string }[]
  readonly subject?: string | null | undefined
  readonly retryOfId?: string | null | undefined
  readonly rootId?: string | null | undefined
  readonly addresses?: ChosenAddresses | undefined
  readonly annotations?: readonly AnnotationInput[] | null | undefined
}

/** What is read out of the list by name: every member of a NewJob but what is filled in, or has a table of its own. */
const FIELDS = Prisma.sql`
  id uuid, place int, "organizationId" uuid, "serviceId" uuid, "projectId" uuid, function text, parameters text,
  "parametersKey" text, "resultSchemaId" text, priority int, "isAwaited" boolean, lane text, "runAfter" timestamptz,
  "maxAttempts" int, "timeoutSeconds" int, "retainSeconds" int, labels jsonb, subject text, "retryOfId" uuid,
  "rootId" uuid, creator jsonb`

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
 * `doer` a step of that job. Throws what `addressConflict` knows where an address is taken.
 */
export async function insertJobs(
  platform: Inserting,
  actor: Actor,
  jobs: readonly NewJob[],
  { action, doer }: { readonly action?: string; readonly doer?: Doer } = {},
): Promise<JobRow[]> {
  const [only] = jobs
  if (action === undefined && doer === undefined && jobs.length === 1 && only !== undefined)
    return [await insertTogether(platform, { actor, job: only })].flatMap((row) => row ?? [])
  return insert(
    platform,
    jobs.map((job) => ({ actor, job })),
    action === undefined
      ? undefined
      : { action, effect: effectColumns(actor), isKeyed: actor[EFFECT] !== undefined },
    doer,
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
  doer?: Doer,
): Promise<JobRow[]> {
  const tally = doer && tallied(doer)
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
      WITH ${tally ? Prisma.sql`${tally.held},` : Prisma.empty} moved AS (
        INSERT INTO "Job" (id, "organizationId", "serviceId", "projectId", function, parameters, "parametersKey",
          "resultSchemaId", priority, "isAwaited", lane, "runAfter", "readyAt", "maxAttempts", "timeoutSeconds", "retainSeconds",
          labels, subject, "retryOfId", "rootId", creator, "createdAt", "updatedAt")
        SELECT n.id, n."organizationId", n."serviceId", n."projectId", n.function, n.parameters, n."parametersKey",
          n."resultSchemaId", n.priority, COALESCE(n."isAwaited", false), n.lane, n."runAfter", GREATEST(n."runAfter", now()),
          n."maxAttempts", n."timeoutSeconds", n."retainSeconds", n.labels, n.subject, n."retryOfId", n."rootId", n.creator,
          now(), now()
        FROM json_to_recordset(${list}::json) AS n(${FIELDS})
        ${tally ? Prisma.sql`WHERE ${tally.isHeld}` : Prisma.empty} ORDER BY n.place
        ON CONFLICT (id) DO NOTHING RETURNING *),
      ${told(Prisma.sql`moved.creator`, [{ kind: 'QUEUED', changes: [statusChange(undefined, 'QUEUED')] }])},
      ${counted(undefined, 'QUEUED')}
      ${names} ${audit} ${tally ? Prisma.sql`, ${tally.added}` : Prisma.empty}
      SELECT ${jobColumns('moved')} FROM moved ORDER BY serial`,
    {
      name: [
        `submit-${act?.action ?? 'jobs'}`,
        ...(act?.isKeyed ? ['keyed'] : []),
        ...(named.length > 0 ? ['named'] : []),
        ...(tally ? ['tallied'] : []),
      ].join('-'),
    },
  )
  tellJobs(platform, rows)
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
