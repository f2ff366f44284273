import { createHash, randomUUID } from 'node:crypto'
import { addAbortSignal, type Readable } from 'node:stream'
import type { Platform } from '../context.ts'
import { archiveOf, receiveArchive } from '../deployments/index.ts'
import type { Upload } from '../generated/prisma/client.ts'
import { Conflict, NotFound, QuotaReached, ValidationError } from '../kit/errors.ts'
import { TooLarge, type StoredObject } from '../ports/storage/storage.ts'
import { AUDIT } from '../streams/index.ts'
import { completeUpload, inHand, UploadId, uploadKey } from '../uploads/index.ts'

/**
 * The door for bytes that come in: streams them to Storage, never whole in memory, and gives them to whoever asked
 * for them. Bytes that were taken are there for good: the same are no error after that and others a Conflict, however
 * many are sent at once. Throws NotFound, Conflict, ValidationError (other bytes than announced, an archive that is
 * refused) or QuotaReached (too many bytes); then nothing is kept. Where a fault cuts it short, whole bytes of an
 * archive are checked all the same, as soon as a server can (`leftovers.ts`), and others go.
 */
export async function putUpload(
  platform: Platform,
  id: string,
  body: Readable,
  signal?: AbortSignal,
): Promise<void> {
  const upload = await uploadThere(platform, id)
  const had = await takenBy(platform, upload)
  if (had !== undefined) {
    if (await isSame(body, had, signal)) return
    throw otherBytes(upload)
  }
  const key = `${uploadKey(id)}.${randomUUID()}`
  const { stored, isTaken } = await inHand(platform, key, upload, async () => {
    const whole = await keep(platform, key, body, signal)
    asAnnounced(upload, whole)
    return { stored: whole, isTaken: await take(platform, upload, key, whole) }
  })
  if (isTaken) return
  const taken = await takenBy(platform, await uploadThere(platform, id))
  if (taken?.sha256 !== stored.sha256) throw otherBytes(upload)
}

async function uploadThere({ database, now }: Platform, id: string): Promise<Upload> {
  const upload = await database.prisma.upload.findUnique({ where: { id } })
  if (upload === null || upload.expiresAt <= now()) throw new NotFound('upload', UploadId.text(id))
  return upload
}

/** What was taken before; undefined as long as nothing was. Throws NotFound when it was for what is gone. */
async function takenBy(
  platform: Platform,
  { versionId, receivedSha256: sha256, receivedBytes }: Upload,
): Promise<StoredObject | undefined> {
  if (versionId !== null) return archiveOf(platform, versionId)
  return sha256 === null ? undefined : { sha256, sizeBytes: Number(receivedBytes) }
}

/** Takes what lies under `key`; false when others were faster. */
async function take(
  platform: Platform,
  upload: Upload,
  key: string,
  stored: StoredObject,
): Promise<boolean> {
  const { database, storage, hub } = platform
  const { id, versionId, organizationId } = upload
  if (versionId !== null) return receiveArchive(platform, { ...upload, versionId }, key, stored)
  const isFirst = await database.transaction(async (client) => {
    if (!(await completeUpload(platform, client, upload, stored))) return false
    await storage.move(key, uploadKey(id))
    return true
  })
  if (isFirst) hub.hint(AUDIT, organizationId)
  return isFirst
}

/** Reads no more of a body than decides whether it is what was taken. */
async function isSame(
  body: Readable,
  { sizeBytes, sha256 }: StoredObject,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (signal) addAbortSignal(signal, body)
  const hash = createHash('sha256')
  let read = 0
  for await (const chunk of body.iterator({ destroyOnReturn: false })) {
    const bytes = chunk as Uint8Array // a request's body is a stream of bytes
    read += bytes.length
    if (read > sizeBytes) return false
    hash.update(bytes)
  }
  return hash.digest('hex') === sha256
}

const otherBytes = ({ versionId }: Upload): Conflict =>
  new Conflict(
    'sha256',
    versionId === null
      ? 'This upload has taken other bytes: ask for a new one.'
      : 'The version has another archive, which it keeps: make a new version for new code.',
  )

/** Throws ValidationError unless the bytes are what was announced. */
function asAnnounced(upload: Upload, stored: StoredObject): void {
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
  if (issues.length > 0) throw new ValidationError(issues)
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
