import { isAllowed } from '../auth/viewer.ts'
import type { Context } from '../context.ts'
import type { DeploymentVersion } from '../generated/prisma/client.ts'
import { VersionId } from './deployment.ts'

const HOUR_MS = 3_600_000

/** Storage key of an archive: its content names it, so that equal archives are kept once. */
export const archiveKey = (sha256: string): string => `archives/${sha256}`

const archivePath = (versionId: string): string =>
  `/archives/${VersionId.text(versionId)}/source.tgz`

/** Whether the viewer may read the archive, which is source code: whoever may read all else that is no secret. */
export const mayFetch = ({ viewer }: Context, { organizationId }: DeploymentVersion): boolean =>
  isAllowed(viewer, 'VIEWER', organizationId)

/** Where the bytes of a version's archive can be fetched for an hour. */
export const archiveUrl = (ctx: Context, { id }: DeploymentVersion): string =>
  ctx.origin + ctx.signer.signPath('GET', archivePath(id), new Date(ctx.now().getTime() + HOUR_MS))
