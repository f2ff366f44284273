import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Viewer } from '../../auth/viewer.ts'
import type { Platform } from '../../context.ts'
import type { FrontName } from '../../rest/fronts.ts'
import { type Span, noSpan } from '../../ports/tracing/tracing.ts'
import { keepSeen, SeenRequest } from './seen.ts'

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const
/** An answer that takes longer is told of at `info`, unless it is a stream, which is meant to last; what the caller asked to wait does not count. */
const SLOW_MS = 1_000
/** What asks about the server itself all day is no part of any trace. */
const UNTRACED = new Set(['/healthz', '/readyz', '/metrics'])

/**
 * Gives every HTTP request its id, its log and its span, and tells of it when it is over: in the metrics, in its
 * trace, and with one line in the log, whose level is `debug` unless it was slow (`info`) or failed (`warn`). The
 * line has neither query strings, which carry signatures, nor credentials.
 */
export function observeRequests(http: FastifyInstance, platform: Platform): void {
  http.addHook('onRequest', (request, reply, done) => {
    const span = spanOf(platform, request)
    const seen = new SeenRequest(request.id, span, platform.log)
    keepSeen(request.raw, seen)
    reply.raw.setHeader('x-request-id', request.id)
    const began = performance.now()
    const { socket } = request.raw
    const sentBefore = socket.bytesWritten
    reply.raw.once('close', () => {
      const durationMs = performance.now() - began
      ended(platform, seen, request, reply, durationMs, socket.bytesWritten - sentBefore)
    })
    span.run(done)
  })
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The REST front that a route belongs to. */
    front?: FrontName
    /** What stands before its path on the main port, where it is missing because the front has its own. */
    frontPrefix?: string
    /** Whether it looks by itself whether a page of another origin asks. */
    guardsItself?: boolean
  }
}

/** The route as it is called on the main port, whichever listener it came to. */
function routeOf({ routeOptions: { url, config } }: FastifyRequest): string {
  return url === undefined ? 'none' : `${config.frontPrefix ?? ''}${url}`
}

function spanOf({ tracing }: Platform, request: FastifyRequest): Span {
  const route = routeOf(request)
  if (!tracing.isOn || UNTRACED.has(route)) return noSpan
  const { method, url, raw, host, protocol } = request
  return tracing.receive(
    route === 'none' ? method : `${method} ${route}`,
    {
      'http.request.method': method,
      'url.path': url.split('?')[0] ?? '',
      'url.scheme': protocol,
      'server.address': host,
      ...(route === 'none' ? {} : { 'http.route': route }),
    },
    raw.headers,
  )
}

function ended(
  { metrics }: Platform,
  seen: SeenRequest,
  request: FastifyRequest,
  { raw: response }: FastifyReply,
  durationMs: number,
  bytes: number,
): void {
  // what goes on in another protocol is meant to last as well
  const isStream =
    response.statusCode === 101 ||
    String(response.getHeader('content-type')).startsWith('text/event-stream')
  const isBrokenOff = !response.writableFinished && !isStream
  const { statusCode } = response
  const route = routeOf(request)
  const method = METHODS.find((one) => one === request.method) ?? 'OTHER'
  const status = isBrokenOff ? 'aborted' : classOf(statusCode)
  metrics.count('millrace_http_requests_total', 1, { route, method, status })
  const seconds = durationMs / 1000
  metrics.observe('millrace_http_request_duration_seconds', seconds, { route, method })
  const { span } = seen
  span.set({ 'http.response.status_code': statusCode })
  if (statusCode >= 500) span.fail(String(statusCode))
  span.end()

  const level = levelOf(statusCode, durationMs - seen.waitedMs, isStream)
  if (!seen.log.isLevelEnabled(level)) return
  seen.log[level](
    {
      method: request.method,
      route,
      front: request.routeOptions.config.front?.toLowerCase(),
      status: statusCode,
      durationMs: Math.round(durationMs * 10) / 10,
      bytes,
      caller: callerOf(seen.viewer),
    },
    isBrokenOff ? 'an answer was broken off' : 'a request was answered',
  )
}

function classOf(statusCode: number): '1xx' | '2xx' | '3xx' | '4xx' | '5xx' {
  if (statusCode < 200) return '1xx'
  if (statusCode < 300) return '2xx'
  if (statusCode < 400) return '3xx'
  return statusCode < 500 ? '4xx' : '5xx'
}

function levelOf(statusCode: number, workedMs: number, isStream: boolean) {
  if (statusCode >= 500) return 'warn'
  return workedMs > SLOW_MS && !isStream ? 'info' : 'debug'
}

/** Who asked, by ids that are no secrets; undefined where nobody looked. */
function callerOf(viewer: Viewer | undefined) {
  switch (viewer?.kind) {
    case undefined:
      return undefined
    case 'anonymous':
      return { kind: 'anonymous' }
    case 'user':
      return { kind: 'user', id: viewer.user.id }
    case 'front':
      return { kind: 'front', id: viewer.front }
    case 'token':
      return { kind: 'token', id: viewer.tokenId, userId: viewer.user?.id }
  }
}
