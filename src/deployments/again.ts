import type { Context } from '../context.ts'
import type { DeploymentVersion, Upload } from '../generated/prisma/client.ts'
import { versions } from './deployment.ts'

/** A version that a call has made before, with the upload that was made for its archive. */
export async function createdVersion(
  ctx: Context,
  id: string,
): Promise<{ version: DeploymentVersion; upload: Upload }> {
  const version = await versions.changedBefore(ctx, id)
  const upload = await ctx.database.prisma.upload.findFirstOrThrow({
    where: { versionId: id },
    orderBy: { serial: 'asc' },
  })
  return { version, upload }
}
