import { answerIn } from './outage.ts'

/**
 * Whether the database has refused a statement, for whatever reason, which then has done nothing. Of one whose
 * connection was lost nobody knows.
 */
export const isRefusal = (cause: unknown): boolean => answerIn(cause)?.severity === 'ERROR'
