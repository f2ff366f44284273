import { Prisma } from '../generated/prisma/client.ts'
import type { Actor } from '../kit/actor.ts'
import { move, type Store } from './move.ts'
import { statusChange } from './record.ts'
import type { JobRow } from './row.ts'
import type { BulkJob } from './bulk-step.ts'

/**
 * Ends queued jobs at once, and asks for the end of running ones: their workers hear of it with the next heartbeat,
 * and those that do not heed it are taken their jobs at the deadline. `which` is a condition on `t`, and `name` that
 * of its text. A running job that has no lease has nobody to ask, and ends at once too.
 */
export async function cancel(
  store: Store,
  name: string,
  which: Prisma.Sql,
  {
    actor,
    reason,
    bulk,
  }: { actor: Actor; reason?: string | null | undefined; bulk?: BulkJob | undefined },
): Promise<JobRow[]> {
  const ended = [
    ...(await move(store, {
      name: `cancel-queued-${name}`,
      from: 'QUEUED',
      to: 'CANCELED',
      where: which,
      set: Prisma.sql`"cancelRequestedAt" = COALESCE(t."cancelRequestedAt", clock_timestamp())`,
      actor,
      bulk,
      events: [
        {
          kind: 'CANCELED',
          changes: [statusChange('QUEUED', 'CANCELED')],
          message: reason ?? null,
        },
      ],
    })),
    ...(await move(store, {
      name: `cancel-unleased-${name}`,
      from: 'RUNNING',
      to: 'CANCELED',
      where: Prisma.sql`${which} AND t."leaseSeconds" IS NULL`,
      set: Prisma.sql`"cancelRequestedAt" = COALESCE(t."cancelRequestedAt", clock_timestamp())`,
      actor,
      bulk,
      outcome: 'CANCELED',
      events: [
        {
          kind: 'CANCELED',
          changes: [statusChange('RUNNING', 'CANCELED')],
          message: reason ?? null,
        },
      ],
    })),
  ]
  const asked = await move(store, {
    name: `cancel-running-${name}`,
    from: 'RUNNING',
    to: 'RUNNING',
    where: Prisma.sql`${which} AND t."cancelRequestedAt" IS NULL AND t."leaseSeconds" IS NOT NULL`,
    set: Prisma.sql`"cancelRequestedAt" = clock_timestamp(),
      deadline = clock_timestamp() + make_interval(secs => ${store.config.cancelGraceMs / 1000}::float8)`,
    actor,
    bulk,
    events: [
      {
        kind: 'CANCEL_REQUESTED',
        changesSql: Prisma.sql`jsonb_build_array(jsonb_build_object('field', 'deadline', 'to', moved.deadline))`,
        message: reason ?? null,
      },
    ],
  })
  return [...ended, ...asked]
}
