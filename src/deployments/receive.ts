import { join } from 'node:path'
import type { Platform } from '../context.ts'
import {
  Prisma,
  type Deployment,
  type DeploymentVersion,
  type Upload,
} from '../generated/prisma/client.ts'
import type { VersionStatus } from '../generated/prisma/enums.ts'
import { system } from '../kit/actor.ts'
import { BadArchive, checkArchive } from '../kit/archive/index.ts'
import { NotFound, ValidationError, WrongState } from '../kit/errors.ts'
import type { StoredObject } from '../ports/storage/storage.ts'
import { advance, recorded, type NewEvent } from '../streams/index.ts'
import { archiveKey } from './archive.ts'
import { VersionId, versionMoves } from './deployment.ts'

/** Throws unless the version may be sent an archive now: it exists, and no service runs the one it has. */
export async function mayReceive(
  platform: Platform,
  versionId: string,
): Promise<DeploymentVersion> {
  const version = await platform.database.prisma.deploymentVersion.findFirst({
    where: { id: versionId, deletedAt: null },
  })
  if (version === null) throw new NotFound('deployment version', VersionId.text(versionId))
  const users = await platform.database.prisma.service.count({
    where: { deletedAt: null, OR: [{ versionId }, { targetVersionId: versionId }] },
  })
  if (users > 0)
    throw new WrongState(
      `A service runs version "${version.label}": make a new version for new code.`,
      'IN_USE',
      ['UNUSED'],
    )
  return version
}

/**
 * Takes bytes that lie under `key` as the archive of a version: checks them, and makes the version READY, or
 * REJECTED with the reason, which is also thrown as ValidationError. Refused bytes are gone.
 */
export async function receiveArchive(
  platform: Platform,
  upload: Upload & { versionId: string },
  key: string,
  stored: StoredObject,
): Promise<void> {
  const { storage, config } = platform
  const version = await mayReceive(platform, upload.versionId)
  try {
    await move(platform, version, 'receive', Prisma.sql`rejection = NULL`)
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
    await storage.delete(key)
    if (!(cause instanceof BadArchive)) throw cause
    const { message } = cause
    await move(platform, version, 'reject', Prisma.sql`rejection = ${message}`, message)
    throw new ValidationError([{ path: ['archive'], message, rule: 'archive' }])
  }
  await storage.move(key, archiveKey(stored.sha256))
  await move(
    platform,
    version,
    'accept',
    Prisma.sql`"archiveSha256" = ${stored.sha256}, "archiveSizeBytes" = ${stored.sizeBytes}::bigint, "uploadedAt" = clock_timestamp()`,
  )
}

/** A compare-and-set along the table of versions, told in the deployment's stream and the organization's history. */
async function move(
  { database, hub }: Platform,
  version: DeploymentVersion,
  event: 'receive' | 'accept' | 'reject',
  set: Prisma.Sql,
  message?: string,
): Promise<void> {
  const from: VersionStatus[] = [...versionMoves.from(event)]
  const to = { receive: 'CHECKING', accept: 'READY', reject: 'REJECTED' }[event]
  const status = { field: 'status', from: event === 'receive' ? version.status : 'CHECKING', to }
  const told: NewEvent = {
    kind: `VERSION_${to}`,
    changes: [{ field: 'version', to: version.label }, status],
    message,
  }
  const act = { action: 'versionStatusChanged', noun: 'ver', subject: `ver:${version.id}` }
  const moved = await database.transaction(async (client) => {
    const rows = await database.query<{ id: string }>(
      Prisma.sql`
        UPDATE "DeploymentVersion" SET status = ${to}::"VersionStatus", ${set}
        WHERE id = ${version.id}::uuid AND "deletedAt" IS NULL AND status = ANY(${from}::"VersionStatus"[])
          AND NOT EXISTS (SELECT 1 FROM "Service" AS s WHERE s."deletedAt" IS NULL
            AND (s."versionId" = ${version.id}::uuid OR s."targetVersionId" = ${version.id}::uuid))
        RETURNING id`,
      { client },
    )
    if (rows.length > 0) {
      const telling = Prisma.sql`
        UPDATE "Deployment" AS t SET ${advance([told])} WHERE t.id = ${version.deploymentId}::uuid RETURNING t.*`
      await database.query<Deployment>(recorded(telling, { actor: system, events: [told], act }), {
        client,
      })
    }
    return rows.length > 0
  })
  if (!moved)
    throw new WrongState(
      `Another archive for version "${version.label}" was taken meanwhile.`,
      version.status,
      from,
    )
  hub.hint('deployment', version.deploymentId)
  hub.hint('audit', version.organizationId)
}
