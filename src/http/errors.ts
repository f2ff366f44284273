import type { ServerResponse } from 'node:http'
import {
  Ambiguous,
  BadGateway,
  BadRequest,
  Conflict,
  DomainError,
  Forbidden,
  NotFound,
  Outage,
  outageIn,
  QuotaReached,
  TimedOut,
  Unauthenticated,
  Unavailable,
  WrongState,
} from '../kit/errors.ts'
import { BodyTooSlow } from '../kit/http/body.ts'
import { NotAcceptable } from './accept.ts'
import { UrlTooLong } from './request.ts'
import { UnsupportedMedia } from './sent.ts'

/** How a door answers an error over plain HTTP. */
export interface HttpError {
  readonly status: number
  readonly headers: Record<string, string>
  readonly body: { error: string; error_description: string; error_detail?: object }
}

/**
 * Errors in the form that callers of services know (contract abeja 2.2 and 6). Whatever is no DomainError is a fault
 * of ours: the caller gets the id under which it is in our log.
 */
export function httpError(thrown: unknown, requestId: string): HttpError {
  const error = outageIn(thrown) ?? thrown
  if (!(error instanceof DomainError || error instanceof Outage)) {
    const error_description = `Something went wrong on the server (request ${requestId}).`
    return { status: 500, headers: {}, body: { error: 'internal_server_error', error_description } }
  }
  const [status, name] = statusOf(error)
  const wait =
    error instanceof Outage || error instanceof Unavailable || error instanceof QuotaReached
      ? error.retryAfterSeconds
      : undefined
  return {
    status,
    headers: wait === undefined ? {} : { 'retry-after': String(wait) },
    body: {
      error: name,
      error_description: error instanceof Outage ? error.told(requestId) : error.message,
      ...(error instanceof Ambiguous ? { error_detail: { choices: error.choices } } : {}),
    },
  }
}

/** What work fails with whose caller has hung up. */
const GONE = new Set(['ERR_STREAM_PREMATURE_CLOSE', 'ABORT_ERR', 'UND_ERR_ABORTED'])

/**
 * What Fastify itself finds wrong with a request (a content type that is none, a method that wants one) is the
 * caller's, and so is an answer that cannot be begun because the caller has gone; any other error is handed back as
 * it is.
 */
export function asAnswer(error: unknown, answer: ServerResponse): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error
  if (GONE.has(String(error.code)) && answer.destroyed)
    return new BadRequest('The caller was gone before the answer began.')
  if (!('statusCode' in error)) return error
  const isRefusal = String(error.code).startsWith('FST_') && Number(error.statusCode) < 500
  return isRefusal ? new BadRequest(`The request is malformed: ${error.message}`) : error
}

function statusOf(error: DomainError | Outage): [number, string] {
  if (error instanceof NotFound) return [404, 'not_found']
  // a stopped service is documented as 404, which old clients do not retry
  if (error instanceof WrongState)
    return error.state === 'IN_USE' ? [409, 'conflict'] : [404, 'not_found']
  if (error instanceof Conflict) return [409, 'conflict']
  if (error instanceof Unauthenticated) return [401, 'unauthorized']
  if (error instanceof Forbidden) return [403, 'forbidden']
  if (error instanceof Outage && error.code === 'TIMEOUT') return [504, 'gateway_timeout']
  if (error instanceof Outage || error instanceof Unavailable) return [503, 'service_unavailable']
  if (error instanceof BadGateway) return [502, 'bad_gateway']
  if (error instanceof TimedOut) return [504, 'gateway_timeout']
  // what waiting helps against is a rate, what it does not is a size
  if (error instanceof QuotaReached)
    return error.retryAfterSeconds === undefined ? [413, 'too_large'] : [429, 'too_many_requests']
  if (error instanceof BodyTooSlow) return [408, 'request_timeout']
  if (error instanceof UnsupportedMedia) return [415, 'unsupported_media_type']
  if (error instanceof NotAcceptable) return [406, 'not_acceptable']
  if (error instanceof UrlTooLong) return [414, 'uri_too_long']
  return [400, 'bad_request']
}
