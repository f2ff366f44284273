import { DomainError, type ErrorCode, type Outage } from '../errors.ts'

/** The status of plain HTTP for each error; a front may have another, and so may an error itself. */
export const statuses: Readonly<Record<ErrorCode, number>> = {
  VALIDATION: 400,
  BAD_CURSOR: 400,
  BAD_REQUEST: 400,
  TOO_COMPLEX: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  CONFLICT: 409,
  WRONG_STATE: 409,
  STALE_LEASE: 409,
  QUOTA_REACHED: 429,
  INTERNAL: 500,
  UNAVAILABLE: 503,
  TIMEOUT: 504,
}

export const statusOf = (error: DomainError | Outage): number =>
  (error instanceof DomainError ? error.status : undefined) ?? statuses[error.code]
