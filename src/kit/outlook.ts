import type { ErrorCode } from './errors.ts'

/** Whether doing it again helps: it does once an outage is over; it may; it does not. */
export type Outlook = 'passes' | 'may pass' | 'stays'

const outlooks = new Map(
  Object.entries({
    UNAVAILABLE: 'passes',
    TIMEOUT: 'passes',
    QUOTA_REACHED: 'may pass',
    TOO_COMPLEX: 'may pass',
    INTERNAL: 'may pass',
    VALIDATION: 'stays',
    NOT_FOUND: 'stays',
    CONFLICT: 'stays',
    WRONG_STATE: 'stays',
    FORBIDDEN: 'stays',
    STALE_LEASE: 'stays',
    UNAUTHENTICATED: 'stays',
    BAD_CURSOR: 'stays',
    BAD_REQUEST: 'stays',
  } satisfies Record<ErrorCode, Outlook>),
)

/** The outlook of an error by its code. Whatever has none is a fault. */
export const outlookOf = (code: unknown): Outlook => outlooks.get(String(code)) ?? 'may pass'
