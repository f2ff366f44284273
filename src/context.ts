import type { Readable } from 'node:stream'
import type { Config } from './config.ts'
import type { Database } from './db/database.ts'
import type { FrontName } from './rest/fronts.ts'
import { EFFECT, type Actor, type KeyedCall } from './kit/actor.ts'
import type { CallAnswer, Call, Outgoing } from './kit/http/call.ts'
import type { CorsPolicy } from './kit/http/cors.ts'
import type { Logger } from './kit/logger.ts'
import type { Asker, Operation } from './kit/operation.ts'
import type { Clock } from './kit/time.ts'
import type { Bus } from './ports/bus/bus.ts'
import type { Metrics } from './ports/metrics/metrics.ts'
import type { RuntimeFacts } from './ports/runtime/runtime.ts'
import type { Storage } from './ports/storage/storage.ts'
import type { Span, Tracing } from './ports/tracing/tracing.ts'
import type { Authenticator } from './auth/authenticate.ts'
import type { Sessions } from './auth/sessions.ts'
import type { Signer } from './auth/signing.ts'
import type { Throttle } from './auth/throttle.ts'
import { actorOf, type Viewer } from './auth/viewer.ts'
import type { Hub } from './streams/hub.ts'

/** What one running server has: its settings, its connections and its name. Made once, by `app.ts`. */
export interface Platform {
  readonly config: Config
  /** In a request every line carries its id. */
  readonly log: Logger
  readonly metrics: Metrics
  readonly tracing: Tracing
  readonly database: Database
  readonly bus: Bus
  readonly storage: Storage
  readonly runtime: RuntimeFacts
  readonly hub: Hub
  readonly signer: Signer
  readonly authenticator: Authenticator
  readonly sessions: Sessions
  readonly throttle: Throttle
  readonly now: Clock
  readonly server: ServerIdentity
  readonly waiting: Waiting
}

/** Who waits for jobs on this server. */
interface Waiting {
  /** True once this server hands out no jobs any more. */
  readonly isClosed: boolean
  /** Begins to listen for jobs of these services; look for them after that, and each time one is woken. */
  listen(
    serviceIds: readonly string[],
    /** A watcher takes no jobs itself, so every hint is for it too. */
    options?: { isWatcher?: boolean },
  ): {
    /** Resolves when there may be some, when the time is over, or when the signal fires. */
    woken(withinMs: number, signal: AbortSignal): Promise<void>
    /** Wakes the next one instead. */
    passOn(): void
    leave(): void
  }
}

/** Where bytes come in and go out. Fronts call these in process; over HTTP they stand behind signed URLs. */
export interface Doors {
  /** Takes the bytes of an upload. Throws NotFound, Conflict, ValidationError or QuotaReached; then nothing is kept. */
  put(uploadId: string, body: Readable, signal?: AbortSignal): Promise<unknown>
  /** The archive of a version, unchanged; nothing is opened before it is read. Throws NotFound. */
  get(versionId: string): Promise<Outgoing>
  /**
   * A part of a log, as its signed URL says: `name` is the id of a service or job, `query` the selection. Throws
   * NotFound, and the reason of the signal.
   */
  log(
    name: string,
    fileName: string,
    query: URLSearchParams,
    signal: AbortSignal,
  ): Promise<Outgoing>
  /**
   * Calls a service as the viewer; one that sleeps is woken. Throws NotFound, Forbidden, WrongState (it does not
   * run), Unavailable (no instance yet), BadGateway (the instance broke off) or TimedOut.
   */
  invoke(
    ctx: Context,
    deployment: string | undefined,
    service: string,
    call: Call,
  ): Promise<CallAnswer>
  /**
   * Calls the primary target of a route as the viewer; a route of `deployment` may be named by its name too. Throws
   * NotFound also when no target is active.
   */
  invokeRoute(
    ctx: Context,
    deployment: string | undefined,
    route: string,
    call: Call,
  ): Promise<CallAnswer>
  /** The CORS policy of the service with this id, whoever asks; undefined where there is none. */
  corsOf(service: string): Promise<CorsPolicy | undefined>
  /** The same of the primary target of a route. */
  corsOfRoute(route: string): Promise<CorsPolicy | undefined>
}

