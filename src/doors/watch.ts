import type { Platform } from '../context.ts'
import type { Call } from '../kit/http/call.ts'
import { BadGateway, DomainError, TimedOut, Unavailable } from '../kit/errors.ts'
import type { Span } from '../ports/tracing/tracing.ts'

export type CallOutcome =
  | 'ok'
  | 'error'
  | 'refused'
  | 'unavailable'
  | 'bad_gateway'
  | 'timeout'
  | 'aborted'

/** One call while it is under way: its span, and what is counted at its end. */
export class Watch {
  /** Answered by an instance of ours, sent on to another server, or received from one. */
  via: 'local' | 'sent' | 'received'
  readonly #metrics: Platform['metrics']
  readonly #span: Span
  readonly #requestId: string | undefined
  readonly #began = performance.now()

  constructor(
    { metrics, tracing }: Platform,
    via: 'local' | 'received',
    { method }: Call,
    requestId: string | undefined,
  ) {
    this.via = via
    this.#metrics = metrics
    this.#requestId = requestId
    this.#span = tracing.child(`${method} service`, 'client', { 'http.request.method': method })
  }

  /** By which whoever is called finds the request in its own log and trace. */
  headers(serviceId: string): Record<string, string> {
    this.#span.set({ 'millrace.service.id': serviceId, 'millrace.via': this.via })
    return {
      ...(this.#requestId === undefined ? {} : { 'x-request-id': this.#requestId }),
      ...this.#span.headers(),
    }
  }

  end(outcome: CallOutcome, status?: number): void {
    const { via } = this
    this.#metrics.count('millrace_invocations_total', 1, { via, outcome })
    const seconds = (performance.now() - this.#began) / 1000
    this.#metrics.observe('millrace_invocation_duration_seconds', seconds, { via })
    if (status !== undefined) this.#span.set({ 'http.response.status_code': status })
    if (outcome !== 'ok') this.#span.fail(outcome)
    this.#span.end()
  }
}

/** What became of a call that has no answer. */
export function outcomeOf(cause: unknown): CallOutcome {
  if (cause instanceof BadGateway) return 'bad_gateway'
  if (cause instanceof TimedOut) return 'timeout'
  if (cause instanceof Unavailable) return 'unavailable'
  return cause instanceof DomainError ? 'refused' : 'error'
}
