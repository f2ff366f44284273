import { GraphQLError, type GraphQLErrorExtensions } from 'graphql'
import { Ambiguous, DomainError, QuotaReached } from '../kit/errors.ts'
import type { Logger } from '../kit/logger.ts'

/**
 * What a caller is told of an error, for which `log` is the request's: a DomainError with its code; a fault of ours as INTERNAL with the id of the
 * request, under which it is in our log with its cause; whatever GraphQL itself found wrong as it is.
 */
export function maskError(error: unknown, requestId: string, log: Logger): GraphQLError {
  const graphql = error instanceof GraphQLError ? error : undefined
  const cause = graphql === undefined ? error : graphql.originalError
  if (graphql !== undefined && cause === undefined) return withCode(graphql)
  // one that names no part of the request came of a value of ours, which its type does not take
  const isCallers = cause instanceof GraphQLError && (!graphql?.path || cause.nodes !== undefined)
  if (isCallers) return withCode(graphql ?? cause)
  const where = { nodes: graphql?.nodes, path: graphql?.path }
  if (cause instanceof DomainError)
    return new GraphQLError(cause.message, { ...where, extensions: factsOf(cause) })
  log.error({ err: cause, path: graphql?.path }, 'a request failed')
  return new GraphQLError(`Something went wrong on the server (request ${requestId}).`, {
    ...where,
    extensions: { code: 'INTERNAL', requestId },
  })
}

/** Errors of GraphQL itself (syntax, validation, variables) are the caller's. */
export function withCode(error: GraphQLError): GraphQLError {
  error.extensions.code ??= 'BAD_REQUEST'
  return error
}

function factsOf(error: DomainError): GraphQLErrorExtensions {
  const wait = error instanceof QuotaReached ? error.retryAfterSeconds : undefined
  return {
    code: error.code,
    ...(wait === undefined ? {} : { retryAfterSeconds: wait }),
    ...(error instanceof Ambiguous ? { choices: error.choices } : {}),
  }
}
