import { parseCookie } from 'cookie'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { credentialIn } from '../../auth/credential.ts'
import { anonymous, requireCredential, type Viewer } from '../../auth/viewer.ts'
import type { Site } from '../../context.ts'
import { ofAnyType } from '../../kit/http/any-type.ts'
import { Forbidden, NotFound, Unauthenticated } from '../../kit/errors.ts'
import { holderOfPass, OPENING, openingUrl, pagePathRule, ServiceId } from '../../services/index.ts'
import { atItsOwn, passOn } from './answers.ts'
import { asBrokenOff, callMethods, callOf, invoked } from './calls.ts'
import { cors } from './cors.ts'
import { isAtHome, isForeign, isNavigation, pageAt, refusal } from '../guard.ts'
import { begun, isBegunHere } from '../begun.ts'
import { asking, letIn, NEVER_STORED, signIn, type ServiceHost } from './opening.ts'
import { isSecure, reached } from '../reached.ts'
import { asNamed, contextOf } from '../request.ts'
import { keepPace } from '../slow-senders.ts'
import { pathIn } from '../target.ts'

/** Where the router finds whatever is asked of a service's own host; at ours there is nothing. */
export const PAGE_ROUTE = '/.well-known/millrace/page'

/**
 * Pages of services, each at a host of its own (`services/process/page.ts`), where every path but one is the service's; and the way to them from our own host, where a browser is known.
 */
export function pages(site: Site) {
  return async (http: FastifyInstance): Promise<void> => {
    ofAnyType(http)
    http.setErrorHandler((error) => {
      throw asBrokenOff(error)
    })

    http.route({
      method: callMethods(http),
      url: PAGE_ROUTE,
      handler: async (request, reply) => {
        const serviceId = pageAt(site.config, request.raw)
        if (serviceId == null) throw new NotFound('service', request.host)
        const host = hostOf(site, request, serviceId)
        const target = pathIn(request.originalUrl)
        keepPace(request.raw, site.config)
        if (target.startsWith(`${OPENING}?`)) return letIn(site, request.raw, reply, host, target)
        const policy = () => site.doors.corsOf(ServiceId.text(serviceId))
        if (await cors(site, request, reply, policy)) return reply
        let isForeign = false
        const ctx = await contextOf(site, request.raw, undefined, async () => {
          const guest = await guestOf(site, request, host)
          isForeign = guest.isByCookie
          return guest.viewer
        })
        if (ctx.viewer.kind === 'anonymous' && isNavigation(request.raw)) {
          const { nonce, cookie } = begun(request.raw, host.isSecure)
          const back = new URLSearchParams({ to: target, begun: nonce }).toString()
          const opener = `${host.ours}/open/${ServiceId.text(serviceId)}?${back}`
          return reply.headers({ ...NEVER_STORED, 'set-cookie': cookie }).redirect(opener, 302)
        }
        const asked = { target, address: host.origin, isForeign }
        const call = callOf(site, request, reply, asked)
        const answer = await invoked(site, ctx, reply, () =>
          ctx.doors.invoke(ctx, undefined, ServiceId.text(serviceId), call),
        )
        return passOn(reply, atItsOwn(answer))
      },
    })

    http.get('/open/:service', { config: { guardsItself: true } }, async (request, reply) => {
      const { service = '' } = request.params as { service?: string } // of this path
      const { raw } = request
      const query = new URLSearchParams(request.url.split(/\?(.*)/s)[1] ?? '')
      const to = pagePathRule.safeParse(query.get('to')).data ?? '/'
      const why = refusal(site.config, raw)
      const secure = isSecure(site.config, raw)
      const isSure = isBegunHere(raw, secure, query.get('sure')) && !isForeign(site.config, raw)
      if (why !== undefined && !isNavigation(raw)) throw new Forbidden('VIEWER', why)
      if (why !== undefined && !isSure) return asking(raw, reply, secure, { service, to, query })
      const ctx = await contextOf(site, raw).catch((cause: unknown) => {
        // of a sign-in that has ended
        if (cause instanceof Unauthenticated && isNavigation(raw)) return undefined
        throw cause
      })
      if (isNavigation(raw) && (ctx === undefined || ctx.viewer.kind === 'anonymous'))
        return signIn(site, raw, reply, query)
      if (ctx === undefined) throw new Unauthenticated('The credential is good no longer.')
      requireCredential(ctx.viewer)
      const url = await openingUrl(ctx, service, to)
      const nonce = query.get('begun')
      const more = nonce === null ? '' : `&${new URLSearchParams({ begun: nonce }).toString()}`
      return reply.headers(NEVER_STORED).redirect(url + more, 303)
    })
  }
}

function hostOf({ config }: Site, { raw }: FastifyRequest, serviceId: string): ServiceHost {
  const { scheme: seen, host: name } = reached(config, raw)
  const isBelow = !/\.localhost(?::\d+)?$/i.test(name)
  const scheme = (isBelow ? config.servicesUrl?.split(':')[0] : undefined) ?? seen
  const port = /:\d+$/.exec(name)?.[0] ?? ''
  return {
    serviceId,
    origin: `${scheme}://${name}`,
    name,
    isSecure: scheme === 'https',
    ours: config.publicUrl ?? `${seen}://localhost${port}`,
    // over https a name that browsers take from this very host alone
    cookie: scheme === 'https' ? '__Host-millrace-page' : 'millrace-page',
  }
}

/**
 * Who asks at the host of a service: by a credential in a header as everywhere, or by the pass in the cookie. Nobody is
 * let in without one, in open mode either. Throws Forbidden for a page of another origin.
 */
async function guestOf(
  site: Site,
  { raw }: FastifyRequest,
  host: ServiceHost,
): Promise<{ viewer: Viewer; isByCookie: boolean }> {
  const { authorization, cookie } = raw.headers
  const credential = credentialIn({ authorization }, '')
  const known = await site.authenticator.known(credential)
  if (known !== undefined)
    return { viewer: await asNamed(site, known, credential), isByCookie: false }
  const pass = cookie === undefined ? undefined : parseCookie(cookie)[host.cookie]
  const holder = pass && holderOfPass(site, 'page', host.serviceId, pass)
  if (!holder) return { viewer: anonymous, isByCookie: false }
  if (!isAtHome(raw, host.name))
    throw new Forbidden(
      'VIEWER',
      'The cookie of this host is good for its own pages only (send Origin).',
    )
  const viewer = await site.authenticator.holding(holder)
  return { viewer: viewer ?? anonymous, isByCookie: viewer !== undefined }
}
