import type { ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import type { Site } from '../context.ts'
import type { Invoker } from '../doors/index.ts'
import { DomainError } from '../kit/errors.ts'
import { cookieSetBy } from './cookie.ts'
import { doors } from './doors.ts'
import { asAnswer, httpError } from './errors.ts'
import { fastDoor } from './fast.ts'
import { graphql } from './graphql.ts'
import { refusal } from './guard.ts'
import { health, type Health } from './health.ts'
import { KnownDocuments } from './known.ts'
import { metrics } from './observe/metrics.ts'
import { openSubscriptions } from './observe/operations.ts'
import { observeRequests } from './observe/requests.ts'
import { requestIdOf, seenOf } from './observe/seen.ts'
import { python } from './python.ts'
import { trusting, type TrustedDocuments } from './trusted.ts'
import { websockets } from './websocket.ts'
import { graphqlServer } from './yoga.ts'

/** The HTTP server with all its doors. */
export interface HttpServer {
  /** Answers where it listens, without a trailing slash. Rejects when the port is taken. */
  listen(): Promise<string>
  /** No new requests; running ones may end within `graceMs`; streams are cut, and resume elsewhere. */
  close(graceMs: number): Promise<void>
}

export function httpServer(
  site: Site,
  invoker: Invoker,
  state: Health,
  trusted?: TrustedDocuments,
): HttpServer {
  const { config } = site
  const http: FastifyInstance = Fastify({
    logger: false,
    genReqId: requestIdOf,
    forceCloseConnections: 'idle',
    // bodies are limited where they are read: by count, while they stream
    bodyLimit: Number.MAX_SAFE_INTEGER,
    routerOptions: { maxParamLength: 300, ignoreDuplicateSlashes: true },
    requestTimeout: 0,
  })
  http.addHttpMethod('GET', { hasBody: true, overrideExisting: true })
  http.removeAllContentTypeParsers()
  http.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
  observeRequests(http, site)
  http.addHook('onRequest', (request, reply, done) => {
    const why = isHealth(request.url) ? undefined : refusal(config, request.raw)
    if (why === undefined) return done()
    void reply.code(403).send({ error: 'forbidden', error_description: why })
  })
  http.addHook('onSend', (request, reply, _payload, done) => {
    const cookie = cookieSetBy(request.raw)
    if (cookie !== undefined) reply.header('set-cookie', cookie)
    done()
  })
  http.setErrorHandler((thrown, request, reply) => {
    const error = asAnswer(thrown)
    if (!(error instanceof DomainError)) {
      const path = request.url.split('?')[0]
      const { log } = seenOf(site, request.raw)
      log.error({ err: error, method: request.method, path }, 'a request failed')
    }
    const { status, headers, body } = httpError(error, request.id)
    return reply.code(status).headers(headers).send(body)
  })
  http.setNotFoundHandler((request, reply) =>
    reply.code(404).send({
      error: 'not_found',
      error_description: `There is nothing at ${request.method} ${request.url.split('?')[0]}. The API is at /graphql.`,
    }),
  )
  http.get('/', (_request, reply) => reply.redirect('/graphql', 302))
  const known = new KnownDocuments()
  const yoga = graphqlServer(config, [known.plugin, trusting(trusted)])
  void http.register(health(site, state))
  void http.register(metrics(site))
  const eventStreams = new Set<ServerResponse>()
  void http.register(graphql(site, yoga, fastDoor(known, trusted), eventStreams))
  void http.register(doors(site, invoker))
  void http.register(python)
  const sockets = websockets(site, yoga, trusted, http.server)
  site.metrics.gauge('millrace_sse_streams', () => eventStreams.size)
  site.metrics.gauge('millrace_subscriptions', () => openSubscriptions(site.metrics))
  const connections = new Set<Socket>()
  http.server.on('connection', (socket: Socket) => {
    connections.add(socket)
    socket.once('close', () => connections.delete(socket))
  })

  return {
    async listen() {
      await http.listen({ host: config.host, port: config.port })
      const { address, family, port } = http.server.address() as AddressInfo // a TCP server has one
      return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
    },
    async close(graceMs) {
      const cut = setTimeout(() => {
        for (const socket of connections) socket.destroy()
      }, graceMs)
      // cut without an end, so that an EventSource comes back with its cursor
      for (const stream of eventStreams) stream.destroy()
      await Promise.all([sockets.close(), http.close()])
      clearTimeout(cut)
    },
  }
}

const isHealth = (url: string): boolean => url === '/healthz' || url === '/readyz'
