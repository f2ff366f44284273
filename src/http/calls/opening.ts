import type { IncomingMessage } from 'node:http'
import { parseCookie, stringifySetCookie } from 'cookie'
import type { FastifyReply } from 'fastify'
import type { Site } from '../../context.ts'
import { Forbidden, Unauthenticated } from '../../kit/errors.ts'
import { isLoopback } from '../../kit/http/loopback.ts'
import { page, PAGE_HEADERS } from '../../rest/index.ts'
import { holderOfPass, OPENING, pagePathRule, passFor } from '../../services/index.ts'
import { begun, isBegunHere } from '../begun.ts'
import { isFromHere, isNavigation } from '../guard.ts'
import { nameOf } from '../own-names.ts'
import { reached } from '../reached.ts'

export const NEVER_STORED = { 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' }

/** The host of a service as a request reached it. */
export interface ServiceHost {
  readonly serviceId: string
  readonly origin: string
  /** Name and port. */
  readonly name: string
  /** Whether browsers reach it by https. */
  readonly isSecure: boolean
  /** Where this server is itself, without a trailing slash. */
  readonly ours: string
  /** The cookie that lets browsers in. */
  readonly cookie: string
}

/**
 * Exchanges a pass in the address for the cookie, and goes on to the page. Where another site may have led there, or
 * somebody else is let in already, the person is asked first: a pass is not to be forced on anybody. Throws
 * Unauthenticated, and Forbidden for what is no navigation.
 */
export function letIn(
  site: Site,
  request: IncomingMessage,
  reply: FastifyReply,
  host: ServiceHost,
  target: string,
): FastifyReply {
  const { serviceId, origin, cookie: name, isSecure } = host
  const query = new URLSearchParams(target.slice(OPENING.length))
  const holder = holderOfPass(site, 'open', serviceId, query.get('pass') ?? '')
  if (holder === undefined)
    throw new Unauthenticated('This address is wrong or has expired: open the service anew.')
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  if (!isRead || (request.headers['sec-fetch-mode'] !== undefined && !isNavigation(request)))
    throw new Forbidden('VIEWER', 'Only a person who goes to this address is let in by it.')
  const pass = parseCookie(request.headers.cookie ?? '')[name]
  const before = pass && holderOfPass(site, 'page', serviceId, pass)
  const isOther = before !== undefined && before !== '' && before !== holder
  if (!isBegunHere(request, isSecure, query.get('begun')) && (isOther || mayBeSent(request))) {
    const { nonce, cookie } = begun(request, isSecure)
    query.set('begun', nonce)
    return shown(
      reply.code(403).header('set-cookie', cookie),
      'Open this page?',
      `<p>The address that led here lets this browser in as whoever made it${isOther ? ', in place of who is let in now' : ''}. What you do on the page is then done as them.</p>
${link(`${OPENING}?${query.toString()}`)}`,
    )
  }
  const cookie = stringifySetCookie({
    name,
    value: passFor(site, 'page', serviceId, holder),
    httpOnly: true,
    sameSite: 'lax',
    path: '/',
    secure: isSecure,
  })
  const to = pagePathRule.safeParse(query.get('to')).data ?? '/'
  return reply.headers({ ...NEVER_STORED, 'set-cookie': cookie }).redirect(origin + to, 303)
}

/** Whether a page of another site may have sent a browser here; over plain HTTP browsers do not say. */
function mayBeSent(request: IncomingMessage): boolean {
  const site = request.headers['sec-fetch-site']
  return site === undefined ? isNavigation(request) : !isFromHere(site)
}

/** Asks a person who comes by a link of another site whether to go there as who they are here. */
export function asking(
  request: IncomingMessage,
  reply: FastifyReply,
  isSecure: boolean,
  { service, to, query }: { service: string; to: string; query: URLSearchParams },
): FastifyReply {
  const { nonce, cookie } = begun(request, isSecure)
  const onward = new URLSearchParams(query)
  onward.set('to', to)
  onward.set('sure', nonce)
  return shown(
    reply.code(403).header('set-cookie', cookie),
    'Open a page of a service?',
    `<p>A link elsewhere leads to the service <code>${encodeURIComponent(service)}</code>. Its page can then call this one service as you, and nothing else.</p>
${link(`/open/${encodeURIComponent(service)}?${onward.toString()}`)}`,
  )
}

/**
 * Tells a person who is not signed in how that is done. On loopback a server has two names, each with cookies of its
 * own, and the person may be signed in at the other: that is tried first.
 */
export function signIn(
  { config }: Site,
  request: IncomingMessage,
  reply: FastifyReply,
  query: URLSearchParams,
): FastifyReply {
  const { scheme, host } = reached(config, request)
  const here = nameOf(host)
  const isOurs = config.publicUrl === undefined && isLoopback(here) && config.host !== '::1'
  const name = here === 'localhost' ? '127.0.0.1' : 'localhost'
  const port = /:\d+$/.exec(host)?.[0] ?? ''
  const other = isOurs ? `${scheme}://${name}${port}` : undefined
  if (other !== undefined && !query.has('tried')) {
    const onward = new URLSearchParams(query)
    onward.set('tried', here)
    const path = (request.url ?? '/').split('?')[0] ?? '/'
    return reply.headers(NEVER_STORED).redirect(`${other}${path}?${onward.toString()}`, 302)
  }
  const isNamed = [other, `${scheme}://${host}`].filter((one) => one !== undefined)
  const places = isNamed.map((one) => `<code>${one.replaceAll(/[&<>"']/g, '')}</code>`)
  return shown(
    reply.code(401),
    'Sign in first',
    `<p>This browser is signed in neither here nor elsewhere on this server (${places.join(', ')}), so it cannot open the page.</p>
<p>Sign in at one of these addresses: open <a href="/graphql">/graphql</a> there and run <code>mutation { signIn(input: { email: "…", password: "…", cookie: true }) { __typename } }</code>. Then open the page again.</p>
<p>Whoever has a token can have the mutation <code>openService</code> answer an address instead, which opens the page in any browser.</p>`,
  )
}

const shown = (reply: FastifyReply, title: string, content: string): FastifyReply =>
  reply.headers({ ...PAGE_HEADERS, 'cache-control': 'no-store' }).send(page(title, content))

const link = (href: string): string =>
  `<p><a href="${href.replaceAll('&', '&amp;')}">Open it</a></p>`
