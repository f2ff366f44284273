import type { Platform } from '../../context.ts'
import { Prisma } from '../../generated/prisma/client.ts'
import type { Runtime } from '../../ports/runtime/runtime.ts'
import { pump, Superseded } from './pump.ts'

/**
 * What a killed run of this server left: processes, which are ended, and output that nobody has read, which goes
 * into the logs from where the last statement left off, before anything new is started.
 */
export async function takeLeftovers(platform: Platform, runtime: Runtime): Promise<void> {
  const { database, log, server } = platform
  for (const leftover of await runtime.leftovers()) {
    const [instanceId = '', restarts = ''] = leftover.key.split('.')
    const row = await database.prisma.instance.findUnique({ where: { id: instanceId } })
    if (row !== null && String(row.restarts) === restarts) {
      const printer = {
        serviceId: row.serviceId,
        instanceId,
        restarts: row.restarts,
        ordinal: row.ordinal,
      }
      try {
        await pump(platform, printer, leftover, row.outputPosition, new AbortController().signal)
      } catch (cause) {
        if (!(cause instanceof Superseded)) throw cause
        log.warn({ err: cause }, 'output of an earlier run was read by somebody else')
      }
    }
    await leftover.discard()
  }
  await database.query(Prisma.sql`
    UPDATE "Instance" SET status = 'EXITED', "inFlight" = 0, "closedAt" = clock_timestamp()
    WHERE "serverId" = ${server.id}::uuid AND "closedAt" IS NULL`)
}
