import type { Platform } from '../../../context.ts'
import { Prisma, type Service } from '../../../generated/prisma/client.ts'
import { system } from '../../../kit/actor.ts'
import { advance, recorded, type NewEvent } from '../../../streams/index.ts'
import { hint } from '../../../kinds/index.ts'
import { services } from '../../service.ts'

/**
 * Moves services of which no process runs from READY to SCALING, those `where` (of a table `t`) selects: what is told
 * of them is true before anybody has begun to start them. One that is READY without a process, because it sleeps,
 * stays so.
 */
export async function unready(
  platform: Platform,
  where: Prisma.Sql,
  reason: string,
): Promise<void> {
  const event: NewEvent = {
    kind: 'STATUS_CHANGED',
    changes: [{ field: 'status', from: 'READY', to: 'SCALING' }],
    message: reason,
  }
  const act = { action: 'serviceStatusChanged', to: services.kind }
  const moved = await platform.database.query<Service>(
    recorded(
      Prisma.sql`
        UPDATE "Service" AS t SET ${advance([event])}, status = 'SCALING', "statusReason" = ${reason}
        WHERE t.id IN (
          SELECT t.id FROM "Service" AS t
          WHERE t.kind = 'PROCESS' AND t.status = 'READY' AND t."deletedAt" IS NULL
            AND CASE WHEN t.autoscale THEN t."minInstances" ELSE t."desiredInstances" END > 0 AND (${where})
          FOR UPDATE SKIP LOCKED)
        RETURNING t.*`,
      { actor: system, events: [event], act },
    ),
  )
  for (const service of moved) hint(platform, services, service, act)
}
