import type { IncomingMessage } from 'node:http'
import type { Credential } from '../auth/credential.ts'
import { anonymous, type Viewer } from '../auth/viewer.ts'
import { callerKey, type Context, type CookieSlot, type Site } from '../context.ts'
import type { FrontName } from '../rest/fronts.ts'
import { BadRequest, Forbidden, Unauthenticated } from '../kit/errors.ts'
import { asChosen } from '../organizations/index.ts'
import { isChallenged } from './challenge.ts'
import { cookieSlot } from './cookie.ts'
import { strangerRefusal } from './guard.ts'
import { authenticating, seenOf } from './observe/seen.ts'
import { originOf } from './origin.ts'
import { credentialOf, reached } from './reached.ts'

/** Longest URL; an operation with more to say is sent by POST. */
const URL_LENGTH = 8_192

/**
 * The context of a request that is one operation, of a front where that is said, which is taken from the caller's rate. Throws QuotaReached when
 * nothing is left of it, Unauthenticated and BadRequest.
 */
export async function operationContext(
  site: Site,
  request: IncomingMessage,
  front?: FrontName,
): Promise<Context> {
  if ((request.url?.length ?? 0) > URL_LENGTH) throw tooLong(front)
  try {
    const ctx = await contextOf(site, request, front)
    site.quotas.takeOperation(callerKey(ctx))
    return ctx
  } catch (cause) {
    // whoever tries credentials is nobody, and comes from somewhere
    if (cause instanceof Unauthenticated || cause instanceof Forbidden)
      site.quotas.takeOperation(
        callerKey({ viewer: anonymous, address: reached(site.config, request).address }),
      )
    throw cause
  }
}

/** Clients of fronts know of no status of its own for it. */
function tooLong(front: FrontName | undefined): BadRequest {
  const why = `A URL has at most ${URL_LENGTH} characters: send the operation by POST.`
  return front === undefined ? new UrlTooLong(why) : new BadRequest(why)
}

/** A URL longer than any that is read. */
export class UrlTooLong extends BadRequest {
  override readonly status = 414
}

/** Finds out who asks. */
type Authenticate = (
  site: Site,
  request: IncomingMessage,
  front: FrontName | undefined,
  cookie: CookieSlot | undefined,
) => Promise<Viewer>

/**
 * The context of one request: who asks, from where, and under which name this server was reached. Throws
 * Unauthenticated for a credential that is not known, and Forbidden for a page of another origin that would act
 * without one, and for an organization that is not the caller's; with another way to authenticate, what that throws.
 */
export async function contextOf(
  site: Site,
  request: IncomingMessage,
  front?: FrontName,
  authenticate: Authenticate = viewerOf,
): Promise<Context> {
  const seen = seenOf(site, request)
  const lastEventId = request.headers['last-event-id']
  const { address } = reached(site.config, request)
  const cookie = cookieSlot(site.config, request)
  let origin: string | undefined
  const { config, metrics, tracing, database, bus, storage, runtime, hub, signer } = site
  const { authenticator, sessions, throttle, now, server, waiting, doors, quotas } = site
  const viewer = await authenticating(seen, site, authenticate(site, request, front, cookie))
  const onGone = whenGone(request)
  const operation = quotas.openOperation({
    key: () => callerKey({ viewer, address }),
    isGone: () => request.socket.destroyed,
    onGone,
  })
  // one by one, because to spread so many costs as much as a small query
  return {
    config,
    metrics,
    tracing,
    database: database.within(operation),
    operation,
    bus,
    storage,
    runtime,
    hub,
    signer,
    authenticator,
    sessions,
    throttle,
    now,
    server,
    waiting,
    doors,
    quotas,
    viewer,
    requestId: seen.id,
    get log() {
      return seen.log // made when something is to be said
    },
    span: seen.span,
    address,
    get origin() {
      return (origin ??= originOf(site, request)) // made once a URL is to be printed
    },
    isChallenged: isChallenged(request),
    cookie,
    front,
    // what a front executes is its own: documents that are part of this program
    trusted: front !== undefined,
    lastEventId: typeof lastEventId === 'string' && lastEventId !== '' ? lastEventId : undefined,
    onGone,
    waited: (ms) => void (seen.waitedMs += ms),
  }
}

/** Listens for the end of a connection, only for whoever waits for it: a connection serves many requests. */
const whenGone =
  ({ socket }: IncomingMessage) =>
  (listener: () => void): (() => void) => {
    if (socket.destroyed) listener()
    else socket.once('close', listener)
    return () => void socket.off('close', listener)
  }

async function viewerOf(
  site: Site,
  request: IncomingMessage,
  front: FrontName | undefined,
  cookie: CookieSlot | undefined,
): Promise<Viewer> {
  const credential = credentialOf(site.config, request, front)
  const viewer = await site.authenticator.viewer(credential, front).catch((cause: unknown) => {
    // the browser would send it again and again, and no script of the page can take it away
    if (cause instanceof Unauthenticated && credential?.from === 'cookie') cookie?.clear()
    throw cause
  })
  // whatever was brought is not known, so whoever wrote it is a stranger still
  const isStranger = viewer.kind === 'user' || viewer.kind === 'front'
  const why = isStranger ? strangerRefusal(site.config, request) : undefined
  if (why !== undefined) throw new Forbidden('VIEWER', why)
  // nothing that comes with an unknown secret is believed, nor held against anybody
  const isIgnored = isStranger && credential?.secret !== undefined
  return isIgnored ? viewer : asNamed(site, viewer, credential)
}

/** The viewer of a credential, good for what its user name says. */
export const asNamed = async (
  site: Site,
  viewer: Viewer,
  credential: Credential | undefined,
): Promise<Viewer> =>
  credential?.userName === undefined ? viewer : asChosen(site, viewer, credential.userName)
