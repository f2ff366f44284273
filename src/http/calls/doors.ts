import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Context, Site } from '../../context.ts'
import { VersionId } from '../../deployments/index.ts'
import { isForwarded, type Invoker } from '../../doors/index.ts'
import { ofAnyType } from '../../kit/http/any-type.ts'
import type { CallAnswer, Call } from '../../kit/http/call.ts'
import type { CorsPolicy } from '../../kit/http/cors.ts'
import { Forbidden, NotFound } from '../../kit/errors.ts'
import { ServiceId } from '../../services/index.ts'
import { UploadId } from '../../uploads/index.ts'
import { atOurs, passOn, withoutId } from './answers.ts'
import { asBrokenOff, callMethods, callOf, forwardedCall, invoked } from './calls.ts'
import { cors } from './cors.ts'
import { download } from './download.ts'
import { refusal } from '../guard.ts'
import { contextOf } from '../request.ts'
import { keepPace } from '../slow-senders.ts'
import { behind } from '../target.ts'

type Request = FastifyRequest<{ Params: Record<string, string> }>

/** Uploads and downloads over plain HTTP, at signed URLs. */
export function signedDoors(site: Site) {
  return async (http: FastifyInstance): Promise<void> => {
    http.put('/uploads/:id/source.tgz', async (request: Request, reply) => {
      signed(site, request)
      const id = UploadId.read(request.params.id ?? '')
      if (id === undefined) throw new NotFound('upload', request.params.id ?? '')
      // every body here is the stream itself, and there is none where no byte was sent
      const body = (request.body as Readable | undefined) ?? Readable.from([])
      keepPace(request.raw, site.config)
      await site.doors.put(id, body)
      return reply.send()
    })

    http.route({
      method: ['GET', 'HEAD'],
      url: '/archives/:id/source.tgz',
      async handler(request: Request, reply) {
        signed(site, request)
        const id = VersionId.read(request.params.id ?? '')
        if (id === undefined) throw new NotFound('deployment version', request.params.id ?? '')
        return download(request, reply, await site.doors.get(id))
      },
    })

    http.route({
      method: ['GET', 'HEAD'],
      url: '/logs/:id/:file',
      async handler(request: Request, reply) {
        const query = signed(site, request)
        const { id = '', file = '' } = request.params
        const gone = new AbortController()
        reply.raw.once('close', () => gone.abort())
        return download(request, reply, await site.doors.log(id, file, query, gone.signal))
      },
    })
  }
}

/** Calls of services over plain HTTP, from callers and from other servers. */
export function invocation(site: Site, invoker: Invoker) {
  return async (http: FastifyInstance): Promise<void> => {
    ofAnyType(http)
    http.setErrorHandler((error) => {
      throw asBrokenOff(error)
    })

    /** A door for calls: at this path, whose segments name what is called, and at all below it. */
    const callable = (
      path: string,
      policy: (named: Request['params']) => Promise<CorsPolicy | undefined>,
      invoke: (ctx: Context, named: Request['params'], call: Call) => Promise<CallAnswer>,
    ): void => {
      const segments = path.split('/').length - 1
      for (const url of [path, `${path}/*`])
        http.route({
          method: callMethods(http),
          url,
          config: { guardsItself: true }, // pages of other origins may ask whether they may call
          handler: async (request: Request, reply) => {
            keepPace(request.raw, site.config)
            if (await cors(site, request, reply, () => policy(request.params))) return reply
            const why = refusal(site.config, request.raw)
            if (why !== undefined)
              throw new Forbidden(
                'VIEWER',
                `${why} Pages of a service are at its own host (pageUrl).`,
              )
            const ctx = await contextOf(site, request.raw)
            const { prefix, target } = behind(request.url, segments)
            const call = callOf(site, request, reply, { target, address: ctx.origin + prefix })
            const shown = atOurs(site, request, ctx)
            const answer = await invoked(site, ctx, reply, () => invoke(ctx, request.params, call))
            return passOn(reply, shown(answer))
          },
        })
    }
    callable(
      '/deployments/:deployment/services/:service',
      ({ service = '' }) => site.doors.corsOf(service),
      (ctx, { deployment, service = '' }, call) => ctx.doors.invoke(ctx, deployment, service, call),
    )
    callable(
      '/routes/:route',
      ({ route = '' }) => site.doors.corsOfRoute(route),
      (ctx, { route = '' }, call) => ctx.doors.invokeRoute(ctx, undefined, route, call),
    )

    http.route({
      method: callMethods(http),
      url: '/internal/services/:service/*',
      handler: async (request: Request, reply) => {
        const { service = '' } = request.params
        const uuid = ServiceId.read(service) ?? ''
        if (!isForwarded(site.signer, uuid, site.now(), request.headers))
          throw new Forbidden('ADMIN', 'Only servers of this installation may use this path.')
        keepPace(request.raw, site.config)
        const call = forwardedCall(request, reply, behind(request.url, 3))
        const answer = await invoker.forwarded(service, call)
        return passOn(reply, { ...answer, headers: withoutId(answer.headers) })
      },
    })
  }
}

/** The query of the URL. Throws unless it was signed by us for this method and is still good; whoever may GET may ask with HEAD. */
function signed({ signer, now }: Site, request: FastifyRequest): URLSearchParams {
  const { pathname, searchParams } = new URL(request.url, 'http://localhost')
  const method = request.method === 'HEAD' ? 'GET' : request.method
  if (!signer.isPathSigned(method, pathname, searchParams, now()))
    throw new Forbidden(
      'VIEWER',
      'The signature of this URL is wrong or has expired: ask for a new one.',
    )
  return searchParams
}
