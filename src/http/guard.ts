import type { IncomingMessage } from 'node:http'
import type { Config } from '../config.ts'
import type { FrontName } from '../rest/fronts.ts'
import { serviceAt } from '../services/index.ts'
import { isOwnName, knownHosts } from './own-names.ts'
import { credentialOf, reached } from './reached.ts'

/**
 * What browsers send by themselves is no proof that anybody wants it. So a request that needs no credential, or whose
 * credential is the cookie, must not come from a page of another origin. A request that brings a credential in a
 * header was written by whoever knows it, and is welcome from everywhere.
 */

/** Why a request is refused before anything of it is read, or undefined. `front` is the REST front it goes to. */
export function refusal(
  config: Config,
  request: IncomingMessage,
  front?: FrontName,
): string | undefined {
  const credential = credentialOf(config, request, front)
  if (credential?.from === 'header') return undefined
  const isOpen =
    config.auth === 'open' || (front !== undefined && config.openFronts.includes(front))
  const why = isOpen ? strangerRefusal(config, request) : undefined
  if (why !== undefined || credential === undefined) return why
  return isByOwnPage(config, request)
    ? undefined
    : 'The cookie is good for pages of this server only: send "Authorization: Bearer <token>".'
}

/**
 * Why whoever has no credential that is known may not act, or undefined: neither by a cross-origin request nor
 * through a host name that was pointed at this machine (DNS rebinding) may a page use what is open to all.
 */
export function strangerRefusal(config: Config, request: IncomingMessage): string | undefined {
  const { headers } = request
  // a proxy that leaves X-Forwarded-Host to its callers must not help: both names have to be ours
  const strange = [headers.host ?? '', reached(config, request).host].find(
    (host) => !isOwnName(config, host),
  )
  if (strange !== undefined && !config.authOpenAnywhere)
    return `Without a credential this server answers to its own names only, not to "${strange}".`
  if (!isFromHere(headers['sec-fetch-site']))
    return 'Pages of other sites may not use this server without a credential.'
  const { origin } = headers
  if (origin !== undefined && !isOwn(config, request, origin))
    return `Pages of ${origin} may not use this server without a credential.`
  return undefined
}

/**
 * The service whose own host a request names; null for a host that is no service's but is not ours, undefined for
 * ours. What a proxy forwards and `Host` both count, so that no mix of the two passes for ours.
 */
export function pageAt(config: Config, request: IncomingMessage): string | null | undefined {
  const hosts = [request.headers.host ?? '', reached(config, request).host]
  const named = new Set(hosts.map((host) => serviceAt(config, host)))
  named.delete(undefined)
  return named.size > 1 ? null : [...named][0]
}

/** Whether a person has a browser open this, by whatever link: the address is all that the link decided. */
export function isNavigation({ method, headers }: IncomingMessage): boolean {
  const mode = headers['sec-fetch-mode']
  const isWanted =
    mode === undefined
      ? headers.accept?.includes('text/html') === true
      : mode === 'navigate' && headers['sec-fetch-dest'] === 'document'
  return (method === 'GET' || method === 'HEAD') && isWanted
}

/**
 * Whether whoever is let in at the host of a service by its cookie may be asking: a page of that host, or a person who
 * goes there. Where browsers say nothing of a GET the cookie has not come from another site, being SameSite=Lax.
 */
export function isAtHome(request: IncomingMessage, host: string): boolean {
  const { origin, 'sec-fetch-site': site } = request.headers
  if (origin !== undefined)
    return URL.canParse(origin) && new URL(origin).host === host.toLowerCase()
  if (site !== undefined) return isFromHere(site) || isNavigation(request)
  return request.method === 'GET' || request.method === 'HEAD'
}

/** Whether a page of another origin is known to have sent it. */
export const isForeign = (config: Config, request: IncomingMessage): boolean =>
  !isFromHere(request.headers['sec-fetch-site']) ||
  (request.headers.origin !== undefined && !isOwn(config, request, request.headers.origin))

/**
 * Whether it is known to come from a page of ours. Browsers say so with Origin, on everything but plain GETs, or
 * with Sec-Fetch-Site, on everything but plain HTTP between machines. A GET of /graphql that has neither, such as an
 * EventSource's, is taken for ours: it changes nothing, and no other page can read what it answers.
 */
function isByOwnPage(config: Config, request: IncomingMessage): boolean {
  const { headers, method = '', url = '' } = request
  if (isForeign(config, request)) return false
  if (headers.origin !== undefined || headers['sec-fetch-site'] !== undefined) return true
  const isRead = (method === 'GET' || method === 'HEAD') && headers.upgrade === undefined
  return isRead && /^\/graphql(?:\?|$)/.test(url)
}

/** `none` is the person at the browser: an address that was typed, a bookmark. Another port is another origin. */
export const isFromHere = (site: string | string[] | undefined): boolean =>
  site === undefined || site === 'same-origin' || site === 'none'

function isOwn(config: Config, request: IncomingMessage, origin: string): boolean {
  if (!URL.canParse(origin)) return false
  const from = new URL(origin).host
  const isNamed =
    from === request.headers.host ||
    from === reached(config, request).host ||
    knownHosts(config).has(from)
  return isNamed && serviceAt(config, from) === undefined
}
