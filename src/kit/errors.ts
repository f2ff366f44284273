/**
 * Answers that are not successes. A DomainError is an expected outcome with its facts as fields; every
 * other error is a fault of ours, masked for the caller and logged with its cause.
 */
export const errorCodes = [
  'VALIDATION',
  'NOT_FOUND',
  'CONFLICT',
  'WRONG_STATE',
  'FORBIDDEN',
  'STALE_LEASE',
  'QUOTA_REACHED',
  'UNAVAILABLE',
  'UNAUTHENTICATED',
  'BAD_CURSOR',
  'BAD_REQUEST',
  'TOO_COMPLEX',
  'TIMEOUT',
  'INTERNAL',
] as const
export type ErrorCode = (typeof errorCodes)[number]

export abstract class DomainError extends Error {
  abstract readonly code: ErrorCode
  /** Its status over plain HTTP, where that is not the one of its code (http/statuses.ts). */
  declare readonly status?: number
  /** After how many seconds the caller may try again, where waiting helps. */
  declare readonly retryAfterSeconds?: number | undefined
}

/** One thing wrong with an input. */
export interface Issue {
  readonly path: readonly string[]
  readonly message: string
  readonly rule?: string | undefined
}

/** The input is wrong; every violation is listed. */
export class ValidationError extends DomainError {
  readonly code = 'VALIDATION'
  readonly issues: readonly Issue[]
  constructor(issues: readonly Issue[]) {
    super(issues.map(({ path, message }) => `${path.join('.') || 'input'}: ${message}`).join('; '))
    this.issues = issues
  }
}

/** No such object in the caller's organizations. */
export class NotFound extends DomainError {
  readonly code = 'NOT_FOUND'
  /** What was asked for, as it was written. */
  readonly requestedId: string
  constructor(noun: string, requestedId: string) {
    super(`There is no ${noun} ${JSON.stringify(requestedId)}.`)
    this.requestedId = requestedId
  }
}

/** Something else has that name. */
export class Conflict extends DomainError {
  readonly code = 'CONFLICT'
  readonly field: string
  /** TypeID of the object in the way, where the caller may see it. */
  readonly existingId: string | undefined
  constructor(field: string, message: string, existingId?: string) {
    super(message)
    this.field = field
    this.existingId = existingId
  }
}

/** The object's state does not allow this. */
export class WrongState extends DomainError {
  readonly code = 'WRONG_STATE'
  readonly state: string
  readonly allowed: readonly string[]
  constructor(message: string, state: string, allowed: readonly string[]) {
    super(message)
    this.state = state
    this.allowed = allowed
  }
}

/** The lease is no longer held; nothing was changed. */
export class StaleLease extends DomainError {
  readonly code = 'STALE_LEASE'
  /** The newest attempt. */
  readonly attempt: number
  constructor(attempt: number) {
    super(`The lease is no longer held; the newest attempt is number ${attempt}.`)
    this.attempt = attempt
  }
}

export type RoleName = 'WORKER' | 'VIEWER' | 'DEVELOPER' | 'ADMIN'

/** The caller's role does not allow this. */
export class Forbidden extends DomainError {
  readonly code = 'FORBIDDEN'
  readonly needed: RoleName
  constructor(needed: RoleName, message = `This needs the role ${needed}.`) {
    super(message)
    this.needed = needed
  }
}

/** A limit of the organization is reached. */
export class QuotaReached extends DomainError {
  readonly code = 'QUOTA_REACHED'
  readonly limit: number
  declare readonly status?: number
  override readonly retryAfterSeconds: number | undefined
  constructor(message: string, limit: number, retryAfterSeconds?: number) {
    super(message)
    this.limit = limit
    this.retryAfterSeconds = retryAfterSeconds
    // what waiting helps against is a rate, what it does not is a size
    if (retryAfterSeconds === undefined) this.status = 413
  }
}

/** Why something cannot be done now. */
export type UnavailableReason =
  | 'SERVER_STOPPING'
  | 'TOO_MANY_SIGN_INS'
  | 'TOO_MANY_CHECKS'
  | 'NO_WALLS'
  | 'NO_INSTANCE'
  | 'NO_ANSWER'
  | 'NO_JSON'

