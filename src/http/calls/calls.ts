import type { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { errors } from 'undici'
import { noting } from '../../auth/noted-rights.ts'
import { callerKey, type Context, type Site } from '../../context.ts'
import { opened, onward } from '../../doors/index.ts'
import type { CallAnswer, Call } from '../../kit/http/call.ts'
import { BadGateway, BadRequest } from '../../kit/errors.ts'
import { whenClosed } from '../closed.ts'
import { withoutOurs } from '../cookie.ts'
import { forwardedAddress, forwardedAs, unforwarded } from './forwarding.ts'
import { hasBody } from '../incoming.ts'
import type { SplitTarget } from '../target.ts'
import { isUpgrade } from '../upgrades.ts'

/** The answer to a call by a request, which ends when whatever let its caller in is taken away. */
export async function invoked(
  site: Site,
  ctx: Context,
  reply: FastifyReply,
  invoke: () => Promise<CallAnswer>,
): Promise<CallAnswer> {
  const { viewer, rights } = noting(ctx.viewer)
  const session = site.sessions.open(ctx.viewer, {
    close: () => reply.raw.destroy(),
    get needed() {
      return rights.length === 0 ? undefined : rights // it has not been found yet what is called
    },
  })
  whenClosed(reply.raw, () => {
    session.end()
    ctx.operation.close()
  })
  ctx.viewer = viewer
  if (isUpgrade(reply.request.raw)) whenClosed(reply.raw, site.quotas.takeSocket(callerKey(ctx)))
  return invoke()
}

/** Methods by which services are called: all that HTTP servers here can read but those that are for proxies. */
export const callMethods = (http: FastifyInstance): string[] =>
  http.supportedMethods.filter((method) => method !== 'TRACE')

/** The call in a request. */
export function callOf(
  site: Site,
  request: FastifyRequest,
  reply: FastifyReply,
  asked: {
    readonly target: string
    /** Where its caller reached the service, without a trailing slash. */
    readonly address: string
    /** Headers that it has beside, or instead of, those of the request. */
    readonly sent?: Readonly<Record<string, string>> | undefined
    /** Whether `Authorization` is for the service: something else has let its caller in. */
    readonly isForeign?: boolean
  },
): Call {
  const { target, address, sent, isForeign = false } = asked
  const own = { ...sent, ...forwardedAs(site.config, request.raw, address) }
  const headers = withOwn(request, isForeign, own)
  return { ...passing(request, reply), target, address, headers }
}

/** The call in a request by which another server passes one on. */
export function forwardedCall(
  request: FastifyRequest,
  reply: FastifyReply,
  { target }: SplitTarget,
): Call {
  const headers = opened(request.raw.headers)
  return { ...passing(request, reply), target, address: forwardedAddress(headers), headers }
}

function passing(
  request: FastifyRequest,
  reply: FastifyReply,
): Pick<Call, 'method' | 'body' | 'trailers' | 'upgrade' | 'signal'> {
  const gone = new AbortController()
  whenClosed(reply.raw, () => {
    if (!reply.raw.writableFinished) gone.abort()
  })
  const { method, raw } = request
  const coding = raw.headers['transfer-encoding']?.trim().toLowerCase() ?? 'chunked'
  if (coding !== 'chunked')
    throw new BadRequest(
      `A body in the transfer coding ${JSON.stringify(coding)} is not read: send it chunked, and say how it is compressed by Content-Encoding.`,
    )
  const has = !isUpgrade(raw) && hasBody(raw)
  return {
    method,
    // every body here is the stream itself, which some methods have without bytes where a type is named
    body: has ? (request.body as Readable | undefined) : undefined,
    trailers: has && raw.headers.trailer !== undefined ? () => raw.trailers : undefined,
    upgrade: isUpgrade(raw) ? 'websocket' : undefined,
    signal: gone.signal,
  }
}

/** What `Connection` names is taken out of the headers of the caller alone, before ours come to them. */
function withOwn(
  { raw }: FastifyRequest,
  isForeign: boolean,
  own: Record<string, string>,
): Call['headers'] {
  const { authorization, ...theirs } = onward(raw.headers)
  return {
    ...unforwarded(theirs),
    ...own,
    authorization: isForeign ? authorization : undefined,
    cookie: withoutOurs(theirs['cookie']?.toString()),
  }
}

/** An instance may break off its answer before any of it has gone out. */
export const asBrokenOff = (error: unknown): unknown =>
  error instanceof errors.UndiciError
    ? new BadGateway('The instance broke off its answer; the log of the service says why.')
    : error
