import { AbejaWhoseDeploymentDocument } from '../../generated/operations/graphql.ts'
import { Forbidden } from '../../kit/errors.ts'
import { absent } from '../problem.ts'
import { calling, type Asked, type Named, type RefusalCheck, type Statuses } from '../route.ts'
import { about } from './about.ts'
import { endpoint, isPart } from './ids.ts'

/** The organization that the first label of the host names: 13 digits, as the SDK and the CLI put it there. */
function label({ hostName }: Asked): string | undefined {
  const [first = '', ...others] = hostName.split('.')
  return others.length > 0 && /^[1-9]\d{12}$/.test(first) ? first : undefined
}

/** What is called: a service, or where none is named an endpoint of the deployment. */
function named(asked: Asked, isShort: boolean): Named {
  const { deployment = '', service, endpoint: name } = asked.params
  if (isShort && isPart(name)) throw absent(`There is nothing at ${asked.path}.`)
  const organization = label(asked)
  const place = organization === undefined ? 'abeja:' : `abeja:${organization}/`
  return {
    deployment: place + deployment,
    ...(service === undefined ? { route: endpoint(asked) } : { service: place + service }),
    target: `/${asked.search}`,
    sent: { 'content-type': asked.headers['content-type'] ?? 'application/octet-stream' },
    told: {
      'x-abeja-deployment-id': deployment,
      ...(service === undefined ? {} : { 'x-abeja-service-id': service }),
    },
  }
}

/**
 * A host that names an organization which is not the caller's is a wrong host where the deployment is the caller's,
 * and a wrong credential where it is not.
 */
const whose: RefusalCheck = {
  operation: AbejaWhoseDeploymentDocument,
  async check(error, asked, execute) {
    if (!(error instanceof Forbidden) || label(asked) === undefined) return
    const { deployment = '' } = asked.params
    const variables = { deployment: `abeja:${deployment}` }
    const found = await execute(AbejaWhoseDeploymentDocument, variables, asked.ctx)
    if (found.deployment !== null)
      throw absent('The deployment is not of the organization that the host names.')
  },
}

// a service that does not run is not there, which no client tries again
const statuses: Statuses = { WRONG_STATE: 404 }

const failures = {
  404: 'There is no such service, or it does not run.',
  502: 'The instance broke off its answer.',
  503: 'It is starting and no instance is ready yet; `Retry-After` says when to come again.',
  504: 'The handler took too long.',
}

/** An endpoint's name right behind the deployment's id. */
const SHORT = '/:endpoint'

/** The ways to call: each with a part of the path that follows the deployment's. */
const ways = [
  ['request_service', 'Call a service', '/services/:service'],
  ['request_endpoint', 'Call the service behind an endpoint', '/endpoints/:endpoint'],
  ['request_alias', 'The same by a shorter path', SHORT],
  ['request_default_endpoint', 'Call the service behind the endpoint "default"', ''],
] as const
/** Those that documents can name, each with a route; HEAD comes with GET, and all others with the first. */
const METHODS = ['POST', 'GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const

/** All of them at a deployment whose id, and whose services' ids, have these patterns. */
const inferenceAt = (deploymentForm: string, serviceForm: string) =>
  ways.flatMap(([id, summary, path]) =>
    METHODS.map((method) =>
      calling({
        method,
        path: `/deployments/:deployment${deploymentForm}${path.replace(':service', `:service${serviceForm}`)}`,
        about: about({
          id: method === 'POST' ? id : `${id}_${method.toLowerCase()}`,
          summary: `${summary}: the bytes go to its handler, and its answer comes back, as they are`,
          tag: 'Inference',
          body: 'bytes',
          isBodyOptional: true,
          answer: 'bytes',
          failures,
        }),
        statuses,
        takesOthers: method === 'POST',
        named: (asked) => named(asked, path === SHORT),
        refused: whose,
      }),
    ),
  )

export const inference = inferenceAt('', '')

/** The same at the root of the main port, beside calls that name services by ids of Millrace's own. */
export const inferenceAtRoot = inferenceAt('(^[1-9]\\d{12}$)', '(^ser-[0-9a-f]{16}$)')
