import {
  AbejaMayWriteDeploymentDocument,
  AbejaMayWriteDocument,
  AbejaMayWriteServiceDocument,
  type AbejaMayWriteQuery,
} from '../../generated/operations/graphql.ts'
import { absent, Problem } from '../problem.ts'
import type { Guard } from '../route.ts'
import { deployment, ofCaller, organization, service } from './ids.ts'

/* The order of checks (contract 2.3): 401, 403, 404, and only then what is wrong with the request itself. */

function mayWrite({ organization }: AbejaMayWriteQuery): void {
  const { viewerRole } = ofCaller(organization)
  if (viewerRole !== 'DEVELOPER' && viewerRole !== 'ADMIN')
    throw new Problem('FORBIDDEN', 'This needs the role DEVELOPER.')
}

export const inOrganization: Guard = {
  operation: AbejaMayWriteDocument,
  async check(asked, execute) {
    const variables = { organization: organization(asked) }
    mayWrite(await execute(AbejaMayWriteDocument, variables, asked.ctx))
  },
}

export const inDeployment: Guard = {
  operation: AbejaMayWriteDeploymentDocument,
  async check(asked, execute) {
    const variables = { organization: organization(asked), deployment: deployment(asked) }
    const data = await execute(AbejaMayWriteDeploymentDocument, variables, asked.ctx)
    mayWrite(data)
    if (data.deployment === null)
      throw absent(`There is no deployment "${asked.params['deployment']}".`)
  },
}

export const inService: Guard = {
  operation: AbejaMayWriteServiceDocument,
  async check(asked, execute) {
    const variables = { organization: organization(asked), service: service(asked) }
    const data = await execute(AbejaMayWriteServiceDocument, variables, asked.ctx)
    mayWrite(data)
    if (data.service === null) throw absent(`There is no service "${asked.params['service']}".`)
  },
}
