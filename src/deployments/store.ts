import type { Context } from '../context.ts'
import { Prisma, type Deployment, type DeploymentVersion } from '../generated/prisma/client.ts'
import { columnsFor } from '../graph/columns.ts'
import { batched } from '../kit/batched.ts'

/** The columns that answer what is asked of a deployment, of a table `d`. */
export const deploymentColumns = columnsFor<Deployment>('d', ['id', 'serial', 'organizationId'], {
  id: [],
  name: ['name'],
  handle: ['handle'],
  description: ['description'],
  createdAt: ['createdAt'],
  updatedAt: ['updatedAt'],
  asOf: ['revision'],
  revision: ['revision'],
})

/** What a service runs, deleted or not: whoever sees the service sees what it is made of. */
export const deploymentOf = batched<Context, Deployment>(({ database }, ids) =>
  database.read(
    Prisma.sql`SELECT * FROM "Deployment" WHERE id = ANY(${ids}::uuid[])`,
    'deployments-of-services',
  ),
)

/** The same of its version. */
export const versionOf = batched<Context, DeploymentVersion>(({ database }, ids) =>
  database.read(
    Prisma.sql`SELECT * FROM "DeploymentVersion" WHERE id = ANY(${ids}::uuid[])`,
    'versions-of-services',
  ),
)
