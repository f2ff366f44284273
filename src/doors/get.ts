import type { Platform } from '../context.ts'
import { archiveKey, VersionId } from '../deployments/index.ts'
import type { Outgoing } from '../kit/call.ts'
import { NotFound } from '../kit/errors.ts'

/** The door for archives: the bytes of a version, unchanged. Throws NotFound. */
export async function getArchive(
  { database, storage }: Platform,
  versionId: string,
): Promise<Outgoing> {
  const version = await database.prisma.deploymentVersion.findFirst({
    where: { id: versionId, deletedAt: null },
  })
  const sha256 = version?.archiveSha256
  const object = sha256 ? await storage.get(archiveKey(sha256)) : undefined
  if (!sha256 || object === undefined)
    throw new NotFound('archive of the deployment version', VersionId.text(versionId))
  return { ...object, sha256, fileName: 'source.tgz' }
}
