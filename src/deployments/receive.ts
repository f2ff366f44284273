import { join } from 'node:path'
import type { PoolClient } from 'pg'
import type { Platform } from '../context.ts'
import {
  Prisma,
  type Deployment,
  type DeploymentVersion,
  type Upload,
} from '../generated/prisma/client.ts'
import type { VersionStatus } from '../generated/prisma/enums.ts'
import type { Actor } from '../kit/actor.ts'
import { BadArchive, checkArchive } from '../kit/archive/index.ts'
import { NotFound, ValidationError } from '../kit/errors.ts'
import type { StoredObject } from '../ports/storage/storage.ts'
import { advance, recorded, type NewEvent } from '../streams/index.ts'
import { askedBy, completeUpload } from '../uploads/index.ts'
import { archiveKey } from './archive.ts'
import { VersionId, versionMoves } from './deployment.ts'

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
  const { storage, config, database } = platform
  const version = await versionThere(database, upload.versionId)
  const actor = askedBy(upload)
  if (!(await move(platform, version, actor, 'receive', { set: Prisma.sql`rejection = NULL` })))
    return false
  try {
    await checkArchive(
      async () => {
        const object = await storage.get(key)
        if (object === undefined) throw new Error(`${key} is gone from the storage`)
        return object.body
      },
      {
        temporary: join(config.dataDir, 'checking'),
        maxFiles: config.maxArchiveFiles,
        maxBytes: config.maxUnpackedBytes,
      },
    )
  } catch (cause) {
    if (!(cause instanceof BadArchive)) throw cause
    const { message } = cause
    const set = Prisma.sql`rejection = ${message}`
    if (!(await move(platform, version, actor, 'reject', { set, message }))) return false
    throw new ValidationError([{ path: ['archive'], message, rule: 'archive' }])
  }
  return move(platform, version, actor, 'accept', {
    set: Prisma.sql`rejection = NULL, "archiveSha256" = ${stored.sha256},
      "archiveSizeBytes" = ${stored.sizeBytes}::bigint, "uploadedAt" = clock_timestamp()`,
    // no other can be accepted any more, and whoever sees the version READY finds its archive
    async before(client) {
      await storage.move(key, archiveKey(stored.sha256))
      await completeUpload(platform, client, upload, stored)
    },
  })
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
  { database, hub }: Platform,
  version: DeploymentVersion,
  actor: Actor,
  event: 'receive' | 'accept' | 'reject',
  how: {
    readonly set: Prisma.Sql
    readonly message?: string
    readonly before?: (client: PoolClient) => Promise<unknown>
  },
): Promise<boolean> {
  const states: VersionStatus[] = [...versionMoves.from(event)]
  const to = { receive: 'CHECKING', accept: 'READY', reject: 'REJECTED' }[event]
  const act = { action: 'versionStatusChanged', noun: 'ver', subject: `ver:${version.id}` }
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
      ],
      message: how.message,
    }
    const telling = Prisma.sql`
      UPDATE "Deployment" AS t SET ${advance([told])} WHERE t.id = ${version.deploymentId}::uuid RETURNING t.*`
    await database.query<Deployment>(recorded(telling, { actor, events: [told], act }), { client })
    return true
  })
  if (!moved) return false
  hub.hint('deployment', version.deploymentId)
  hub.hint('audit', version.organizationId)
  return true
}
