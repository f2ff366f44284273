import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { requireCredential } from '../auth/viewer.ts'
import type { Context, Site } from '../context.ts'
import { ofAnyType } from '../kit/http/any-type.ts'
import { wholeBody } from '../kit/http/body.ts'
import type { CallAnswer } from '../kit/http/call.ts'
import type { Logger } from '../kit/logger.ts'
import { docsPage, PAGE_HEADERS } from './document/page.ts'
import { apiDocument } from './document/write.ts'
import type { Execute } from './execute.ts'
import type { FrontName } from './fronts.ts'
import { Problem, problemOf } from './problem.ts'
import type { Front } from './protocol.ts'
import { json, type Reply } from './reply.ts'
import type { Asked, Named, Route } from './route.ts'

/** What the HTTP server does for its fronts. */
export interface Host {
  readonly site: Site
  readonly execute: Execute
  /** Who asks, and with which rights. Throws what authentication and the caller's rate throw. */
  contextOf(request: IncomingMessage, front: FrontName, isCall: boolean): Promise<Context>
  /** Why a request is refused before anything of it is read: a page of another origin, a strange host. */
  refusal(request: IncomingMessage, front: FrontName): string | undefined
  /** Calls a service with the request, and answers as the service does. */
  call(
    ctx: Context,
    request: FastifyRequest,
    reply: FastifyReply,
    named: Named,
  ): Promise<CallAnswer>
  /** Sends what a service has answered. */
  passOn(reply: FastifyReply, answer: CallAnswer): FastifyReply
  /** The name the request reached this server under, with its port. */
  hostOf(request: IncomingMessage): string
  /** What URLs in answers begin with, without a trailing slash. */
  originOf(request: IncomingMessage): string
  logOf(request: IncomingMessage): Logger
}

/** Where a front has the page that tells of its routes. */
const DOCS = '/docs'

/** Where a front stands on a listener. */
export interface Mount {
  /** '' at the root of a listener of its own. */
  readonly prefix: string
  readonly routes: readonly Route[]
  /** Whether every path under the prefix is the front's: then it also answers for what is not there, and documents itself. */
  readonly isWhole: boolean
}

/**
 * A front as a Fastify plugin of its own. Bodies are bytes, whatever their content type says and whatever the method
 * is; whatever goes wrong is told in the front's words, so that no word of the server's reaches its clients.
 */
export function mounted(front: Front, host: Host, { prefix, routes, isWhole }: Mount) {
  return async (http: FastifyInstance): Promise<void> => {
    const config = { front: front.name, frontPrefix: prefix === '' ? front.prefix : '' }
    http.addHook('onRequest', (request, _reply, done) => {
      const why = host.refusal(request.raw, front.name)
      done(why === undefined ? undefined : new Problem('FORBIDDEN', why))
    })
    const putBack = ofAnyType(http)
    const told = (request: FastifyRequest, reply: FastifyReply, error: unknown, route?: Route) => {
      const problem = problemOf(error, request.id)
      if (problem.cause !== undefined) {
        const about = { method: request.method, path: request.url.split('?')[0], front: front.name }
        host.logOf(request.raw).error({ err: problem.cause, ...about }, 'a request failed')
      }
      return sent(reply, front.tell(problem, route))
    }
    http.setErrorHandler((error, request, reply) => {
      putBack(request)
      return told(request, reply, asProblem(error))
    })
    for (const route of routes)
      http.route({
        method: [route.method, ...(route.takesOthers ? others(http, routes, route) : [])],
        url: route.path,
        config,
        exposeHeadRoute: route.method === 'GET',
        handler: async (request, reply) => {
          // the part of a path that is empty names nothing
          if (Object.values(request.params as object).includes('')) {
            reply.callNotFound()
            return reply
          }
          try {
            const answered = await answer(host, front, { route, prefix, request, reply })
            const { body } = answered
            return typeof body === 'string' || !route.isStreamed
              ? sent(reply, answered)
              : host.passOn(reply, { ...answered, body })
          } catch (error) {
            return told(request, reply, error, route)
          }
        },
      })
    if (!isWhole) return
    http.setNotFoundHandler((request, reply) => {
      putBack(request)
      const whole = (request.url.split('?')[0] ?? '').replaceAll(/\/{2,}/g, '/')
      const path = whole.slice(prefix.length) || '/'
      const allowed = methodsAt(front, routes, path)
      const what = `${request.method} ${path}`
      if (request.method === 'OPTIONS' && front.tellsMethods && allowed.length > 0)
        return sent(reply, { status: 200, headers: { allow: allowed.join(', ') }, body: '' })
      return told(
        request,
        reply,
        allowed.length === 0
          ? new Problem('NOT_FOUND', `There is nothing at ${what}.`)
          : new Problem('BAD_REQUEST', `There is no ${what}.`, { status: 405, allowed }),
      )
    })
    http.get(front.api.path, { config }, (request, reply) =>
      sent(reply, json(200, apiDocument(front, host.originOf(request.raw) + prefix))),
    )
    http.get(DOCS, { config }, (request, reply) =>
      reply.headers(PAGE_HEADERS).send(docsPage(front, host.originOf(request.raw) + prefix)),
    )
  }
}

