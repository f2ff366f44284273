import type { ServerResponse } from 'node:http'
import type { Site } from '../context.ts'
import type { Invoker } from '../doors/index.ts'
import type { FrontName } from '../rest/fronts.ts'
import { fronts, mounted, type Front, type Host } from '../rest/index.ts'
import { docs } from './docs.ts'
import { invocation, signedDoors } from './calls/doors.ts'
import { NothingThere, sendError } from './errors.ts'
import { fastDoor } from './graphql/fast.ts'
import { frontHost } from './fronts.ts'
import { graphiQl } from './graphql/graphiql.ts'
import { graphql } from './graphql/graphql.ts'
import { health, type Health } from './health.ts'
import { DocumentCache } from '../execution/document-cache.ts'
import { parseWithin } from '../execution/limits/index.ts'
import { listener, type Listener } from './listener.ts'
import { metrics } from './observe/metrics.ts'
import { openSubscriptions } from '../execution/operations.ts'
import { pages } from './calls/pages.ts'
import { python } from './python.ts'
import { byName, type KnownDocuments } from '../execution/known-documents.ts'
import { websockets } from './graphql/websocket.ts'
import { graphqlServer } from './graphql/yoga.ts'

/** Where a server listens, each URL without a trailing slash. */
interface Addresses {
  readonly url: string
  /** Fronts with a port of their own. */
  readonly fronts: Readonly<Partial<Record<FrontName, string>>>
}

/** The HTTP server with all its doors and ports. */
export interface HttpServer {
  /** Rejects when a port is taken. */
  listen(): Promise<Addresses>
  /** No new requests; running ones may end within `graceMs`; streams are cut, and resume elsewhere. */
  close(graceMs: number): Promise<void>
}

export function httpServer(
  site: Site,
  invoker: Invoker,
  state: Health,
  known: KnownDocuments,
): HttpServer {
  const { config } = site
  const cache = known.only ?? new DocumentCache((text) => parseWithin(text, config))
  const page = graphiQl()
  const yoga = graphqlServer(config, cache, [byName(known)], page)
  const sockets = websockets(site, yoga, known)
  const main = listener(
    site,
    (url) =>
      fronts.find(
        ({ prefix }) => url.startsWith(prefix) && /^(?:[/?]|$)/.test(url.slice(prefix.length)),
      ),
    sockets.take,
  )
  const { http } = main
  http.setNotFoundHandler((request, reply) =>
    sendError(reply, new NothingThere(`${request.method} ${request.url.split('?')[0]}`)),
  )
  http.get('/', (_request, reply) => reply.redirect('/graphql', 302))
  void http.register(health(site, state))
  void http.register(metrics(site))
  const eventStreams = new Set<ServerResponse>()
  void http.register(graphql(site, yoga, fastDoor(cache, known), eventStreams, page))
  void http.register(signedDoors(site))
  void http.register(invocation(site, invoker))
  void http.register(pages(site))
  void http.register(python)
  void http.register(docs(fronts))
  const host = frontHost(site, fronts)
  for (const front of fronts) {
    const { prefix, routes, atRoot } = front
    void http.register(mounted(front, host, { prefix, routes, isWhole: true }), { prefix })
    void http.register(mounted(front, host, { prefix: '', routes: atRoot, isWhole: false }))
  }
  const roots = fronts.flatMap((front) => {
    const port = config.rootFrontPorts[front.name]
    return port === undefined ? [] : [{ front, port, own: rootOf(front, host) }]
  })
  const listeners = [main, ...roots.map(({ own }) => own)]
  site.metrics.gauge('millrace_service_websockets', () =>
    listeners.reduce((sum, { upgraded }) => sum + upgraded, 0),
  )
  site.metrics.gauge('millrace_sse_streams', () => eventStreams.size)
  site.metrics.gauge('millrace_subscriptions', () => openSubscriptions(site.metrics))

  return {
    async listen() {
      const url = await main.listen(config.host, config.port)
      const others = new Map<FrontName, string>()
      for (const { front, port, own } of roots)
        others.set(front.name, await own.listen(config.host, port))
      return { url, fronts: Object.fromEntries(others) }
    },
    async close(graceMs) {
      // cut without an end, so that an EventSource comes back with its cursor
      for (const stream of eventStreams) stream.destroy()
      await Promise.all([sockets.close(), ...listeners.map((one) => one.close(graceMs))])
    },
  }
}

/** A port with one front at its root, and the signed URLs that its answers name. */
function rootOf(front: Front, host: Host): Listener {
  const own = listener(host.site, () => front)
  void own.http.register(signedDoors(host.site))
  const { routes } = front
  void own.http.register(mounted(front, host, { prefix: '', routes, isWhole: true }))
  return own
}
