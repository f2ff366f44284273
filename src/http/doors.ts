import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Context, Site } from '../context.ts'
import { VersionId } from '../deployments/index.ts'
import { isForwarded, type Invoker } from '../doors/index.ts'
import type { Answer, Call } from '../kit/call.ts'
import { Forbidden, NotFound } from '../kit/errors.ts'
import { ServiceId } from '../services/index.ts'
import { UploadId } from '../uploads/index.ts'
import { asBrokenOff, callOf, invoked, own } from './calls.ts'
import { passOnAnswer } from './challenge.ts'
import { download } from './download.ts'
import { contextOf } from './request.ts'
import { keepPace } from './slow-senders.ts'

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
  }
}

/** Calls of services over plain HTTP, from callers and from other servers. */
export function invocation(site: Site, invoker: Invoker) {
  return async (http: FastifyInstance): Promise<void> => {
    http.setErrorHandler((error) => {
      throw asBrokenOff(error)
    })

    /** A door for calls: at this path, whose segments name what is called, and at all below it. */
    const callable = (
      path: string,
      invoke: (ctx: Context, named: Request['params'], call: Call) => Promise<Answer>,
    ): void => {
      const segments = path.split('/').length
      for (const url of [path, `${path}/*`])
        http.route({
          method: ['GET', 'POST', 'PUT'],
          url,
          handler: async (request: Request, reply) => {
            keepPace(request.raw, site.config)
            const ctx = await contextOf(site, request.raw)
            const call = callOf(request, reply, behind(request, segments))
            const answer = await invoked(site, ctx, request, reply, () =>
              invoke(ctx, request.params, call),
            )
            return passOn(reply, answer)
          },
        })
    }
    callable(
      '/deployments/:deployment/services/:service',
      (ctx, { deployment, service = '' }, call) => ctx.doors.invoke(ctx, deployment, service, call),
    )
    callable('/routes/:route', (ctx, { route = '' }, call) =>
      ctx.doors.invokeRoute(ctx, undefined, route, call),
    )

    http.route({
      method: ['GET', 'POST', 'PUT'],
      url: '/internal/services/:service/*',
      handler: async (request: Request, reply) => {
        const { service = '' } = request.params
        const uuid = ServiceId.read(service) ?? ''
        if (!isForwarded(site.signer, uuid, site.now(), request.headers))
          throw new Forbidden('ADMIN', 'Only servers of this installation may use this path.')
        keepPace(request.raw, site.config)
        const call = callOf(request, reply, behind(request, 4))
        const answer = own(await invoker.forwarded(service, call))
        passOnAnswer(request.raw)
        return passOn(reply, answer)
      },
    })
  }
}

/** Throws unless the URL was signed by us for this method and is still good; whoever may GET may ask with HEAD. */
function signed({ signer, now }: Site, request: FastifyRequest): void {
  const { pathname, searchParams } = new URL(request.url, 'http://localhost')
  const method = request.method === 'HEAD' ? 'GET' : request.method
  if (!signer.isPathSigned(method, pathname, searchParams, now()))
    throw new Forbidden(
      'VIEWER',
      'The signature of this URL is wrong or has expired: ask for a new one.',
    )
}

/** What stands behind the first segments of a request's path, with its query: what is asked of the service itself. */
function behind(request: FastifyRequest, segments: number): string {
  const [path = '', query] = request.url.split(/\?(.*)/s, 2)
  const rest = path.split('/').slice(segments).join('/')
  return `/${rest}${query === undefined ? '' : `?${query}`}`
}

const passOn = (reply: FastifyReply, { status, headers, body }: Answer): FastifyReply =>
  reply.code(status).headers(headers).send(body)
