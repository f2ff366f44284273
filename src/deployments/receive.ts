import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { addAbortSignal } from 'node:stream'
import type { PoolClient } from 'pg'
import type { Platform } from '../context.ts'
import {
  Prisma,
  type Arrival,
  type Deployment,
  type DeploymentVersion,
  type Upload,
} from '../generated/prisma/client.ts'
import type { VersionStatus } from '../generated/prisma/enums.ts'
import { system, type Actor } from '../kit/actor.ts'
import { BadArchive, checkArchive } from '../kit/archive/index.ts'
import { NotFound, ValidationError } from '../kit/errors.ts'
import type { Storage, StoredObject } from '../ports/storage/storage.ts'
import { hint } from '../kinds/index.ts'
import { advance, recorded, type NewEvent } from '../streams/index.ts'
import { arrivedWhole, askedBy, completeUpload } from '../uploads/index.ts'
import { archiveKey } from './archive.ts'
import { deployments, VersionId, versionMoves } from './deployment.ts'

/** The archive that a version has for good; undefined as long as it may be sent one. Throws NotFound. */
export async function archiveOf(
  { database }: Platform,
  versionId: string,
): Promise<StoredObject | undefined> {
  const { archiveSha256: sha256, archiveSizeBytes } = await versionThere(database, versionId)
  return sha256 === null ? undefined : { sha256, sizeBytes: Number(archiveSizeBytes) }
}

/**
 * Takes bytes that lie under `key` as the archive of a version: checks them, and makes the version READY, or
 * REJECTED with the reason, which is also thrown as ValidationError. Of several that are sent at once the first that
 * passes the check is taken; false when that was another, which a READY version keeps.
 */
export async function receiveArchive(
  platform: Platform,
  upload: Upload & { versionId: string },
  key: string,
  stored: StoredObject,
): Promise<boolean> {
  const version = await versionThere(platform.database, upload.versionId)
  const actor = askedBy(upload)
  const isReceived = await move(platform, version, actor, 'receive', {
    set: Prisma.sql`rejection = NULL`,
    before: (client) => arrivedWhole(platform, client, key, upload, stored),
  })
  if (!isReceived) return false
  return checkAndTake(platform, version, upload, key, stored)
}

/**
 * Takes up a check that was cut short, `attempt` times by now, without its sender. The version is REJECTED, and its
 * upload good for another try, where the bytes are gone or the check itself ends the servers that try it.
 */
export async function checkAgain(
  platform: Platform,
  { key, sizeBytes, sha256, attempt }: Arrival,
  upload: Upload & { versionId: string },
  signal: AbortSignal,
): Promise<void> {
  if (sha256 === null) return
  const { storage } = platform
  const version = await versionThere(platform.database, upload.versionId)
  const isKept = (await isStored(storage, key)) || (await isStored(storage, archiveKey(sha256)))
  const stored = { sha256, sizeBytes: Number(sizeBytes) }
  if (!isKept) await giveUp(platform, version, LOST)
  else if (attempt > MAX_ATTEMPTS) await giveUp(platform, version, TOO_OFTEN)
  else await checkAndTake(platform, version, upload, key, stored, signal)
}

/** Ends the checks of which nobody has the bytes any more. */
export async function giveUpChecks(platform: Platform): Promise<void> {
  const versions = await platform.database.query<DeploymentVersion>(Prisma.sql`
    SELECT v.* FROM "DeploymentVersion" AS v
    WHERE v.status = 'CHECKING' AND v."deletedAt" IS NULL
      AND NOT EXISTS (SELECT FROM "Arrival" AS a WHERE a."versionId" = v.id)
    LIMIT ${AT_A_TIME}::int`)
  for (const version of versions) await giveUp(platform, version, LOST)
}

const AT_A_TIME = 100
/** Servers that may end while they check one archive. */
const MAX_ATTEMPTS = 3
const LOST = 'The check was cut short and the bytes are gone: send the archive again.'
const TOO_OFTEN = `The check was cut short ${MAX_ATTEMPTS} times: send the archive again.`

const giveUp = (platform: Platform, version: DeploymentVersion, message: string) =>
  move(platform, version, system, 'reject', { set: Prisma.sql`rejection = ${message}`, message })

async function isStored(storage: Storage, key: string): Promise<boolean> {
  const object = await storage.get(key)
  object?.body.destroy()
  return object !== undefined
}

