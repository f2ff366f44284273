import { setTimeout as pause } from 'node:timers/promises'
import { errors, Pool } from 'undici'
import { allow, found, requireCredential } from '../auth/viewer.ts'
import type { Context, Platform } from '../context.ts'
import type { CallAnswer, Call } from '../kit/http/call.ts'
import { BadGateway, DomainError, TimedOut, Unavailable, WrongState } from '../kit/errors.ts'
import {
  calleeById,
  calleeNamed,
  maySleep,
  processStatus,
  say,
  serviceActions,
  ServiceId,
  type Balancer,
  type Callee,
  type ReadyInstance,
} from '../services/index.ts'
import { calleeOfRoute } from '../routes/index.ts'
import type { TrafficRecorder } from '../traffic/index.ts'
import { exchange } from './exchange.ts'
import { enclosed, forwardedBy } from './forward.ts'
import { back, onward, told } from './headers.ts'
import { exchangeTrailing, isTrailing } from './trailing.ts'
import { outcomeOf, Watch } from './watch.ts'

/** How often is looked whether a service has an owner by now. */
const OWNER_MS = 100

/** How a call is sent. */
interface Way {
  readonly origin: string
  /** What stands before its target: the path by which another server knows the service. */
  readonly under?: string
  /** The address of the instance, where it goes to one. */
  readonly instance?: string
  readonly headersTimeout: number
  readonly bodyTimeout: number
}

/** What is told of a call while it is under way. */
interface Progress {
  /** It has become a connection in another protocol. */
  readonly connected: () => void
  readonly done: (how: Ending) => void
}

/** How a call ended: with an answer, with one that says 5xx or breaks off, or with none. */
type Ending = 'answered' | 'failed' | 'unanswered'

/** The door for calls: streamed both ways to the least busy instance, wherever it runs. */
export class Invoker {
  readonly #platform: Platform
  readonly #balancer: Balancer
  readonly #traffic: TrafficRecorder
  /** Connections to other servers, by their URL. */
  readonly #peers = new Map<string, Pool>()
  #inFlight = 0

