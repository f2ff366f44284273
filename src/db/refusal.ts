import { DatabaseError } from 'pg'

/**
 * Whether the database has refused a statement, for whatever reason, which then has done nothing. Of one whose
 * connection was lost nobody knows.
 */
export const isRefusal = (cause: unknown): boolean =>
  cause instanceof DatabaseError && cause.severity === 'ERROR'
