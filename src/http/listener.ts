import { METHODS } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import type { Site } from '../context.ts'
import { BadRequest, DomainError, Forbidden, outageIn, Unavailable } from '../kit/errors.ts'
import { Problem, type Front } from '../rest/index.ts'
import { isPassedOn } from './calls/answers.ts'
import { challengeFor } from './challenge.ts'
import { cookieSetBy } from './cookie.ts'
import { asAnswer, sendError } from './errors.ts'
import { pageAt, refusal } from './guard.ts'
import { Incoming, letWait } from './incoming.ts'
import { observeRequests } from './observe/requests.ts'
import { requestIdOf, seenOf } from './observe/seen.ts'
import { overrideMethod } from './overriding.ts'
import { PAGE_ROUTE } from './calls/pages.ts'
import { UrlTooLong } from './request.ts'
import { cutSlowReaders } from './slow-readers.ts'
import { endRest, headerLimits } from './slow-senders.ts'
import { comeBackIn, isEventSource } from './graphql/sse.ts'
import { originForm } from './target.ts'
import { routeUpgrades, type TakeUpgrade } from './upgrades.ts'

/** One port that is listened on. */
export interface Listener {
  readonly http: FastifyInstance
  /** Answers where it listens, without a trailing slash. Rejects when the port is taken. */
  listen(host: string, port: number): Promise<string>
  /** Connections that have gone on in another protocol. */
  readonly upgraded: number
  /** No new requests; running ones may end within `graceMs`. What has gone on in another protocol is cut. */
  close(graceMs: number): Promise<void>
}

/**
 * A Fastify server as all ports have it: ids, observation, the guard against pages of other origins, bodies as the
 * streams they are, and errors as problem details, or as the front that stands at a path tells them.
 */
export function listener(
  site: Site,
  frontAt: (url: string) => Front | undefined,
  takeUpgrade: TakeUpgrade = () => false,
): Listener {
  const http: FastifyInstance = Fastify({
    logger: false,
    // before a request is routed
    rewriteUrl(request) {
      const url = originForm(request)
      if (pageAt(site.config, request) !== undefined) return PAGE_ROUTE
      if (frontAt(url)?.overridesMethod) overrideMethod(request)
      return url
    },
    // their types are generic in what the routes of a server answer, of which this one says nothing
    frameworkErrors: (error, request, reply) =>
      unroutable(frontAt(request.url), error.code, reply as unknown as FastifyReply),
    genReqId: requestIdOf,
    forceCloseConnections: 'idle',
    // bodies are limited where they are read: by count, while they stream
    bodyLimit: Number.MAX_SAFE_INTEGER,
    routerOptions: { maxParamLength: 300, ignoreDuplicateSlashes: true },
    requestTimeout: 0,
    return503OnClosing: false, // told below, in a way that an EventSource comes back from
    http: {
      ...headerLimits(site.config),
      IncomingMessage: Incoming,
      // callers that vanish without a word are noticed, also on streams that are silent
      keepAlive: true,
      keepAliveInitialDelay: 60_000,
    },
  })
  letWait(http.server)
  for (const method of METHODS)
    if (method !== 'CONNECT') http.addHttpMethod(method, { hasBody: true, overrideExisting: true })
  http.removeAllContentTypeParsers()
  http.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
  observeRequests(http, site)
  let isClosing = false
  http.addHook('onRequest', (request, reply, done) => {
    if (!isClosing) return done()
    if (isEventSource(request.method, request.headers.accept)) {
      const { headers, body } = comeBackIn(0)
      return void reply.headers(headers).send(body)
    }
    done(new Unavailable('SERVER_STOPPING', 'This server is being stopped. Try again.', 1))
  })
  http.addHook('onRequest', (request, reply, done) => {
    // a front guards itself, in its own words
    const { front, guardsItself } = request.routeOptions.config
    const isExempt = isHealth(request.url) || front !== undefined || guardsItself === true
    // at the host of a service nothing is ours to guard
    const why =
      isExempt || pageAt(site.config, request.raw) !== undefined
        ? undefined
        : refusal(site.config, request.raw)
    done(why === undefined ? undefined : new Forbidden('VIEWER', why))
  })
  http.addHook('onResponse', (request, _reply, done) => {
    endRest(request.raw, site.config)
    done()
  })
  http.addHook('onSend', (request, reply, _payload, done) => {
    if ((request.raw as Incoming).isLast) reply.header('connection', 'close')
    const cookie = cookieSetBy(request.raw)
    if (cookie !== undefined) reply.header('set-cookie', cookie)
    if (!isPassedOn(reply)) {
      const challenge = challengeFor(request.raw, reply.statusCode)
      if (challenge !== undefined) reply.header('www-authenticate', challenge)
      if (!reply.hasHeader('content-security-policy')) reply.headers(NO_PAGE)
    }
    done()
  })
  http.setErrorHandler((thrown, request, reply) => {
    const error = asAnswer(thrown, reply.raw)
    const isOutage = outageIn(error) !== undefined
    if (isOutage || !(error instanceof DomainError)) {
      const about = { err: error, method: request.method, path: request.url.split('?')[0] }
      const { log } = seenOf(site, request.raw)
      if (isOutage) log.warn(about, 'a request met an outage')
      else log.error(about, 'a request failed')
    }
    return sendError(reply, error)
  })
  const upgrades = routeUpgrades(http, takeUpgrade)
  const connections = new Set<Socket>()
  http.server.on('connection', (socket: Socket) => {
    connections.add(socket)
    socket.setMaxListeners(0) // each operation that is under way on it listens for its end
    socket.once('close', () => connections.delete(socket))
  })
  const stopCutting = cutSlowReaders(connections, site.config)
  return {
    http,
    async listen(host, port) {
      await http.listen({ host, port })
      const at = http.server.address() as AddressInfo // a TCP server has one
      return `http://${at.family === 'IPv6' ? `[${at.address}]` : at.address}:${at.port}`
    },
    get upgraded() {
      return upgrades.size
    },
    async close(graceMs) {
      isClosing = true
      upgrades.close()
      const cut = setTimeout(() => {
        for (const socket of connections) socket.destroy()
      }, graceMs)
      await http.close()
      clearTimeout(cut)
      stopCutting()
    },
  }
}

/** Answers for a path that is none, or a part of which is longer than any name. */
function unroutable(front: Front | undefined, code: string, reply: FastifyReply): void {
  const isLong = code === 'FST_ERR_MAX_PARAM_LENGTH'
  if (front !== undefined) {
    const what = isLong ? 'There is nothing with so long a name.' : 'The path is malformed.'
    const told = front.tell(new Problem(isLong ? 'NOT_FOUND' : 'BAD_REQUEST', what), undefined)
    return void reply
      .code(told.status)
      .headers({ ...NO_PAGE, ...told.headers })
      .send(told.body)
  }
  const error = isLong
    ? new UrlTooLong('A part of the path is too long.')
    : new BadRequest('The path is malformed.')
  void sendError(reply.headers(NO_PAGE), error)
}

/** What is no page is not to be taken for one. */
const NO_PAGE = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

const isHealth = (url: string): boolean => url === '/healthz' || url === '/readyz'
