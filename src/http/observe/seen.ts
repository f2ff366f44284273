import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Viewer } from '../../auth/viewer.ts'
import type { Platform } from '../../context.ts'
import { Unauthenticated } from '../../kit/errors.ts'
import type { Logger } from '../../kit/logger.ts'
import type { Span } from '../../ports/tracing/tracing.ts'

/** What is known of a request while it is under way: under which id, in which trace, and for whom. */
export class SeenRequest {
  readonly id: string
  readonly span: Span
  /** Who asks, once that is known. */
  viewer: Viewer | undefined
  /** How long it waited because the caller asked for that. */
  waitedMs = 0
  readonly #parent: Logger
  #log: Logger | undefined

  constructor(id: string, span: Span, log: Logger) {
    this.id = id
    this.span = span
    this.#parent = log
  }

  /** A log whose every line carries the ids; made when something is to be said. */
  get log(): Logger {
    const { traceId } = this.span
    return (this.#log ??= this.#parent.child({
      requestId: this.id,
      ...(traceId === undefined ? {} : { traceId }),
    }))
  }
}

const requests = new WeakMap<IncomingMessage, SeenRequest>()

export const keepSeen = (request: IncomingMessage, seen: SeenRequest): void =>
  void requests.set(request, seen)

/**
 * What is known of an HTTP request; what comes over a WebSocket begins here, each operation with an id and a span of
 * its own, in the trace that the socket was opened in.
 */
export const seenOf = ({ tracing, log }: Platform, request: IncomingMessage): SeenRequest =>
  requests.get(request) ??
  new SeenRequest(
    randomUUID(),
    tracing.receive('graphql', { 'network.protocol.name': 'websocket' }, request.headers),
    log,
  )

/** Notes who asks, and counts a credential that is refused. */
export async function authenticating(
  seen: SeenRequest,
  { metrics }: Platform,
  viewer: Promise<Viewer>,
): Promise<Viewer> {
  try {
    return (seen.viewer = await viewer)
  } catch (cause) {
    if (cause instanceof Unauthenticated) metrics.count('millrace_authentication_failures_total', 1)
    throw cause
  }
}

/** An id that a caller may give its request: it goes into logs and headers as it is. */
const GIVEN_ID = /^[\w.:/+=-]{1,128}$/

/** The id of a request: the caller's `x-request-id` where that is a sane one, else a new one. */
export function requestIdOf({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const given = headers['x-request-id']
  return typeof given === 'string' && GIVEN_ID.test(given) ? given : randomUUID()
}
