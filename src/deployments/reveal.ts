import DataLoader from 'dataloader'
import { allow } from '../auth/viewer.ts'
import { actor, type Context } from '../context.ts'
import { Prisma } from '../generated/prisma/client.ts'
import { perRequest } from '../kit/per-request.ts'
import { AUDIT } from '../streams/index.ts'

/** How long a reveal on record stands for more of the same by the same actor. */
const STANDS_SECONDS = 60

interface Reveal {
  readonly organizationId: string
  /** Noun and UUID of the object the secret belongs to, as the audit writes it. */
  readonly subject: string
  readonly field: string
}

/**
 * Puts on record, before it is shown, that the viewer sees a secret. All that a request reveals is one statement and
 * one entry for each object, and what the same actor has revealed within the last minute is not told again, so that
 * nobody can flood the record with reading.
 */
export async function recordReveal(ctx: Context, reveal: Reveal): Promise<void> {
  allow(ctx.viewer, 'DEVELOPER', reveal.organizationId)
  await reveals(ctx).load(reveal)
}

const reveals = perRequest(
  (ctx: Context) =>
    new DataLoader<Reveal, null>(
      async (wanted) => {
        const rows = await ctx.database.query<{ organizationId: string }>(
          insert(wanted, JSON.stringify(actor(ctx))),
          { name: 'reveal-secrets' },
        )
        for (const { organizationId } of rows) ctx.hub.hint(AUDIT, organizationId)
        return wanted.map(() => null)
      },
      { cache: false },
    ),
)

const insert = (wanted: readonly Reveal[], who: string): Prisma.Sql => Prisma.sql`
  INSERT INTO "AuditEntry" ("organizationId", actor, action, subject, changes)
  SELECT w.organization, ${who}::jsonb, 'revealSecret', w.subject, jsonb_agg(jsonb_build_object('field', w.field))
  FROM (SELECT DISTINCT * FROM unnest(${wanted.map((one) => one.organizationId)}::uuid[],
    ${wanted.map(({ subject }) => subject)}::text[], ${wanted.map(({ field }) => field)}::text[])
    AS w(organization, subject, field)) AS w
  WHERE NOT EXISTS (
    SELECT 1 FROM "AuditEntry" AS e
    WHERE e."organizationId" = w.organization AND e.subject = w.subject AND e.action = 'revealSecret'
      AND e.at > now() - make_interval(secs => ${STANDS_SECONDS}::int) AND e.actor = ${who}::jsonb
      AND e.changes @> jsonb_build_array(jsonb_build_object('field', w.field)))
  GROUP BY w.organization, w.subject RETURNING "organizationId"`
