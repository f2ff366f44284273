import { allow, found, organizationsOf } from '../auth/viewer.ts'
import type { Context } from '../context.ts'
import type { Deployment, DeploymentVersion, Upload } from '../generated/prisma/client.ts'
import { DeploymentId, VersionId } from './deployment.ts'

/*
 * Objects that a call has changed before, as they are now or last were, for whoever may change them: what a mutation
 * answers whose effect is there already.
 */

export async function changedDeployment(ctx: Context, id: string): Promise<Deployment> {
  const where = { id, organizationId: { in: organizationsOf(ctx.viewer) } }
  const row = await ctx.database.prisma.deployment.findFirst({ where })
  const deployment = found(row, 'deployment', DeploymentId.text(id))
  allow(ctx.viewer, 'DEVELOPER', deployment.organizationId)
  return deployment
}

export async function changedVersion(ctx: Context, id: string): Promise<DeploymentVersion> {
  const where = { id, organizationId: { in: organizationsOf(ctx.viewer) } }
  const row = await ctx.database.prisma.deploymentVersion.findFirst({ where })
  const version = found(row, 'deployment version', VersionId.text(id))
  allow(ctx.viewer, 'DEVELOPER', version.organizationId)
  return version
}

/** With the upload that was made for its archive. */
export async function createdVersion(
  ctx: Context,
  id: string,
): Promise<{ version: DeploymentVersion; upload: Upload }> {
  const version = await changedVersion(ctx, id)
  const upload = await ctx.database.prisma.upload.findFirstOrThrow({
    where: { versionId: id },
    orderBy: { serial: 'asc' },
  })
  return { version, upload }
}
