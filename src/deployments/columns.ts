import type { Deployment } from '../generated/prisma/client.ts'
import { columnsFor, FieldsOver } from '../graph/columns.ts'

/** What is read of every deployment, whatever is asked of it. */
export const alwaysRead = ['id', 'serial', 'organizationId'] as const
type Always = (typeof alwaysRead)[number]

/** A deployment as its resolvers see it. */
export type PartialDeployment = Pick<Deployment, Always>
export const deploymentFields = new FieldsOver<Deployment, Always>()

/** The columns that answer what is asked of a deployment, of a table `d`. */
export const deploymentColumns = columnsFor<Deployment>('d', 'Deployment', { always: alwaysRead })
