import { Readable, type Duplex } from 'node:stream'
import { errors, type Dispatcher, type Pool } from 'undici'
import { isEventStream, type Call, type HeaderFields } from '../kit/http/call.ts'

/** How much of an answer waits in memory for whoever reads it. */
const BUFFER_BYTES = 65_536

/** One request as it is sent. */
export interface Sending extends Pick<Call, 'method' | 'body' | 'upgrade' | 'signal'> {
  readonly path: string
  readonly headers: HeaderFields
  /** Until the head of the answer has come. */
  readonly headersTimeout: number
  /** Between one part of the body and the next, while somebody reads it. */
  readonly bodyTimeout: number
}

/** The head of an answer, and the rest as it comes. */
export interface Exchange {
  readonly status: number
  readonly headers: HeaderFields
  readonly body: Readable
  readonly trailers: () => HeaderFields
  /** Status 101: the connection, which is the body as well. */
  readonly socket?: Duplex
}

/**
 * Sends a request, and resolves when the head of its answer has come. Answers that are event streams may be silent for as
 * long as they like; the parts of all others come within `bodyTimeout`. Rejects with what undici throws and with the
 * reason of the signal; after the head it is the body that fails with them.
 */
export function exchange(pool: Pool, { path, method, ...sending }: Sending): Promise<Exchange> {
  const { body, upgrade, signal, headers, headersTimeout, bodyTimeout } = sending
  return new Promise((resolve, reject) => {
    const receiver = new Receiver({ signal, bodyTimeout, upgrade }, resolve, reject)
    pool.dispatch(
      {
        path,
        method,
        headers: headers as Record<string, string | string[]>, // none is undefined by now
        body: body ?? null,
        upgrade: upgrade ?? null,
        headersTimeout,
        bodyTimeout: 0,
      },
      receiver,
    )
  })
}

class Receiver implements Dispatcher.DispatchHandler {
  readonly #signal: AbortSignal
  readonly #timeoutMs: number
  readonly #upgrade: string | undefined
  readonly #resolve: (exchange: Exchange) => void
  readonly #reject: (cause: unknown) => void
  readonly #abort = (): void => this.#end(this.#signal.reason)
  #controller: Dispatcher.DispatchController | undefined
  #body: Readable | undefined
  #trailers: HeaderFields = {}
  #isBodyless = false
  #idle: NodeJS.Timeout | undefined

  constructor(
    { signal, bodyTimeout, upgrade }: Pick<Sending, 'signal' | 'bodyTimeout' | 'upgrade'>,
    resolve: (exchange: Exchange) => void,
    reject: (cause: unknown) => void,
  ) {
    this.#signal = signal
    this.#timeoutMs = bodyTimeout
    this.#upgrade = upgrade
    this.#resolve = resolve
    this.#reject = reject
    signal.addEventListener('abort', this.#abort)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#signal.aborted) this.#abort()
  }

  onRequestUpgrade(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: HeaderFields,
    socket: Duplex,
  ): void {
    if (String(headers['upgrade']).toLowerCase() !== this.#upgrade) {
      socket.destroy()
      this.#over()
      return this.#reject(new errors.SocketError('it changed to a protocol that was not asked for'))
    }
    // from here whoever holds it closes it, when what has been said over it has arrived
    this.#over()
    this.#body = socket
    this.#resolve({ status, headers, body: socket, trailers: () => this.#trailers, socket })
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: HeaderFields,
  ): void {
    if (status < 200) return // what comes before an answer
    if (status > 599) return controller.abort(new errors.SocketError(`status ${status} is none`))
    this.#isBodyless = status === 204 || status === 304
    const body = new Readable({
      highWaterMark: BUFFER_BYTES,
      read: () => {
        this.#idle?.refresh()
        controller.resume()
      },
      destroy: (cause, done) => {
        this.#over()
        if (!body.readableEnded) controller.abort(cause ?? new errors.RequestAbortedError())
        setImmediate(done, cause) // whoever waits for the head listens by then
      },
    })
    this.#body = body
    if (!isEventStream(headers['content-type']))
      this.#idle = setTimeout(() => {
        // what nobody reads cannot go on
        if (controller.paused) this.#idle?.refresh()
        else body.destroy(new errors.BodyTimeoutError())
      }, this.#timeoutMs)
    this.#resolve({ status, headers, body, trailers: () => this.#trailers })
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#idle?.refresh()
    if (this.#body?.push(chunk) === false) controller.pause()
  }

  onResponseEnd(_controller: Dispatcher.DispatchController, trailers: HeaderFields): void {
    this.#trailers = trailers
    this.#over()
    this.#body?.push(null)
  }

  onResponseError(_controller: Dispatcher.DispatchController, cause: Error): void {
    this.#over()
    // the length of what another answer has, in one that has no body (RFC 9110, 8.6), is no fault
    const isWhole = this.#isBodyless && cause instanceof errors.ResponseContentLengthMismatchError
    if (isWhole) this.#body?.push(null)
    else if (this.#body === undefined) this.#reject(cause)
    else this.#body.destroy(cause)
  }

  #end(cause: Error): void {
    if (this.#body === undefined) this.#controller?.abort(cause)
    else this.#body.destroy(cause)
  }

  #over(): void {
    clearTimeout(this.#idle)
    this.#signal.removeEventListener('abort', this.#abort)
  }
}