/** What Fastify itself finds wrong with a request is the caller's. */
function asProblem(error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error) || !('statusCode' in error)) return error
  const isRefusal = String(error.code).startsWith('FST_') && Number(error.statusCode) < 500
  return isRefusal
    ? new Problem('BAD_REQUEST', `The request is malformed: ${error.message}`)
    : error
}

async function answer(
  host: Host,
  { name }: Front,
  {
    route,
    prefix,
    request,
    reply,
  }: {
    route: Route
    prefix: string
    request: FastifyRequest
    reply: FastifyReply
  },
): Promise<Reply> {
  const ctx = await host.contextOf(request.raw, name, route.isStreamed)
  reply.raw.once('close', () => ctx.operation.close())
  const stream = request.body as Readable | undefined // every body here is the stream itself
  const body = route.isStreamed ? undefined : await wholeBody(stream, ctx.config)
  requireCredential(ctx.viewer)
  const at = request.url.indexOf('?')
  const search = at < 0 ? '' : request.url.slice(at)
  const asked: Asked = {
    ctx,
    method: request.method,
    path: (at < 0 ? request.url : request.url.slice(0, at)).slice(prefix.length),
    params: request.params as Record<string, string>, // of a path whose parts are all texts
    query: new URLSearchParams(search),
    search,
    headers: request.raw.headers,
    hostName: host.hostOf(request.raw).replace(/:\d+$/, ''),
    base: ctx.origin + prefix,
    body: body ?? NOTHING,
  }
  return route.run(asked, {
    execute: host.execute,
    call: (named) => host.call(ctx, request, reply, named),
  })
}

const NOTHING = Buffer.alloc(0)

const sent = (
  reply: FastifyReply,
  { status, headers, body }: Omit<Reply, 'socket' | 'trailers'>,
): FastifyReply => reply.code(status).headers(headers).send(body)

/** The methods that a path has, in alphabetical order; none where nothing is. */
function methodsAt({ api, tellsMethods }: Front, routes: readonly Route[], path: string): string[] {
  const own = routes.filter((route) => patternOf(route).test(path)).map(({ method }) => method)
  const all = new Set<string>(path === api.path || path === DOCS ? ['GET'] : own)
  if (all.has('GET')) all.add('HEAD')
  if (tellsMethods && all.size > 0) all.add('OPTIONS')
  return [...all].toSorted()
}

/** The methods of a path that none of its routes names, all but TRACE, which is for proxies. */
function others(http: FastifyInstance, routes: readonly Route[], { path }: Route): string[] {
  const named = new Set<string>(
    routes.filter((route) => route.path === path).map(({ method }) => method),
  )
  if (named.has('GET')) named.add('HEAD')
  return http.supportedMethods.filter((method) => method !== 'TRACE' && !named.has(method))
}

const patterns = new WeakMap<Route, RegExp>()

function patternOf(route: Route): RegExp {
  const known = patterns.get(route)
  if (known !== undefined) return known
  const source = route.path.replaceAll(/:\w+(?:\(([^)]*)\))?/g, (_part, form?: string) =>
    form === undefined ? '[^/]+' : form.replaceAll(/^\^|\$$/g, ''),
  )
  const pattern = new RegExp(`^${source}$`)
  patterns.set(route, pattern)
  return pattern
}
