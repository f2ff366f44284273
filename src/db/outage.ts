import { DatabaseError } from 'pg'

const isMistake = (cause: unknown): boolean =>
  cause instanceof TypeError || cause instanceof RangeError || cause instanceof ReferenceError

/**
 * Whether a statement failed because the database could not be reached or was not up to it (SQLSTATE classes 08, 40,
 * 53, 57, 58), so that the same may succeed later; otherwise the statement itself is at fault.
 */
export const isOutage = (cause: unknown): boolean =>
  cause instanceof DatabaseError ? /^(08|40|53|57|58)/.test(cause.code ?? '') : !isMistake(cause)
