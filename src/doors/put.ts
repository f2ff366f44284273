import { randomUUID } from 'node:crypto'
import type { Readable } from 'node:stream'
import type { Platform } from '../context.ts'
import { mayReceive, receiveArchive } from '../deployments/index.ts'
import { Prisma } from '../generated/prisma/client.ts'
import { system } from '../kit/actor.ts'
import { NotFound, QuotaReached, ValidationError } from '../kit/errors.ts'
import { TooLarge, type StoredObject } from '../ports/storage/storage.ts'
import { act } from '../streams/index.ts'
import { UploadId, uploadKey } from '../uploads/index.ts'

/**
 * The door for bytes that come in: streams them to Storage, never whole in memory, and gives them to whoever asked
 * for them. Throws NotFound, WrongState, ValidationError (other bytes than announced, an archive that is refused)
 * or QuotaReached (too many bytes); then nothing is kept.
 */
export async function putUpload(
  platform: Platform,
  id: string,
  body: Readable,
  signal?: AbortSignal,
): Promise<StoredObject> {
  const { prisma } = platform.database
  const upload = await prisma.upload.findUnique({ where: { id } })
  if (upload === null || upload.expiresAt <= platform.now())
    throw new NotFound('upload', UploadId.text(id))
  const { versionId } = upload
  if (versionId !== null) await mayReceive(platform, versionId)
  const key = `${uploadKey(id)}.${randomUUID()}`
  const stored = await keep(platform, key, body, signal)
  const issues = [
    ...(upload.sizeBytes !== null && upload.sizeBytes !== BigInt(stored.sizeBytes)
      ? [
          {
            path: ['sizeBytes'],
            message: `${upload.sizeBytes} bytes were announced, ${stored.sizeBytes} came.`,
          },
        ]
      : []),
    ...(upload.sha256 !== null && upload.sha256 !== stored.sha256
      ? [
          {
            path: ['sha256'],
            message: `These bytes have the digest ${stored.sha256}, not the one announced.`,
          },
        ]
      : []),
  ]
  if (issues.length > 0) {
    await platform.storage.delete(key)
    throw new ValidationError(issues)
  }
  if (versionId === null) await platform.storage.move(key, uploadKey(id))
  else await receiveArchive(platform, { ...upload, versionId }, key, stored)
  await platform.database.query(Prisma.sql`
    WITH done AS (
      UPDATE "Upload" SET "receivedBytes" = ${stored.sizeBytes}::bigint, "receivedSha256" = ${stored.sha256},
        "completedAt" = ${platform.now()} WHERE id = ${id}::uuid)
    ${act(upload.organizationId, system, 'uploadReceived', `upl:${id}`)}`)
  platform.hub.hint('audit', upload.organizationId)
  return stored
}

async function keep(
  { storage, config }: Platform,
  key: string,
  body: Readable,
  signal: AbortSignal | undefined,
): Promise<StoredObject> {
  const maxBytes = config.maxArchiveBytes
  try {
    return await storage.put(key, body, { maxBytes, ...(signal ? { signal } : {}) })
  } catch (cause) {
    if (!(cause instanceof TooLarge)) throw cause
    throw new QuotaReached(`An upload has at most ${maxBytes} bytes (MAX_ARCHIVE_BYTES).`, maxBytes)
  }
}
