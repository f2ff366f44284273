import type { Platform } from '../context.ts'
import { Prisma } from '../generated/prisma/client.ts'
import { WorkerId } from './job.ts'

/** What a worker says of itself with a claim; a heartbeat says nothing, and leaves it as it was. */
const told = (column: 'serviceIds' | 'version' | 'concurrency'): Prisma.Sql =>
  Prisma.raw(
    `CASE WHEN cardinality(excluded."serviceIds") = 0 THEN w."${column}" ELSE excluded."${column}" END`,
  )

/** How old what is known of a worker may be. */
const FRESH_MS = 5_000
/** Workers that a server remembers having noted; beyond that it notes them again. */
const REMEMBERED = 10_000

const noted = new WeakMap<object, Map<string, number>>()

interface SeenWorker {
  readonly organizationId: string
  readonly name: string
  /** None when it says nothing of itself but its name, as with a heartbeat. */
  readonly serviceIds: readonly string[]
  readonly version?: string | null | undefined
  readonly concurrency?: number | null | undefined
}

/**
 * Notes that a worker was here, and for which services, at most every few seconds of the same one: a claim costs no
 * statement more. Its services were seen to have a worker.
 */
export async function noteWorker(
  platform: Pick<Platform, 'database'>,
  worker: SeenWorker,
): Promise<void> {
  const { organizationId, name, serviceIds, version, concurrency } = worker
  const known = noted.get(platform.database) ?? new Map<string, number>()
  noted.set(platform.database, known)
  const key = [organizationId, serviceIds.join(), name, version, concurrency].join(' ')
  const now = performance.now()
  if (now - (known.get(key) ?? -Infinity) < FRESH_MS) return
  if (known.size >= REMEMBERED) known.clear()
  known.set(key, now)
  await platform.database.query(
    Prisma.sql`
      WITH worker AS (
        INSERT INTO "Worker" AS w (id, "organizationId", name, "serviceIds", version, concurrency, "lastSeenAt")
        VALUES (${WorkerId.make()}::uuid, ${organizationId}::uuid, ${name}, ${[...serviceIds]}::uuid[],
          ${version ?? null}, ${concurrency ?? null}::int, clock_timestamp())
        ON CONFLICT ("organizationId", name) DO UPDATE SET "lastSeenAt" = excluded."lastSeenAt",
          "serviceIds" = ${told('serviceIds')}, version = ${told('version')}, concurrency = ${told('concurrency')})
      UPDATE "Service" SET "lastWorkerAt" = clock_timestamp() WHERE id = ANY(${[...serviceIds]}::uuid[])`,
    { name: 'note-worker' },
  )
}
