import { STATUS_CODES, type ServerResponse } from 'node:http'
import type { FastifyReply } from 'fastify'
import {
  Ambiguous,
  BadRequest,
  DomainError,
  Outage,
  outageIn,
  ValidationError,
  type Choice,
  type ErrorCode,
  type Issue,
} from '../kit/errors.ts'
import { statuses, statusOf } from '../kit/http/statuses.ts'

/** Problem details (RFC 9457), which say no more by their type than by their code. */
interface ProblemDetails {
  readonly type: 'about:blank'
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: ErrorCode
  /** Of a fault or an outage, under which it is in our log. */
  readonly requestId?: string
  readonly issues?: readonly Issue[]
  readonly choices?: readonly Choice[]
}

/** How our own doors answer an error over plain HTTP. */
interface HttpError {
  readonly status: number
  readonly headers: Record<string, string>
  readonly body: ProblemDetails
}

/** Whatever is neither a DomainError nor an outage is a fault of ours, which the caller learns no more of than its id. */
export function httpError(thrown: unknown, requestId: string): HttpError {
  const error = outageIn(thrown) ?? thrown
  if (!(error instanceof DomainError || error instanceof Outage)) {
    const detail = `Something went wrong on the server (request ${requestId}).`
    return told(statuses.INTERNAL, 'INTERNAL', detail, { requestId })
  }
  const detail = error instanceof Outage ? error.told(requestId) : error.message
  const answer = told(statusOf(error), error.code, detail, {
    ...(error instanceof Outage ? { requestId } : {}),
    ...(error instanceof ValidationError ? { issues: error.issues } : {}),
    ...(error instanceof Ambiguous ? { choices: error.choices } : {}),
  })
  const wait = error.retryAfterSeconds
  if (wait !== undefined) answer.headers['retry-after'] = String(wait)
  return answer
}

const told = (
  status: number,
  code: ErrorCode,
  detail: string,
  more: Pick<ProblemDetails, 'requestId' | 'issues' | 'choices'>,
): HttpError => ({
  status,
  headers: {},
  body: { type: 'about:blank', title: STATUS_CODES[status] ?? '', status, detail, code, ...more },
})

/** Answers an error at a door of our own. */
export function sendError(reply: FastifyReply, error: unknown): FastifyReply {
  const { status, headers, body } = httpError(error, reply.request.id)
  return reply
    .code(status)
    .headers({ 'content-type': 'application/problem+json', ...headers })
    .send(JSON.stringify(body))
}

/** No door is there. */
export class NothingThere extends DomainError {
  readonly code = 'NOT_FOUND'
  constructor(what: string) {
    super(`There is nothing at ${what}. The API is at /graphql.`)
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
  const isGone = GONE.has(String(error.code)) || error.name === 'AbortError'
  if (isGone && answer.destroyed)
    return new BadRequest('The caller was gone before the answer began.')
  if (!('statusCode' in error)) return error
  const isRefusal = String(error.code).startsWith('FST_') && Number(error.statusCode) < 500
  return isRefusal ? new BadRequest(`The request is malformed: ${error.message}`) : error
}
