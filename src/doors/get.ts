import type { Platform } from '../context.ts'
import { archiveKey, archiveOf, VersionId } from '../deployments/index.ts'
import type { Outgoing } from '../kit/http/call.ts'
import { NotFound } from '../kit/errors.ts'

/** The door for archives: the bytes of a version, unchanged. Throws NotFound. */
export async function getArchive(platform: Platform, versionId: string): Promise<Outgoing> {
  const absent = (): NotFound =>
    new NotFound('archive of the deployment version', VersionId.text(versionId))
  const archive = await archiveOf(platform, versionId)
  if (archive === undefined) throw absent()
  return {
    sizeBytes: archive.sizeBytes,
    tag: archive.sha256,
    type: 'application/octet-stream',
    fileName: 'source.tgz',
    async read(range) {
      const object = await platform.storage.get(archiveKey(archive.sha256), range)
      if (object === undefined) throw absent()
      return object.body
    },
  }
}
