import { LRUCache } from 'lru-cache'
import type { Platform } from '../context.ts'
import { Prisma } from '../generated/prisma/client.ts'
import { WorkerId } from './job.ts'

/** How old what is stored of a worker may be. */
const FRESH_MS = 5_000
/** Workers that a server remembers having noted; beyond that it notes again those that have been quiet longest. */
const REMEMBERED = 10_000

const noted = new WeakMap<object, LRUCache<string, number>>()

interface SeenWorker {
  readonly organizationId: string
  readonly name: string
  /** Those it claims from, or for whose jobs it sends a heartbeat. */
  readonly serviceIds: readonly string[]
  /** What it says of itself with a claim; a heartbeat leaves that as it was. */
  readonly claims?: {
    readonly version?: string | null | undefined
    readonly concurrency?: number | null | undefined
  }
}

/**
 * Notes that a worker was here, and for which services, at most every few seconds of the same one: a claim costs no
 * statement more. Its services were seen to have a worker.
 */
export async function noteWorker(
  platform: Pick<Platform, 'database'>,
  worker: SeenWorker,
): Promise<void> {
  const { organizationId, name, serviceIds, claims } = worker
  const { version = null, concurrency = null } = claims ?? {}
  const notedAt =
    noted.get(platform.database.shared) ?? new LRUCache<string, number>({ max: REMEMBERED })
  noted.set(platform.database.shared, notedAt)
  const key = [organizationId, serviceIds.join(), name, claims && [version, concurrency]].join(' ')
  const now = performance.now()
  if (now - (notedAt.get(key) ?? -Infinity) < FRESH_MS) return
  notedAt.set(key, now)
  const said = claims
    ? Prisma.sql`, "serviceIds" = excluded."serviceIds", version = excluded.version, concurrency = excluded.concurrency`
    : Prisma.empty
  await platform.database.query(
    Prisma.sql`
      WITH worker AS (
        INSERT INTO "Worker" AS w (id, "organizationId", name, "serviceIds", version, concurrency, "lastSeenAt")
        VALUES (${WorkerId.make()}::uuid, ${organizationId}::uuid, ${name}, ${[...serviceIds]}::uuid[],
          ${version}, ${concurrency}::int, clock_timestamp())
        ON CONFLICT ("organizationId", name) DO UPDATE SET "lastSeenAt" = excluded."lastSeenAt" ${said})
      UPDATE "Service" SET "lastWorkerAt" = clock_timestamp() WHERE id = ANY(${[...serviceIds]}::uuid[])`,
    { name: claims ? 'note-worker' : 'note-beat' },
  )
}
