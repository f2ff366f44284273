import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { errors } from 'undici'
import { credentialIn } from '../auth/credential.ts'
import type { Context, Site } from '../context.ts'
import { VersionId } from '../deployments/index.ts'
import { isForwarded, type Invoker } from '../doors/index.ts'
import type { Answer, Call } from '../kit/call.ts'
import { BadGateway, Forbidden, NotFound } from '../kit/errors.ts'
import { ServiceId } from '../services/index.ts'
import { UploadId } from '../uploads/index.ts'
import { whenClosed } from './closed.ts'
import { withoutOurs, withoutOursSet } from './cookie.ts'
import { contextOf } from './request.ts'

/**
 * A page that a service answers stands at our own address, yet it is not ours. Whoever is signed in by cookie gets it
 * in a sandbox, where browsers give it an origin of its own, so that it cannot use the cookie.
 */
const SANDBOX = {
  'content-security-policy':
    'sandbox allow-downloads allow-forms allow-modals allow-popups allow-scripts',
}

type Request = FastifyRequest<{ Params: Record<string, string> }>

/** Upload, download and invocation over plain HTTP. */
export function doors(site: Site, invoker: Invoker) {
  return async (http: FastifyInstance): Promise<void> => {
    // an instance may break off its answer before any of it has gone out
    http.setErrorHandler((error) => {
      if (!(error instanceof errors.UndiciError)) throw error
      throw new BadGateway('The instance broke off its answer; the log of the service says why.')
    })

    http.put('/uploads/:id/source.tgz', async (request: Request, reply) => {
      signed(site, request)
      const id = UploadId.read(request.params.id ?? '')
      if (id === undefined) throw new NotFound('upload', request.params.id ?? '')
      // every body here is the stream itself, and there is none where no byte was sent
      const body = (request.body as Readable | undefined) ?? Readable.from([])
      // Node cuts a connection that is silent for so long; once all has come it may be
      const { socket } = request.raw
      socket.setTimeout(site.config.uploadStallMs)
      body.once('end', () => socket.setTimeout(0))
      await site.doors.put(id, body)
      return reply.send()
    })

    http.get('/archives/:id/source.tgz', async (request: Request, reply) => {
      signed(site, request)
      const id = VersionId.read(request.params.id ?? '')
      if (id === undefined) throw new NotFound('deployment version', request.params.id ?? '')
      const { body, sizeBytes, sha256, fileName } = await site.doors.get(id)
      return reply
        .headers({
          'content-type': 'application/octet-stream',
          'content-length': sizeBytes,
          'content-disposition': `attachment; filename="${fileName}"`,
          etag: `"${sha256}"`,
        })
        .send(body)
    })

    /** A door for calls: at this path, whose segments name what is called, and at all below it. */
    const invocation = (
      path: string,
      invoke: (ctx: Context, named: Request['params'], call: Call) => Promise<Answer>,
    ): void => {
      const segments = path.split('/').length
      for (const url of [path, `${path}/*`])
        http.route({
          method: ['GET', 'POST', 'PUT'],
          url,
          handler: async (request: Request, reply) => {
            const ctx = await contextOf(site, request.raw)
            const session = site.sessions.open(ctx.viewer, () => reply.raw.destroy())
            whenClosed(reply.raw, () => session.end())
            const answer = await invoke(ctx, request.params, callOf(request, reply, segments))
            if (credentialIn(request.headers)?.from === 'cookie') reply.headers(SANDBOX)
            return passOn(reply, answer)
          },
        })
    }
    invocation(
      '/deployments/:deployment/services/:service',
      (ctx, { deployment, service = '' }, call) => ctx.doors.invoke(ctx, deployment, service, call),
    )
    invocation('/routes/:route', (ctx, { route = '' }, call) =>
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
        return passOn(reply, await invoker.forwarded(service, callOf(request, reply, 4)))
      },
    })
  }
}

/** Throws unless the URL was signed by us for this method and is still good. */
function signed({ signer, now }: Site, request: FastifyRequest): void {
  const { pathname, searchParams } = new URL(request.url, 'http://localhost')
  if (!signer.isPathSigned(request.method, pathname, searchParams, now()))
    throw new Forbidden(
      'VIEWER',
      'The signature of this URL is wrong or has expired: ask for a new one.',
    )
}

/** The call in a request, whose own path has so many segments. */
function callOf(request: FastifyRequest, reply: FastifyReply, segments: number): Call {
  const gone = new AbortController()
  whenClosed(reply.raw, () => {
    if (!reply.raw.writableFinished) gone.abort()
  })
  const [path = '', query] = request.url.split(/\?(.*)/s, 2)
  const rest = path.split('/').slice(segments).join('/')
  return {
    method: request.method,
    target: `/${rest}${query === undefined ? '' : `?${query}`}`,
    headers: { ...request.headers, cookie: withoutOurs(request.headers.cookie) },
    body: request.body as Readable | undefined, // every body here is the stream itself
    signal: gone.signal,
  }
}

/** The answer as it came, but under the id that the request has here, and without cookies that are ours. */
function passOn(reply: FastifyReply, { status, headers, body }: Answer): FastifyReply {
  const { 'set-cookie': cookies, 'x-request-id': _theirs, ...others } = headers
  return reply
    .code(status)
    .headers(others)
    .headers(cookies === undefined ? {} : { 'set-cookie': withoutOursSet([cookies].flat()) })
    .send(body)
}
