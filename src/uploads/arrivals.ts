import type { PoolClient } from 'pg'
import type { Platform } from '../context.ts'
import { Prisma, type Arrival, type Upload } from '../generated/prisma/client.ts'
import { DomainError, Unavailable } from '../kit/errors.ts'
import type { StoredObject } from '../ports/storage/storage.ts'

/*
 * Bytes on their way into Storage. A row says which server has them under which key, from before the first byte is
 * written until they are taken or refused, so that nothing is forgotten: whatever cuts it short (the death of the
 * server, an outage of the database) leaves the row, and `takeLeftArrival` finds it.
 */

/** The keys that this process works on; all others of its run were left by a fault. */
const held = new Set<string>()

/**
 * Does something with the bytes that come, or lie, under a key, and lets go of the key when it is settled: done, or
 * refused. What a fault cuts short is left to be taken over.
 */
export async function inHand<T>(
  platform: Platform,
  key: string,
  upload: Pick<Upload, 'id' | 'versionId'>,
  work: () => Promise<T>,
): Promise<T> {
  held.add(key)
  try {
    await note(platform, key, upload)
    const done = await work()
    await letGo(platform, key)
    return done
  } catch (cause) {
    const isRefused = cause instanceof DomainError && !(cause instanceof Unavailable)
    if (isRefused) await letGo(platform, key)
    throw cause
  } finally {
    held.delete(key)
  }
}

/** Says, within the transaction that begins to check them, that the bytes have come whole. */
export const arrivedWhole = (
  platform: Platform,
  client: PoolClient,
  key: string,
  upload: Pick<Upload, 'id' | 'versionId'>,
  stored: StoredObject,
): Promise<unknown> => note(platform, key, upload, stored, client)

const note = (
  { database, server }: Platform,
  key: string,
  { id, versionId }: Pick<Upload, 'id' | 'versionId'>,
  stored?: StoredObject,
  client?: PoolClient,
): Promise<unknown> =>
  database.query(
    Prisma.sql`
      INSERT INTO "Arrival" (key, "uploadId", "versionId", "serverId", run, "sizeBytes", sha256)
      VALUES (${key}, ${id}::uuid, ${versionId}::uuid, ${server.id}::uuid, ${server.run}::uuid,
        ${stored?.sizeBytes ?? null}::bigint, ${stored?.sha256 ?? null}::text)
      ON CONFLICT (key) DO UPDATE SET
        "sizeBytes" = COALESCE(EXCLUDED."sizeBytes", "Arrival"."sizeBytes"),
        sha256 = COALESCE(EXCLUDED.sha256, "Arrival".sha256)`,
    client && { client },
  )

/** Removes the bytes, unless they were moved to where they stay, and forgets the key; what cannot be is left. */
async function letGo({ database, storage, log }: Platform, key: string): Promise<void> {
  try {
    await storage.delete(key)
    await database.query(Prisma.sql`DELETE FROM "Arrival" WHERE key = ${key}`)
  } catch (err) {
    log.warn({ err, key }, 'could not let go of an upload; trying again')
  }
}

/**
 * Takes the oldest of what was left, but for these keys: by a fault in this run, by an earlier run of this server, or by
 * one that has been silent for longer than a lease. Its `attempt` counts the servers that have ended over it.
 */
export async function takeLeftArrival(
  platform: Platform,
  but: readonly string[],
): Promise<Arrival | undefined> {
  const { database, server, config } = platform
  const [left] = await database.query<Arrival>(Prisma.sql`
    UPDATE "Arrival" AS t SET "serverId" = ${server.id}::uuid, run = ${server.run}::uuid,
      attempt = t.attempt + CASE t.run WHEN ${server.run}::uuid THEN 0 ELSE 1 END
    WHERE key = (
      SELECT a.key FROM "Arrival" AS a
      WHERE a.key <> ALL(${[...held, ...but]}::text[]) AND CASE WHEN a."serverId" = ${server.id}::uuid THEN true
        ELSE NOT EXISTS (
          SELECT FROM "Server" AS s WHERE s.id = a."serverId" AND s.run = a.run
            AND s."seenAt" > now() - make_interval(secs => ${config.leaseMs / 1000}::float8)) END
      ORDER BY a."createdAt" LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING t.*`)
  // one that has come since the statement was made is no left one
  return left !== undefined && held.has(left.key) ? takeLeftArrival(platform, but) : left
}

/** Notes that a fault of ours, which may stay, has ended what was done with what was left, as a server's end would have. */
export const failedOver = ({ database }: Platform, { key }: Arrival): Promise<unknown> =>
  database.query(Prisma.sql`UPDATE "Arrival" SET attempt = attempt + 1 WHERE key = ${key}`)
