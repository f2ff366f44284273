/** ABEJA Platform's Service API (contract abeja): what its Python SDK and its command line call. */
import type { Protocol } from '../protocol.ts'
import { deploymentRoutes } from './deployments.ts'
import { endpointRoutes } from './endpoints.ts'
import { tell } from './errors.ts'
import { inference, inferenceAtRoot } from './inference.ts'
import { logRoutes } from './logs.ts'
import { organizationRoute } from './organizations.ts'
import { schemas } from './schemas.ts'
import { serviceRoutes } from './services.ts'
import { versionRoutes } from './versions.ts'

export const protocol: Protocol = {
  routes: [
    organizationRoute,
    ...deploymentRoutes,
    ...versionRoutes,
    ...serviceRoutes,
    ...logRoutes,
    ...endpointRoutes,
    ...inference,
  ],
  atRoot: inferenceAtRoot,
  tell,
  overridesMethod: false,
  tellsMethods: false,
  api: {
    title: 'Millrace for clients of ABEJA Platform',
    description:
      'Deployments, versions, services, logs and inference as the ABEJA Platform SDK and CLI call them. Credentials are tokens of Millrace: as a bearer token, or as the password of user-… and datasource-….',
    version: '1',
    dialect: '3.1.0',
    path: '/openapi.json',
    schemas,
    failure: 'Failure',
    security: ['bearer', 'basic'],
  },
}
