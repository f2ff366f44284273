import { Problem } from '../problem.ts'
import type { Asked } from '../route.ts'

/*
 * What paths name, as the schema takes it: an address that says where its object has to be. So an organization that
 * is not the caller's is Forbidden and whatever is not where the path says is not there, with no look-up of ours.
 */

export const organization = ({ params }: Asked): string => `abeja:${params['organization']}`
export const deployment = (asked: Asked): string =>
  `${organization(asked)}/${asked.params['deployment']}`
export const service = (asked: Asked): string => `${deployment(asked)}/${asked.params['service']}`
export const version = (asked: Asked): string => `${deployment(asked)}/${asked.params['version']}`
/** What was found for the organization of a path. Throws a Problem where it is none of the caller's. */
export function ofCaller<Found>(found: Found | null): Found {
  if (found === null) throw new Problem('FORBIDDEN', 'You are not a member of that organization.')
  return found
}

/** A version that a body names. */
export const versionNamed = (asked: Asked, id: string): string => `${deployment(asked)}/${id}`

/** A service of the deployment that a body names. */
export const serviceNamed = (asked: Asked, id: string): string => `${deployment(asked)}/${id}`
/** An endpoint by its id, or by its name in the deployment. */
export function endpoint({ params }: Asked): string {
  const text = params['endpoint'] ?? 'default'
  return /^pnt-[0-9a-f]{16}$/.test(text) ? `abeja:${text}` : text
}

/** Behind a deployment these words are parts of paths, so no endpoint is called so. */
export const isPart = (text: string | undefined): boolean =>
  text === 'services' || text === 'endpoints' || text === 'versions'

export const ORGANIZATION = '/organizations/:organization'
export const DEPLOYMENT = `${ORGANIZATION}/deployments/:deployment`
export const VERSION = `${DEPLOYMENT}/versions/:version`
export const ENDPOINT = `${DEPLOYMENT}/endpoints/:endpoint`
export const SERVICE = `${DEPLOYMENT}/services/:service`
