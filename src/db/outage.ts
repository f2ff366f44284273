import { DatabaseError } from 'pg'
import { DomainError, Outage, outageIn } from '../kit/errors.ts'

/**
 * SQLSTATEs of a database that is not up to it: it cannot be reached (class 08), lacks memory, room or connections
 * (53), ends or cancels what is asked (57), has trouble with its files (58), or may only be read (25006), as one that
 * is no longer the primary. Of two transactions that stood in each other's way (40) the same may succeed as well.
 */
const AWAY = /^(?:08|40|53|57|58|25006)/

/** By us, or because a statement has run for as long as it may. */
export const QUERY_CANCELED = '57014'

const isMistake = (cause: unknown): boolean =>
  cause instanceof TypeError || cause instanceof RangeError || cause instanceof ReferenceError

/**
 * An error of `pg`, as it is thrown on: an Outage when the database could not be reached or was not up to it, so that
 * the same may succeed later; otherwise the error itself, because the statement is at fault.
 */
export function asThrown(cause: unknown): unknown {
  if (cause instanceof Outage || cause instanceof DomainError || isMistake(cause)) return cause
  if (!(cause instanceof DatabaseError)) return new Outage('database', cause)
  if (cause.code === QUERY_CANCELED) return new Outage('database', cause, 'TIMEOUT')
  return AWAY.test(cause.code ?? '') ? new Outage('database', cause) : cause
}

/** The database's own answer in an error, where it has given one. */
export const answerIn = (error: unknown): DatabaseError | undefined => {
  const cause = error instanceof Outage ? error.cause : error
  return cause instanceof DatabaseError ? cause : undefined
}

/** Whether something failed because of an outage, so that it may succeed later. */
export const isOutage = (cause: unknown): boolean => outageIn(cause) !== undefined
