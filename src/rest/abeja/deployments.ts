import {
  AbejaCreateDeploymentDocument,
  AbejaDeleteDeploymentDocument,
  AbejaDeploymentDocument,
  AbejaDeploymentsDocument,
  AbejaUpdateDeploymentDocument,
  type AbejaDeploymentFragment,
} from '../../generated/operations/graphql.ts'
import { listing } from '../listing.ts'
import { absent, done } from '../problem.ts'
import { json } from '../reply.ts'
import { route, type Asked } from '../route.ts'
import { about } from './about.ts'
import { creator } from './creator.ts'
import { Fields } from './fields.ts'
import { inDeployment, inOrganization } from './guards.ts'
import { deployment, DEPLOYMENT, organization, ORGANIZATION } from './ids.ts'
import { message, ref } from './schemas.ts'
import { serviceOf } from './services.ts'

/** Deployments on a page: each comes with its services. */
const PAGE = 100

function deploymentOf(found: AbejaDeploymentFragment, asked: Asked) {
  const { name, description, environment, services, createdAt, updatedAt } = found
  return {
    deployment_id: found.address,
    name,
    description,
    creator: creator(found.creator, asked, createdAt),
    default_environment: Object.fromEntries(
      environment.map((one) => [one.name, one.value ?? '***']),
    ),
    services: services.nodes.map(serviceOf),
    runs: [],
    triggers: [],
    endpoints: [],
    daemons: [],
    codes: [],
    created_at: createdAt,
    modified_at: updatedAt,
  }
}

const tag = 'Deployments'
const failures = { 404: 'There is no such deployment.' }

export const deploymentRoutes = [
  route({
    method: 'POST',
    path: `${ORGANIZATION}/deployments`,
    about: about({
      id: 'create_deployment',
      summary: 'Create a deployment',
      tag,
      body: ref('NewDeployment'),
      answer: ref('Deployment'),
      failures: { 400: 'A parameter is missing or wrong.' },
    }),
    operation: AbejaCreateDeploymentDocument,
    guard: inOrganization,
    variables(asked) {
      const fields = new Fields(asked)
      const name = fields.required('name')
      const description = fields.text('description')
      const environment = fields.variables('default_environment')
      fields.check()
      return { input: { organizationId: organization(asked), name, description, environment } }
    },
    reply: ({ createDeployment }, asked) =>
      json(200, deploymentOf(done(createDeployment).deployment, asked)),
  }),
  listing({
    method: 'GET',
    path: `${ORGANIZATION}/deployments`,
    about: about({
      id: 'get_deployments',
      summary: 'All deployments of an organization',
      tag,
      answer: ref('Deployments'),
      failures: {},
    }),
    operation: AbejaDeploymentsDocument,
    pageSize: PAGE,
    variables: (asked) => ({ organization: organization(asked) }),
    connection: ({ deployments }) => deployments,
    item: deploymentOf,
    around: () => ['{"entries":[', ']}'],
  }),
  route({
    method: 'GET',
    path: DEPLOYMENT,
    about: about({
      id: 'get_deployment',
      summary: 'A deployment',
      tag,
      answer: ref('Deployment'),
      failures,
    }),
    operation: AbejaDeploymentDocument,
    variables: (asked) => ({ deployment: deployment(asked) }),
    reply({ deployment: found }, asked) {
      if (found === null) throw absent(`There is no deployment "${asked.params['deployment']}".`)
      return json(200, deploymentOf(found, asked))
    },
  }),
  route({
    method: 'PATCH',
    path: DEPLOYMENT,
    about: about({
      id: 'patch_deployment',
      summary: 'Change what is given',
      tag,
      body: ref('DeploymentChange'),
      isBodyOptional: true,
      answer: ref('Deployment'),
      failures: { ...failures, 400: 'A value is wrong.' },
    }),
    operation: AbejaUpdateDeploymentDocument,
    guard: inDeployment,
    variables(asked) {
      const fields = new Fields(asked)
      const name = fields.text('name')
      if (name?.trim() === '') fields.refuse('name', 'This must not be empty.')
      const description = fields.text('description')
      const environment = fields.variables('default_environment')
      fields.check()
      const clearEnvironment = environment !== undefined
      return { input: { id: deployment(asked), name, description, environment, clearEnvironment } }
    },
    reply: ({ updateDeployment }, asked) =>
      json(200, deploymentOf(done(updateDeployment).deployment, asked)),
  }),
  route({
    method: 'DELETE',
    path: DEPLOYMENT,
    about: about({
      id: 'delete_deployment',
      summary: 'Delete a deployment that has no services',
      tag,
      answer: message,
      failures: { ...failures, 400: 'It still has services.' },
    }),
    operation: AbejaDeleteDeploymentDocument,
    variables: (asked) => ({ input: { id: deployment(asked) } }),
    reply({ deleteDeployment }, { params }) {
      done(deleteDeployment)
      return json(200, { message: `${params['deployment']} deleted` })
    },
  }),
]
