import {
  AbejaCreateEndpointDocument,
  AbejaDeleteEndpointDocument,
  AbejaEndpointDocument,
  AbejaEndpointsDocument,
  AbejaUpdateEndpointDocument,
  type AbejaEndpointFragment,
} from '../../generated/operations/graphql.ts'
import { listing } from '../listing.ts'
import { absent, done, wrong } from '../problem.ts'
import { json } from '../reply.ts'
import { route, type Asked } from '../route.ts'
import { about } from './about.ts'
import { Fields } from './fields.ts'
import { inDeployment } from './guards.ts'
import { deployment, DEPLOYMENT, endpoint, ENDPOINT, isPart, serviceNamed } from './ids.ts'
import { message, ref } from './schemas.ts'

/* Endpoints (contract 7.1): names in a deployment that lead to one of its services. */

const endpointOf = ({ address, name, primary }: AbejaEndpointFragment) => ({
  endpoint_id: address,
  custom_alias: name,
  service_id: primary?.address ?? null,
})

const gone = ({ params }: Asked) => absent(`There is no endpoint "${params['endpoint']}".`)
const which = (asked: Asked) => ({ id: endpoint(asked), deploymentId: deployment(asked) })
const tag = 'Endpoints'
const failures = { 404: 'There is no such endpoint.' }

export const endpointRoutes = [
  route({
    method: 'POST',
    path: `${DEPLOYMENT}/endpoints`,
    about: about({
      id: 'create_endpoint',
      summary: 'Give a service a name in its deployment',
      tag,
      body: ref('NewEndpoint'),
      answer: ref('Endpoint'),
      failures: { 400: 'A parameter is missing or wrong, or the name is taken.' },
    }),
    operation: AbejaCreateEndpointDocument,
    guard: inDeployment,
    statuses: { NOT_FOUND: 400 },
    variables(asked) {
      const fields = new Fields(asked)
      const serviceId = serviceNamed(asked, fields.required('service_id'))
      const name = fields.text('custom_alias') ?? 'default'
      if (isPart(name)) fields.refuse('custom_alias', `"${name}" is a part of paths.`)
      fields.check()
      return { input: { name, deploymentId: deployment(asked), serviceIds: [serviceId] } }
    },
    reply: ({ createRoute }) => json(200, endpointOf(done(createRoute).route)),
  }),
  listing({
    method: 'GET',
    path: `${DEPLOYMENT}/endpoints`,
    about: about({
      id: 'get_endpoints',
      summary: 'All endpoints of a deployment',
      tag,
      answer: ref('Endpoints'),
      failures: { 404: 'There is no such deployment.' },
    }),
    operation: AbejaEndpointsDocument,
    variables: (asked) => ({ deployment: deployment(asked) }),
    connection({ deployment: found, routes }) {
      if (found === null) throw absent('There is no such deployment.')
      return routes
    },
    item: endpointOf,
    around: () => ['{"entries":[', ']}'],
  }),
  route({
    method: 'GET',
    path: ENDPOINT,
    about: about({
      id: 'get_endpoint',
      summary: 'An endpoint by id or name',
      tag,
      answer: ref('Endpoint'),
      failures,
    }),
    operation: AbejaEndpointDocument,
    variables: (asked) => ({ deployment: deployment(asked), endpoint: endpoint(asked) }),
    reply({ route: found }, asked) {
      if (found === null) throw gone(asked)
      return json(200, endpointOf(found))
    },
  }),
  route({
    method: 'PATCH',
    path: ENDPOINT,
    about: about({
      id: 'update_endpoint',
      summary: 'Let an endpoint lead to another service',
      tag,
      body: ref('EndpointChange'),
      answer: message,
      failures: { ...failures, 400: 'There is no such service.' },
    }),
    operation: AbejaUpdateEndpointDocument,
    guard: inDeployment,
    variables(asked) {
      const fields = new Fields(asked)
      const serviceId = serviceNamed(asked, fields.required('service_id'))
      fields.check()
      return { input: { ...which(asked), targets: [{ serviceId }] } }
    },
    reply({ updateRoute: outcome }, asked) {
      // the service it names is a parameter; only the endpoint itself is what may not be there
      const isThere =
        'requestedId' in outcome &&
        ![endpoint(asked), deployment(asked)].includes(outcome.requestedId)
      if (isThere && 'message' in outcome) throw wrong('service_id', outcome.message)
      return json(200, { message: `${done(outcome).route.address} updated` })
    },
  }),
  route({
    method: 'DELETE',
    path: ENDPOINT,
    about: about({
      id: 'delete_endpoint',
      summary: 'Delete an endpoint',
      tag,
      answer: message,
      failures,
    }),
    operation: AbejaDeleteEndpointDocument,
    variables: (asked) => ({ input: which(asked) }),
    reply: ({ deleteRoute }) =>
      json(200, { message: `${done(deleteRoute).route.address} deleted` }),
  }),
]
