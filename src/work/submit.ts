import type { Platform } from '../context.ts'
import { Prisma } from '../generated/prisma/client.ts'
import { EFFECT, type Actor } from '../kit/actor.ts'
import { effectColumns } from '../streams/index.ts'
import { counted, statusChange, told } from './record.ts'
import { jobColumns, type JobRow } from './row.ts'
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
  readonly lane: string | null
  readonly runAfter: Date | null
  readonly maxAttempts: number
  readonly timeoutSeconds: number | null
  readonly retainSeconds: number | null
  readonly labels: readonly { name: string; value: string }[]
  readonly subject?: string | null | undefined
  readonly retryOfId?: string | null | undefined
  readonly rootId?: string | null | undefined
}

/** What is read out of the list by name: every member of a NewJob but what is filled in. */
const FIELDS = Prisma.sql`
  id uuid, place int, "organizationId" uuid, "serviceId" uuid, "projectId" uuid, function text, parameters text,
  "parametersKey" text, "resultSchemaId" text, priority int, lane text, "runAfter" timestamptz, "maxAttempts" int,
  "timeoutSeconds" int, "retainSeconds" int, labels jsonb, subject text, "retryOfId" uuid, "rootId" uuid`

/** Says that jobs of these services have lanes from now on; before the first of them is submitted. */
export const beginLanes = (
  database: Platform['database'],
  serviceIds: readonly string[],
): Promise<object[]> =>
  database.query(Prisma.sql`
    UPDATE "Service" SET "hasLanes" = true WHERE id = ANY(${[...serviceIds]}::uuid[])`)

/**
 * Puts jobs into their queues with one statement, all or none, and answers them in the order given. Those that are
 * there already, because the call that submits them is done again, are answered as they are.
 */
export async function insertJobs(
  platform: Pick<Platform, 'database' | 'hub' | 'bus' | 'metrics'>,
  actor: Actor,
  jobs: readonly NewJob[],
  act?: { readonly action: string },
): Promise<JobRow[]> {
  const audit =
    act === undefined
      ? Prisma.empty
      : Prisma.sql`, act AS (
          INSERT INTO "AuditEntry" ("organizationId", actor, action, subject, changes, "callId", "callPart")
          SELECT "organizationId", ${JSON.stringify(actor)}::jsonb, ${act.action}, 'job:' || id, '[]', ${effectColumns(actor)}
          FROM moved)`
  const who = Prisma.sql`${JSON.stringify(actor)}::jsonb`
  const list = JSON.stringify(jobs.map((job, place) => ({ ...job, place })))
  const rows = await platform.database.query<JobRow>(
    Prisma.sql`
      WITH moved AS (
        INSERT INTO "Job" (id, "organizationId", "serviceId", "projectId", function, parameters, "parametersKey",
          "resultSchemaId", priority, lane, "runAfter", "readyAt", "maxAttempts", "timeoutSeconds", "retainSeconds",
          labels, subject, "retryOfId", "rootId", creator, "createdAt", "updatedAt")
        SELECT n.id, n."organizationId", n."serviceId", n."projectId", n.function, n.parameters, n."parametersKey",
          n."resultSchemaId", n.priority, n.lane, n."runAfter", GREATEST(n."runAfter", now()), n."maxAttempts",
          n."timeoutSeconds", n."retainSeconds", n.labels, n.subject, n."retryOfId", n."rootId", ${who}, now(), now()
        FROM json_to_recordset(${list}::json) AS n(${FIELDS}) ORDER BY n.place
        ON CONFLICT (id) DO NOTHING RETURNING *),
      ${told(who, [{ kind: 'QUEUED', changes: [statusChange(undefined, 'QUEUED')] }])},
      ${counted(undefined, 'QUEUED')}
      ${audit}
      SELECT ${jobColumns('moved')} FROM moved ORDER BY serial`,
    {
      name:
        act === undefined ? 'submit-jobs' : `submit-${act.action}${actor[EFFECT] ? '-keyed' : ''}`,
    },
  )
  tellJobs(platform, rows)
  if (act !== undefined)
    for (const { organizationId } of rows) platform.hub.hint('audit', organizationId)
  if (rows.length === jobs.length) return rows
  const ids = jobs.map(({ id }) => id)
  return platform.database.query<JobRow>(
    Prisma.sql`
      SELECT ${jobColumns('j')} FROM "Job" AS j WHERE j.id = ANY(${ids}::uuid[])
      ORDER BY array_position(${ids}::uuid[], j.id)`,
  )
}
