import type { GraphQLFormattedError } from 'graphql'
import { statuses, statusOf } from '../kit/http/statuses.ts'
import {
  DomainError,
  Outage,
  outageIn,
  QuotaReached,
  Unavailable,
  ValidationError,
  type ErrorCode,
  type Issue,
} from '../kit/errors.ts'

/** Why a request gets no success: an error of the schema or of a door, before a front puts it into its words. */
export class Problem extends Error {
  readonly code: ErrorCode
  /** The status of plain HTTP for it; a front may have another. */
  readonly status: number
  readonly issues: readonly Issue[]
  readonly retryAfterSeconds: number | undefined
  /** Of a method that a path does not have: those it has. */
  readonly allowed: readonly string[]

  constructor(
    code: ErrorCode,
    message: string,
    more: {
      status?: number
      issues?: readonly Issue[] | undefined
      retryAfterSeconds?: number | undefined
      allowed?: readonly string[]
      cause?: unknown
    } = {},
  ) {
    super(message, { cause: more.cause })
    this.code = code
    this.status = more.status ?? statuses[code]
    this.issues = more.issues ?? []
    this.retryAfterSeconds = more.retryAfterSeconds
    this.allowed = more.allowed ?? []
  }
}

/** Something is wrong with the request itself: each field with what is wrong about it. */
export const wrong = (field: string, message: string): Problem =>
  new Problem('BAD_REQUEST', `${field}: ${message}`, { issues: [{ path: [field], message }] })

/** What was asked for is not there. */
export const absent = (message: string): Problem => new Problem('NOT_FOUND', message)

/**
 * An error as a problem; whatever is none of ours is a fault, and told of by the id under which it is logged. What it
 * has as a cause is to be logged.
 */
export function problemOf(thrown: unknown, requestId: string): Problem {
  if (thrown instanceof Problem) return thrown
  const error = outageIn(thrown) ?? thrown
  if (!(error instanceof DomainError || error instanceof Outage))
    return new Problem('INTERNAL', `Something went wrong on the server (request ${requestId}).`, {
      cause: error,
    })
  const isLimit =
    error instanceof QuotaReached || error instanceof Unavailable || error instanceof Outage
  const message = error instanceof Outage ? error.told(requestId) : error.message
  return new Problem(error.code, message, {
    status: statusOf(error),
    issues: error instanceof ValidationError ? error.issues : undefined,
    retryAfterSeconds: isLimit ? error.retryAfterSeconds : undefined,
    cause: error instanceof Outage ? error.cause : undefined,
  })
}

/** A top-level error of an operation; its code was put there by whoever masked it. */
export function problemIn({ message, extensions }: GraphQLFormattedError): Problem {
  const { code, retryAfterSeconds } = (extensions ?? {}) as {
    code?: ErrorCode
    retryAfterSeconds?: number
  }
  // a front has no arguments of GraphQL: its callers gave a token of its own
  const told = code === 'BAD_CURSOR' ? message.replace(/^`\w+`: /, '') : message
  return new Problem(code ?? 'INTERNAL', told, { retryAfterSeconds })
}

/** A member of a mutation's union that says why it was not done. */
interface Refused {
  readonly code: ErrorCode
  readonly message: string
  readonly issues?: readonly { readonly path: readonly string[]; readonly message: string }[]
}

/** What a mutation was to do. Throws a Problem when it was refused. */
export function done<Outcome extends object>(
  outcome: Outcome,
): Exclude<Outcome, { code: ErrorCode }> {
  if ('code' in outcome && 'message' in outcome) {
    const { code, message, issues } = outcome as unknown as Refused // the interface Error of the schema
    throw new Problem(code, message, { issues })
  }
  return outcome as Exclude<Outcome, { code: ErrorCode }> // what has no code is no error
}
