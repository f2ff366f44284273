import type { Platform } from '../../../context.ts'
import { Prisma } from '../../../generated/prisma/client.ts'
import type { Leftover, Position, Runtime } from '../../../ports/runtime/runtime.ts'
import type { Printer } from './pump.ts'

/** Output of a process of an earlier run, and how far it is stored. */
export interface Unread {
  readonly printer: Printer
  readonly leftover: Leftover
  readonly position: Position
}

/**
 * Ends the processes that a killed run of this server left, those that still run as well, and answers what of their output is not stored yet, that of
 * each service in the order in which they were started.
 */
export async function endLeftovers(
  { database, server }: Platform,
  runtime: Runtime,
): Promise<readonly Unread[]> {
  const leftovers = await runtime.leftovers()
  await Promise.all(leftovers.map(async ({ running }) => running?.stop(0)))
  // waits for statements of the killed run that are still under way
  await database.query(Prisma.sql`
    UPDATE "Instance" SET status = 'EXITED', "inFlight" = 0, "closedAt" = clock_timestamp()
    WHERE "serverId" = ${server.id}::uuid AND "closedAt" IS NULL`)
  const byKey = new Map(leftovers.map((leftover) => [leftover.key, leftover]))
  const rows = await database.prisma.instance.findMany({
    where: { id: { in: [...byKey.keys()].map((key) => key.split('.')[0] ?? '') } },
    orderBy: { startedAt: 'asc' },
  })
  const unread: Unread[] = []
  for (const { id: instanceId, serviceId, restarts, ordinal, outputPosition } of rows) {
    const key = `${instanceId}.${restarts}`
    const leftover = byKey.get(key)
    if (leftover === undefined) continue
    unread.push({
      printer: { serviceId, instanceId, restarts, ordinal },
      leftover,
      position: outputPosition,
    })
    byKey.delete(key)
  }
  // stored already
  await Promise.all([...byKey.values()].map((leftover) => leftover.discard()))
  return unread
}
