import { stringifySetCookie, parseCookie } from 'cookie'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { credentialIn } from '../auth/credential.ts'
import { anonymous, requireCredential, type Viewer } from '../auth/viewer.ts'
import type { Site } from '../context.ts'
import { Forbidden, NotFound, Unauthenticated } from '../kit/errors.ts'
import { page, PAGE_HEADERS } from '../rest/index.ts'
import {
  holderOfPass,
  OPENING,
  openingUrl,
  pagePathRule,
  passFor,
  ServiceId,
} from '../services/index.ts'
import { atItsOwn, passOn } from './answers.ts'
import { asBrokenOff, callOf, invoked } from './calls.ts'
import { isAtHome, isNavigation, pageAt, refusal } from './guard.ts'
import { reached } from './reached.ts'
import { asNamed, contextOf } from './request.ts'
import { keepPace } from './slow-senders.ts'
import { pathIn } from './target.ts'

/** Where the router finds whatever is asked of a service's own host; at ours there is nothing. */
export const PAGE_ROUTE = '/.well-known/millrace/page'

const NEVER_STORED = { 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' }

/**
 * Pages of services, each at a host of its own (`services/page.ts`), where every path and method is the service's and
 * nothing of ours answers; and the way to them from our own host, where a browser is known.
 */
export function pages(site: Site) {
  return async (http: FastifyInstance): Promise<void> => {
    http.setErrorHandler((error) => {
      throw asBrokenOff(error)
    })

    http.all(PAGE_ROUTE, async (request, reply) => {
      const serviceId = pageAt(site.config, request.raw)
      if (serviceId == null) throw new NotFound('service', request.host)
      const host = hostOf(site, request, serviceId)
      const target = pathIn(request.originalUrl)
      keepPace(request.raw, site.config)
      if (target.startsWith(`${OPENING}?`)) return letIn(site, reply, host, target)
      const ctx = await contextOf(site, request.raw, undefined, () => guestOf(site, request, host))
      if (ctx.viewer.kind === 'anonymous' && isNavigation(request.raw)) {
        const back = new URLSearchParams({ to: target }).toString()
        const opener = `${host.ours}/open/${ServiceId.text(serviceId)}?${back}`
        return reply.headers(NEVER_STORED).redirect(opener, 302)
      }
      const call = callOf(site, request, reply, { target, address: host.origin })
      const answer = await invoked(site, ctx, reply, () =>
        ctx.doors.invoke(ctx, undefined, ServiceId.text(serviceId), call),
      )
      return passOn(reply, atItsOwn(answer))
    })

    http.get('/open/:service', { config: { guardsItself: true } }, async (request, reply) => {
      const { service = '' } = request.params as { service?: string } // of this path
      const path = new URLSearchParams(request.url.split(/\?(.*)/s)[1] ?? '').get('to')
      const to = pagePathRule.safeParse(path).data ?? '/'
      const why = refusal(site.config, request.raw)
      if (why !== undefined && !isNavigation(request.raw)) throw new Forbidden('VIEWER', why)
      if (why !== undefined) return reply.code(403).headers(PAGE_HEADERS).send(asking(service, to))
      const ctx = await contextOf(site, request.raw)
      requireCredential(ctx.viewer)
      const url = await openingUrl(ctx, service, to)
      return reply.headers(NEVER_STORED).redirect(url, 303)
    })
  }
}

/** The host of a service as a request reached it. */
interface Host {
  readonly serviceId: string
  readonly origin: string
  /** Name and port. */
  readonly name: string
  /** Where this server is itself, without a trailing slash. */
  readonly ours: string
  /** The cookie that lets browsers in. */
  readonly cookie: string
}

function hostOf({ config }: Site, { raw }: FastifyRequest, serviceId: string): Host {
  const { scheme: seen, host: name } = reached(config, raw)
  const isBelow = !/\.localhost(?::\d+)?$/i.test(name)
  const scheme = (isBelow ? config.servicesUrl?.split(':')[0] : undefined) ?? seen
  const port = /:\d+$/.exec(name)?.[0] ?? ''
  return {
    serviceId,
    origin: `${scheme}://${name}`,
    name,
    ours: config.publicUrl ?? `${seen}://localhost${port}`,
    // over https a name that browsers take from this very host alone
    cookie: scheme === 'https' ? '__Host-millrace-page' : 'millrace-page',
  }
}

/**
 * Who asks at the host of a service: by a credential in a header as everywhere, or by the pass in the cookie. Nobody is
 * let in without one, in open mode either. Throws Forbidden for a page of another origin.
 */
async function guestOf(site: Site, { raw }: FastifyRequest, host: Host): Promise<Viewer> {
  const { authorization, cookie } = raw.headers
  const credential = credentialIn({ authorization }, '')
  const known = await site.authenticator.known(credential)
  if (known !== undefined) return asNamed(site, known, credential)
  const pass = cookie === undefined ? undefined : parseCookie(cookie)[host.cookie]
  const holder = pass && holderOfPass(site, 'page', host.serviceId, pass)
  if (!holder) return anonymous
  if (!isAtHome(raw, host.name))
    throw new Forbidden('VIEWER', 'The cookie of this host is good for its own pages only.')
  return (await site.authenticator.holding(holder)) ?? anonymous
}

/** Exchanges a pass in the address for the cookie, and goes on to the page. */
function letIn(site: Site, reply: FastifyReply, host: Host, target: string): FastifyReply {
  const { serviceId, origin, cookie: name } = host
  const query = new URLSearchParams(target.slice(OPENING.length))
  const holder = holderOfPass(site, 'open', serviceId, query.get('pass') ?? '')
  if (holder === undefined)
    throw new Unauthenticated('This address is wrong or has expired: open the service anew.')
  const cookie = stringifySetCookie({
    name,
    value: passFor(site, 'page', serviceId, holder),
    httpOnly: true,
    sameSite: 'lax',
    path: '/',
    secure: origin.startsWith('https:'),
  })
  const to = pagePathRule.safeParse(query.get('to')).data ?? '/'
  return reply.headers({ ...NEVER_STORED, 'set-cookie': cookie }).redirect(origin + to, 303)
}

/** What a person is asked who comes by a link of another site: whether to go there as who they are here. */
const asking = (service: string, to: string): string =>
  page(
    'Open a page of a service?',
    `<p>A link elsewhere leads to the service <code>${encodeURIComponent(service)}</code>. Its page can then call this one service as you, and nothing else.</p>
<p><a href="/open/${encodeURIComponent(service)}?to=${encodeURIComponent(to)}">Open it</a></p>`,
  )
