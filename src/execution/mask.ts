import { GraphQLError, type GraphQLErrorExtensions } from 'graphql'
import { Ambiguous, DomainError, outageIn, QuotaReached, Unavailable } from '../kit/errors.ts'
import type { Logger } from '../kit/logger.ts'

/**
 * What a caller is told of an error, for which `log` is the request's: a DomainError with its code; an outage as
 * UNAVAILABLE, and a fault of ours as INTERNAL, both with the id of the request, under which they are in our log with
 * their cause; whatever GraphQL itself found wrong as it is.
 */
export function maskError(error: unknown, requestId: string, log: Logger): GraphQLError {
  const graphql = error instanceof GraphQLError ? error : undefined
  const cause = graphql === undefined ? error : graphql.originalError
  if (graphql !== undefined && cause === undefined) return withCode(graphql)
  // one that names no part of the request came of a value of ours, which its type does not take
  const isCallers = cause instanceof GraphQLError && (!graphql?.path || cause.nodes !== undefined)
  if (isCallers) return withCode(graphql ?? cause)
  const where = { nodes: graphql?.nodes, path: graphql?.path }
  const outage = outageIn(cause)
  if (outage !== undefined) {
    log.warn({ err: cause, path: graphql?.path }, 'a request met an outage')
    const { code, retryAfterSeconds } = outage
    return new GraphQLError(outage.told(requestId), {
      ...where,
      extensions: { code, requestId, retryAfterSeconds },
    })
  }
  if (cause instanceof DomainError)
    return new GraphQLError(cause.message, { ...where, extensions: factsOf(cause) })
  log.error({ err: cause, path: graphql?.path }, 'a request failed')
  return new GraphQLError(`Something went wrong on the server (request ${requestId}).`, {
    ...where,
    extensions: { code: 'INTERNAL', requestId },
  })
}

/** Has an answer over HTTP that holds nothing for an outage say so: 503, and when to try again. */
export function tellOutage({ extensions }: GraphQLError): void {
  const { code, requestId, retryAfterSeconds } = extensions
  if (code !== 'UNAVAILABLE' || requestId === undefined) return
  const headers = { 'retry-after': String(retryAfterSeconds) }
  extensions['http'] = { status: 503, headers }
}

/** The same error in other words. */
export const reworded = (
  { nodes, source, positions, path, extensions }: GraphQLError,
  message: string,
): GraphQLError => new GraphQLError(message, { nodes, source, positions, path, extensions })

/** Errors of GraphQL itself (syntax, validation, variables) are the caller's. */
export function withCode(error: GraphQLError): GraphQLError {
  error.extensions.code ??= 'BAD_REQUEST'
  return error
}

function factsOf(error: DomainError): GraphQLErrorExtensions {
  const isPassing = error instanceof QuotaReached || error instanceof Unavailable
  const wait = isPassing ? error.retryAfterSeconds : undefined
  return {
    code: error.code,
    ...(wait === undefined ? {} : { retryAfterSeconds: wait }),
    ...(error instanceof Ambiguous ? { choices: error.choices } : {}),
  }
}