/** This server among those of the installation: `id` stays with its data folder, `run` is new with every start. */
export interface ServerIdentity {
  readonly id: string
  readonly run: string
  /** Where other servers and its own services reach it, without a trailing slash. Known once it listens. */
  url: string
}

/**
 * What one caller may have at once and how often it may come, counted by this server alone. Each throws QuotaReached
 * when there is no more; a place is given back by the function that is answered.
 */
export interface Quotas {
  takeOperation(caller: string): void
  takeSocket(caller: string): () => void
  /** A socket that has not said yet who it is; `caller` is its address. */
  takeWaitingSocket(caller: string): () => void
  takeSubscription(caller: string): () => void
  /** A new operation, whose large values count against its caller and among all others. */
  openOperation(asker: Asker): Operation
}

/** A server that can be reached: what every request finds. */
export interface Site extends Platform {
  readonly doors: Doors
  readonly quotas: Quotas
}

/** Everything one request works with. */
export interface Context extends Site {
  /** Reads for this request alone; what outlives it reads from `database.shared`. */
  readonly database: Database
  /** What the request holds, and whether it is still to go on. */
  readonly operation: Operation
  /** Who asks. In what goes on for long it is what the viewer is good for by now. */
  viewer: Viewer
  readonly requestId: string
  /** The request's place in its trace. */
  readonly span: Span
  /** The REST front the request came through, if any. */
  readonly front?: FrontName | undefined
  /** An operation of our own, such as a REST front's: free of the limits of public ones, but not of time. */
  readonly trusted?: boolean | undefined
  /** `Last-Event-ID` of an SSE request: the cursor it resumes from. */
  readonly lastEventId?: string | undefined
  /** Where the caller reaches this server, without a trailing slash: what URLs in answers begin with. */
  readonly origin: string
  /** Calls back when the caller's connection has closed; answers how to stop listening. Absent where there is none. */
  readonly onGone?: ((listener: () => void) => () => void) | undefined
  /** Breaks off an answer that goes on, such as an event stream. Absent where there is none. */
  cut?: (() => void) | undefined
  /** Told of time that passed because the caller asked to wait: it does not make the answer a slow one. */
  readonly waited?: ((ms: number) => void) | undefined
  /** The caller's IP address, as far as TRUST_PROXY lets it be believed. */
  readonly address: string
  /** Whether a 401 makes the caller come back with a credential. */
  readonly isChallenged?: boolean | undefined
  /** The cookie that a browser signs in with; undefined where an answer can set none, as over WebSocket. */
  readonly cookie?: CookieSlot | undefined
  /** The call with an idempotency key that is being worked on, if it is one. */
  readonly call?: KeyedCall | undefined
}

/** The cookie that the answer to a request may set. */
export interface CookieSlot {
  /** Whether a page of another origin asks, which must not sign anybody in. */
  readonly isForeign: boolean
  set(secret: string, seconds: number): void
  clear(): void
}

/**
 * Who acts in this request, as events remember it. What is recorded with it is the effect of the request; a
 * request with several effects names each by a `part`, the same whenever it is done again.
 */
export const actor = ({ viewer, front, call }: Context, part = ''): Actor => ({
  ...actorOf(viewer),
  front,
  ...(call === undefined ? {} : { [EFFECT]: { call, part } }),
})

/** Waits because the caller asked for it. */
export async function waitedFor<Result>(
  { waited }: Pick<Context, 'waited'>,
  wait: Promise<Result>,
): Promise<Result> {
  const began = performance.now()
  try {
    return await wait
  } finally {
    waited?.(performance.now() - began)
  }
}

/**
 * Whose share a request takes, where shares are limited: the person's, however often that is signed in, else the
 * token's, else the address'.
 */
export function callerKey({ viewer, address }: Pick<Context, 'viewer' | 'address'>): string {
  switch (viewer.kind) {
    case 'token':
      return viewer.user === undefined ? `token:${viewer.tokenId}` : `user:${viewer.user.id}`
    case 'user':
      return `user:${viewer.user.id}`
    case 'front':
    case 'anonymous':
      return `address:${address}`
  }
}