/** Something this needs cannot be had now. */
export class Unavailable extends DomainError {
  readonly code = 'UNAVAILABLE'
  readonly reason: UnavailableReason
  override readonly retryAfterSeconds: number | undefined
  constructor(reason: UnavailableReason, message: string, retryAfterSeconds?: number) {
    super(message)
    this.reason = reason
    this.retryAfterSeconds = retryAfterSeconds
  }
}

/** How long whoever meets an outage is asked to wait before the next try. */
const OUTAGE_SECONDS = 2

/**
 * The database, the storage or the disk is away, so that nothing can be done now; whoever tries again goes on. It is no
 * DomainError: what was under way may have been done all the same.
 */
export class Outage extends Error {
  /** TIMEOUT where the database is there and took too long. */
  readonly code: Extract<ErrorCode, 'UNAVAILABLE' | 'TIMEOUT'>
  readonly missing: 'database' | 'storage' | 'disk'
  readonly retryAfterSeconds = OUTAGE_SECONDS
  constructor(missing: Outage['missing'], cause: unknown, code: Outage['code'] = 'UNAVAILABLE') {
    const what = code === 'TIMEOUT' ? 'took too long' : 'cannot be used at this moment'
    super(`The ${missing} of this server ${what}.`, { cause })
    this.code = code
    this.missing = missing
  }

  /** What the caller of a request is told, under whose id it is in the log. */
  told(requestId: string): string {
    return `${this.message} Try again (request ${requestId}).`
  }
}

/** What the system says when a disk is full, broken or read-only, or when no more files can be opened. */
const DISK = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EMFILE', 'ENFILE', 'ESTALE'])

/** The code of an Outage, which Prisma gives the error it makes of one, and its own for a connection waited for in vain. */
const DATABASE = new Set(['UNAVAILABLE', 'TIMEOUT', 'P2028'])

/** The outage that an error tells of; undefined for any other. */
export function outageIn(error: unknown): Outage | undefined {
  if (error instanceof Outage) return error
  if (!(error instanceof Error) || error instanceof DomainError || !('code' in error))
    return undefined
  const code = String(error.code)
  if (DATABASE.has(code))
    return new Outage('database', error, code === 'TIMEOUT' ? code : 'UNAVAILABLE')
  return DISK.has(code) ? new Outage('disk', error) : undefined
}

/** There is no credential, or it is not known. */
export class Unauthenticated extends DomainError {
  readonly code = 'UNAUTHENTICATED'
}

/** An argument that takes a cursor. */
export type CursorArgument = 'after' | 'before'

/** The cursor is not one of ours, or belongs to another stream. */
export class BadCursor extends DomainError {
  readonly code = 'BAD_CURSOR'
  /** `of`: what it should be a cursor of, and whatever else is to be said. */
  constructor(argument: CursorArgument, cursor: string, of: string) {
    super(`\`${argument}\`: ${JSON.stringify(cursor.slice(0, 80))} is not a cursor ${of}.`)
  }
}

/** The request itself is malformed. */
export class BadRequest extends DomainError {
  readonly code = 'BAD_REQUEST'
}

/** It asks for more than one request may. */
export class TooComplex extends DomainError {
  readonly code = 'TOO_COMPLEX'
}

/** One of the objects that a name may mean: its TypeID, and the handle of its organization. */
export interface Choice {
  readonly id: string
  readonly organization: string
}

/** The name means an object in each of several organizations of the caller. */
export class Ambiguous extends BadRequest {
  /** The name, as it was written. */
  readonly text: string
  /** The word for what it names. */
  readonly noun: string
  readonly choices: readonly Choice[]
  constructor(noun: string, text: string, choices: readonly Choice[]) {
    const all = choices.map(({ id, organization }) => `${id} (${organization})`).join(', ')
    super(
      `${JSON.stringify(text)} is a ${noun} in several of your organizations: give its id, or say which organization is meant: ${all}.`,
    )
    this.text = text
    this.noun = noun
    this.choices = choices
  }
}

/** It took longer than its limit. */
export class TimedOut extends DomainError {
  readonly code = 'TIMEOUT'
}

/** What was called broke off instead of answering. */
export class BadGateway extends DomainError {
  readonly code = 'UNAVAILABLE'
  override readonly status = 502
}