  constructor(platform: Platform, balancer: Balancer, traffic: TrafficRecorder) {
    this.#platform = platform
    this.#balancer = balancer
    this.#traffic = traffic
    platform.metrics.gauge('millrace_invocations_in_flight', () => this.#inFlight)
  }

  /**
   * Calls a service as the viewer. Throws NotFound, Forbidden, WrongState (it does not run), Unavailable (no
   * instance yet), BadGateway (the instance broke off) or TimedOut.
   */
  async invoke(
    ctx: Context,
    deployment: string | undefined,
    id: string,
    call: Call,
  ): Promise<CallAnswer> {
    return this.#asViewer(ctx, call, async () => {
      const service = found(await calleeNamed(ctx, id, deployment), 'service', id)
      allow(ctx.viewer, serviceActions.INVOKE.role, service.organizationId)
      return service
    })
  }

  /** Calls the primary target of a route as the viewer. Throws what `invoke` does; NotFound also when none is active. */
  async invokeRoute(
    ctx: Context,
    deployment: string | undefined,
    id: string,
    call: Call,
  ): Promise<CallAnswer> {
    return this.#asViewer(ctx, call, async () => {
      const led = found(await calleeOfRoute(ctx, id, deployment), 'route', id)
      allow(ctx.viewer, serviceActions.INVOKE.role, led.organizationId)
      return found(led.callee ?? null, 'active service behind the route', id)
    })
  }

  #asViewer(ctx: Context, call: Call, find: () => Promise<Callee>): Promise<CallAnswer> {
    const watch = new Watch(this.#platform, 'local', call, ctx.requestId)
    return this.#watched(call, watch, async () => {
      requireCredential(ctx.viewer)
      return this.#call(await find(), call, watch)
    })
  }

  /** Calls a service that another server has already allowed to be called; never forwards it on. */
  async forwarded(id: string, call: Call): Promise<CallAnswer> {
    const watch = new Watch(this.#platform, 'received', call, undefined)
    return this.#watched(call, watch, async () => {
      const uuid = ServiceId.read(id)
      const service = uuid ? await calleeById(this.#platform, uuid) : null
      return this.#call(found(service, 'service', id), call, watch)
    })
  }

  /** Counts the call until its answer has been passed on. */
  async #watched(call: Call, watch: Watch, work: () => Promise<CallAnswer>): Promise<CallAnswer> {
    this.#inFlight += 1
    try {
      const answer = await work()
      const { status, body, socket } = answer
      if (socket !== undefined) watch.end('ok', status) // what follows is no call any more
      body.once('close', () => {
        this.#inFlight -= 1
        if (socket !== undefined) return
        if (call.signal.aborted) watch.end('aborted', status)
        else if (body.errored) watch.end('bad_gateway', status)
        else watch.end(status < 500 ? 'ok' : 'error', status)
      })
      return answer
    } catch (cause) {
      this.#inFlight -= 1
      watch.end(call.signal.aborted ? 'aborted' : outcomeOf(cause))
      throw cause
    }
  }

  async #call(callee: Callee, call: Call, watch: Watch): Promise<CallAnswer> {
    const until = performance.now() + this.#platform.config.invokeTimeoutMs
    const service = isBetweenOwners(callee) ? await this.#owned(callee, call, until) : callee
    const status = processStatus(service.status)
    const { from, kinds } = serviceActions.INVOKE
    if (!kinds.includes(service.kind))
      throw new WrongState('A queue cannot be called: submit a job.', service.kind, kinds)
    if (!from.includes(status))
      throw new WrongState(`The service is not running: it is ${status}.`, status, from)
    const target = this.#balancer.take(service.id) ?? (await this.#awakened(service, call, until))
    if (target !== undefined) {
      const end = this.#traffic.begin(service.id, this.#balancer.count(service.id))
      const counted = once((how: Ending) => end(how !== 'answered'))
      let isConnection = false
      const progress = {
        connected: () => {
          isConnection = true
          this.#balancer.connected(target)
          counted('answered')
        },
        done: once((how: Ending) => {
          this.#balancer.release(target, isConnection)
          counted(how)
        }),
      }
      const extra = { ...watch.headers(service.id), ...target.headers }
      return this.#send(service, target.pool, call, extra, progress, {
        origin: target.url,
        instance: target.url,
        // what it waited for an instance counts
        headersTimeout: leftUntil(until),
        bodyTimeout: this.#platform.config.invokeTimeoutMs,
      })
    }
    const { server, signer, now } = this.#platform
    const isElsewhere = service.ownerServer !== null && service.ownerServer !== server.id
    const owner =
      watch.via === 'local' && isElsewhere
        ? await this.#platform.database.prisma.server.findUnique({
            where: { id: service.ownerServer ?? '' },
          })
        : null
    if (owner === null) {
      this.#traffic.refused(service.id)
      throw new Unavailable('NO_INSTANCE', `The service is ${status}: no instance is ready yet.`, 1)
    }
    watch.via = 'sent'
    const timeoutMs = this.#platform.config.invokeTimeoutMs + 5_000
    return this.#send(
      service,
      this.#peer(owner.url),
      call,
      { ...watch.headers(service.id), ...forwardedBy(signer, service.id, now()) },
      {
        connected: () => {},
        // the owner counts what it was asked
        done: (how) => how === 'unanswered' && this.#traffic.refused(service.id),
      },
      {
        origin: owner.url,
        under: `/internal/services/${ServiceId.text(service.id)}`,
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
      },
    )
  }

  /** A service that may sleep, once a server has it, or once nobody will: a new one, or one whose server has stopped. */
  async #owned(callee: Callee, call: Call, until: number): Promise<Callee> {
    let service = callee
    while (isBetweenOwners(service)) {
      if (performance.now() > until)
        throw new TimedOut('No server has taken the service up in time.')
      await pause(OWNER_MS, undefined, { signal: call.signal })
      const now = await calleeById(this.#platform, service.id)
      service = found(now, 'service', ServiceId.text(service.id))
    }
    return service
  }

  /** An instance of a service that sleeps here, once there is one; undefined for a service that does not. */
  async #awakened(service: Callee, call: Call, until: number): Promise<ReadyInstance | undefined> {
    if (!maySleep(service) || service.ownerServer !== this.#platform.server.id) return undefined
    try {
      return await this.#balancer.wait(service.id, call.signal, leftUntil(until))
    } catch (cause) {
      this.#traffic.refused(service.id)
      if (cause instanceof DomainError)
        await this.#complain(service, call, `failed: ${cause.message}`)
      throw cause
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#peers.values()].map((pool) => pool.destroy()))
  }

  #peer(url: string): Pool {
    const pool = this.#peers.get(url) ?? new Pool(url)
    this.#peers.set(url, pool)
    return pool
  }

  async #send(
    service: Callee,
    pool: Pool,
    call: Call,
    extra: Record<string, string>,
    { connected, done }: Progress,
    { origin, under = '', instance, ...limits }: Way,
  ): Promise<CallAnswer> {
    try {
      const theirs = onward(call.headers)
      const onwards =
        instance === undefined ? enclosed(theirs) : { ...theirs, ...told(theirs, call.address) }
      const sending = {
        ...call,
        path: `${under}${call.target}`,
        headers: { ...onwards, ...extra },
        ...limits,
      }
      const answer = await (isTrailing(sending)
        ? exchangeTrailing(origin, sending)
        : exchange(pool, sending))
      const { status, body } = answer
      let how: Ending = status >= 500 ? 'failed' : 'answered'
      if (answer.socket !== undefined) connected()
      body.once('error', (cause: Error) => {
        if (!call.signal.aborted) how = 'failed'
        void this.#complain(service, call, `broke off its answer (${cause.message})`)
      })
      body.once('close', () => done(how))
      return { ...answer, headers: back(answer.headers, instance, call.address) }
    } catch (cause) {
      // whoever hangs up is no failure of the service
      done(call.signal.aborted ? 'answered' : 'unanswered')
      throw await this.#failure(service, call, cause)
    }
  }

  async #failure(service: Callee, call: Call, cause: unknown): Promise<unknown> {
    if (call.signal.aborted) return cause
    if (cause instanceof errors.HeadersTimeoutError || cause instanceof errors.BodyTimeoutError) {
      const seconds = this.#platform.config.invokeTimeoutMs / 1000
      await this.#complain(service, call, `was not answered within ${seconds} s`)
      return new TimedOut(`The service did not answer within ${seconds} s.`)
    }
    const message = cause instanceof Error ? cause.message : String(cause)
    await this.#complain(service, call, `failed: the instance broke off (${message})`)
    return new BadGateway(
      'The instance broke off without an answer; the log of the service says why.',
    )
  }

  /** A failed call leaves a line in the log of the service; that the line is stored is not worth failing again. */
  async #complain(service: Callee, { method, target, signal }: Call, what: string): Promise<void> {
    if (signal.aborted) return
    const line = `${method} ${target.split('?')[0]} ${what}`
    await say(this.#platform, service.id, line).catch((cause: unknown) =>
      this.#platform.log.error({ err: cause, line }, 'could not write to the log of a service'),
    )
  }
}

/** Whether it may sleep, is to run, and no server has it at this moment. */
const isBetweenOwners = (service: Callee): boolean =>
  service.ownerServer === null &&
  maySleep(service) &&
  serviceActions.INVOKE.from.includes(processStatus(service.status))

const leftUntil = (until: number): number => Math.max(1, Math.round(until - performance.now()))

function once<Value>(run: (value: Value) => void): (value: Value) => void {
  let isDone = false
  return (value) => {
    if (!isDone) run(value)
    isDone = true
  }
}