async function checkAndTake(
  platform: Platform,
  version: DeploymentVersion,
  upload: Upload,
  key: string,
  stored: StoredObject,
  signal?: AbortSignal,
): Promise<boolean> {
  const { storage, config } = platform
  const actor = askedBy(upload)
  const kept = archiveKey(stored.sha256)
  let leftOut: readonly string[]
  try {
    const summary = await checkArchive(
      async () => {
        // moved already, where a server died before it could say so
        const object = (await storage.get(key)) ?? (await storage.get(kept))
        if (object === undefined) throw new Error(`${key} is gone from the storage`)
        return signal ? addAbortSignal(signal, object.body) : object.body
      },
      {
        temporary: temporaryFolder(platform),
        maxFiles: config.maxArchiveFiles,
        maxBytes: config.maxUnpackedBytes,
      },
    )
    leftOut = summary.leftOut
  } catch (cause) {
    if (!(cause instanceof BadArchive)) throw cause
    const { message } = cause
    const set = Prisma.sql`rejection = ${message}`
    if (!(await move(platform, version, actor, 'reject', { set, message }))) return false
    throw new ValidationError([{ path: ['archive'], message, rule: 'archive' }])
  }
  return move(platform, version, actor, 'accept', {
    set: Prisma.sql`rejection = NULL, "archiveSha256" = ${stored.sha256},
      "archiveSizeBytes" = ${stored.sizeBytes}::bigint, "archiveLeftOut" = ${leftOut}::text[],
      "uploadedAt" = clock_timestamp()`,
    // no other can be accepted any more, and whoever sees the version READY finds its archive
    async before(client) {
      if (await isStored(storage, key)) await storage.move(key, kept)
      await completeUpload(platform, client, upload, stored)
    },
  })
}

/** Each run of a server has its own, so that what another has left can go. */
const temporaryFolder = ({ config, server }: Platform): string =>
  join(config.dataDir, 'checking', server.run)

/** Removes what earlier runs of this server have left of their checks. */
export async function clearChecks({ config, server }: Platform): Promise<void> {
  const folder = join(config.dataDir, 'checking')
  const names = await readdir(folder).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return []
    throw cause
  })
  for (const name of names)
    if (name !== server.run) await rm(join(folder, name), { recursive: true, force: true })
}

async function versionThere(
  { prisma }: Platform['database'],
  id: string,
): Promise<DeploymentVersion> {
  const version = await prisma.deploymentVersion.findFirst({ where: { id, deletedAt: null } })
  if (version === null) throw new NotFound('deployment version', VersionId.text(id))
  return version
}

/**
 * A compare-and-set along the table of versions, told in the deployment's stream and the organization's history.
 * `before` is done within its transaction. False, with nothing changed, when the version is in no state for it.
 */
async function move(
  platform: Platform,
  version: DeploymentVersion,
  actor: Actor,
  event: 'receive' | 'accept' | 'reject',
  how: {
    readonly set: Prisma.Sql
    readonly message?: string
    readonly before?: (client: PoolClient) => Promise<unknown>
  },
): Promise<boolean> {
  const { database } = platform
  const states: VersionStatus[] = [...versionMoves.from(event)]
  const to = { receive: 'CHECKING', accept: 'READY', reject: 'REJECTED' }[event]
  const subject = { kind: VersionId, id: version.id }
  const act = { action: 'versionStatusChanged', to: subject }
  const moved = await database.transaction(async (client) => {
    const [before] = await database.query<{ status: VersionStatus }>(
      Prisma.sql`
        UPDATE "DeploymentVersion" AS v SET status = ${to}::"VersionStatus", ${how.set}
        FROM (SELECT id, status FROM "DeploymentVersion" WHERE id = ${version.id}::uuid FOR UPDATE) AS old
        WHERE v.id = old.id AND v."deletedAt" IS NULL AND old.status = ANY(${states}::"VersionStatus"[])
        RETURNING old.status`,
      { client },
    )
    if (before === undefined) return false
    await how.before?.(client)
    const told: NewEvent = {
      kind: `VERSION_${to}`,
      changes: [
        { field: 'version', to: version.label },
        { field: 'status', from: before.status, to },
        ...(how.message === undefined ? [] : [{ field: 'rejection', to: how.message }]),
      ],
      message: how.message,
    }
    const telling = Prisma.sql`
      UPDATE "Deployment" AS t SET ${advance([told])} WHERE t.id = ${version.deploymentId}::uuid RETURNING t.*`
    await database.query<Deployment>(recorded(telling, { actor, events: [told], act }), { client })
    return true
  })
  if (!moved) return false
  hint(platform, deployments, { ...version, id: version.deploymentId }, act)
  return true
}
