import { Prisma, type Deployment, type DeploymentVersion } from '../generated/prisma/client.ts'
import { isSearchable } from '../addresses/index.ts'
import { DeploymentId, deploymentNaming, VersionId, versionNaming } from './deployment.ts'
import { deploymentById } from './store.ts'

isSearchable<Deployment>({
  kind: DeploymentId,
  naming: deploymentNaming,
  role: 'VIEWER',
  from: Prisma.sql`"Deployment" AS o`,
  where: Prisma.sql`o."deletedAt" IS NULL`,
  organization: Prisma.sql`o."organizationId"`,
  names: [Prisma.sql`o.name`, Prisma.sql`o."heldHandle"`],
  title: ({ name }) => name,
  detail: ({ handle }) => handle,
})

isSearchable<DeploymentVersion>({
  kind: VersionId,
  naming: versionNaming,
  role: 'VIEWER',
  from: Prisma.sql`"DeploymentVersion" AS o`,
  where: Prisma.sql`o."deletedAt" IS NULL`,
  organization: Prisma.sql`o."organizationId"`,
  names: [Prisma.sql`o.label`],
  title: ({ label }) => label,
  detail: async ({ deploymentId, status }, ctx) =>
    `${(await deploymentById(ctx, deploymentId))?.handle ?? ''}, ${status}`,
})
