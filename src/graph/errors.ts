import { builder } from '../builder.ts'
import {
  Conflict,
  DomainError,
  Forbidden,
  NotFound,
  QuotaReached,
  StaleLease,
  Unauthenticated,
  Unavailable,
  ValidationError,
  WrongState,
  type ErrorCode,
  type UnavailableReason,
} from '../kit/errors.ts'
import { Role } from '../generated/prisma/enums.ts'
import { findNode, NodeInterface } from './node.ts'

declare module 'graphql' {
  /** Of errors of ours: their code is one of the list. */
  interface GraphQLErrorExtensions {
    code?: ErrorCode
  }
}

const ErrorCodeType = builder.enumType('ErrorCode', {
  description:
    'Codes of error types and, from UNAUTHENTICATED on, of top-level errors (extensions.code), where FORBIDDEN and NOT_FOUND occur too.',
  values: {
    VALIDATION: { description: 'The input is wrong.' },
    NOT_FOUND: { description: "No such object in the caller's organizations." },
    CONFLICT: {
      description:
        'Something else has that name, or the idempotency key was used for something else.',
    },
    WRONG_STATE: { description: "The object's state does not allow this." },
    FORBIDDEN: { description: "The caller's role does not allow this." },
    STALE_LEASE: { description: 'The lease is no longer held.' },
    QUOTA_REACHED: {
      description: 'A limit is reached. Where waiting helps, `retryAfterSeconds` says how long.',
    },
    UNAVAILABLE: {
      description:
        'Something this needs cannot be had now. Of the database or the storage of the server itself it is an error of the whole operation, 503 over HTTP, with the request id that is in the log. `retryAfterSeconds` says when to try again.',
    },
    UNAUTHENTICATED: { description: 'There is no credential, or it is not known.' },
    BAD_CURSOR: { description: 'The cursor is not one of this stream or list.' },
    BAD_REQUEST: { description: 'The request is malformed.' },
    TOO_COMPLEX: {
      description:
        'The request asks for more than one request may: too many objects (see `extensions.cost`), too deep, too many aliases, fields or tokens.',
    },
    TIMEOUT: {
      description:
        'It took longer than one operation may; what a mutation had begun may still be done.',
    },
    INTERNAL: { description: 'A fault of the server; the request id is in its log.' },
  } satisfies Record<ErrorCode, { description: string }>,
})

export const RoleType = builder.enumType('Role', {
  description: 'Roles, weakest first; WORKER may only claim, report and log.',
  values: {
    [Role.WORKER]: { description: 'May claim jobs, report on them and write their logs.' },
    [Role.VIEWER]: { description: 'May read everything but secrets, and call services.' },
    [Role.DEVELOPER]: { description: 'May change everything but access.' },
    [Role.ADMIN]: { description: 'May do everything in the organization.' },
  } as const,
})

const ErrorInterface = builder.interfaceRef<DomainError>('UserError').implement({
  description: 'An expected failure, answered as data.',
  fields: (t) => ({
    message: t.exposeString('message', { description: 'One sentence for people.' }),
    code: t.field({
      type: ErrorCodeType,
      description: 'What kind of failure, for programs.',
      resolve: ({ code }) => code,
    }),
  }),
})

export const IssueType = builder
  .objectRef<{ path: readonly string[]; message: string; rule?: string | undefined }>('Issue')
  .implement({
    description: 'One thing wrong with an input.',
    fields: (t) => ({
      path: t.stringList({
        description: 'Path in the input, list positions as numbers in text.',
        resolve: ({ path }) => [...path],
      }),
      message: t.exposeString('message', { description: 'What is wrong, in words.' }),
      rule: t.string({
        nullable: true,
        description: 'JSON Schema keyword or rule that failed.',
        resolve: ({ rule }) => rule ?? null,
      }),
    }),
  })

builder.objectType(ValidationError, {
  name: 'ValidationError',
  description: 'The input is wrong; every violation is listed.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    issues: t.field({
      type: [IssueType],
      description: 'Everything that is wrong.',
      resolve: ({ issues }) => [...issues],
    }),
  }),
})

builder.objectType(NotFound, {
  name: 'NotFound',
  description: "No such object in the caller's organizations.",
  interfaces: [ErrorInterface],
  fields: (t) => ({
    requestedId: t.exposeID('requestedId', {
      description: 'ID, handle, address or code that was asked for, as it was written.',
    }),
  }),
})

builder.objectType(Conflict, {
  name: 'Conflict',
  description:
    'Something else has that name, or the idempotency key (`field` is then `idempotencyKey`) was used with another input.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    field: t.exposeString('field', { description: 'The field of the input that collides.' }),
    existing: t.field({
      type: NodeInterface,
      nullable: true,
      description: 'The object in the way, where the caller may see it.',
      resolve: ({ existingId }, _args, ctx) =>
        existingId === undefined ? null : findNode(ctx, existingId),
    }),
  }),
})

builder.objectType(WrongState, {
  name: 'WrongState',
  description: "The object's state does not allow this.",
  interfaces: [ErrorInterface],
  fields: (t) => ({
    state: t.exposeString('state', {
      description:
        'State of the object: a value of its `status`, or IN_USE or BUILT_IN where something else stands in the way. A text, not an enum, because types have different states.',
    }),
    allowed: t.stringList({
      description: 'States in which the mutation would be allowed.',
      resolve: ({ allowed }) => [...allowed],
    }),
  }),
})

builder.objectType(Forbidden, {
  name: 'Forbidden',
  description: "The caller's role does not allow this.",
  interfaces: [ErrorInterface],
  fields: (t) => ({
    needed: t.field({
      type: RoleType,
      description: 'The role that would be needed.',
      resolve: ({ needed }) => needed,
    }),
  }),
})

builder.objectType(StaleLease, {
  name: 'StaleLease',
  description: 'The lease is no longer held; nothing was changed.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    attempt: t.exposeInt('attempt', { description: 'Number of the newest attempt.' }),
  }),
})

builder.objectType(QuotaReached, {
  name: 'QuotaReached',
  description: 'A limit of the organization is reached.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    limit: t.field({ type: 'SafeInt', description: 'The limit.', resolve: ({ limit }) => limit }),
    retryAfterSeconds: t.int({
      nullable: true,
      description: 'When to try again, in seconds; null when waiting does not help.',
      resolve: ({ retryAfterSeconds }) => retryAfterSeconds ?? null,
    }),
  }),
})

const UnavailableReasonType = builder.enumType('UnavailableReason', {
  description: 'Reasons why something cannot be done now.',
  values: {
    SERVER_STOPPING: { description: 'The server that was asked is stopping; ask another one.' },
    TOO_MANY_SIGN_INS: { description: 'Too many passwords wait to be checked or set.' },
    TOO_MANY_CHECKS: { description: 'Too many checks against JSON Schemas wait.' },
    NO_WALLS: {
      description:
        'The server runs processes of this organization only where services are walled off from each other, see `RuntimeInfo.isWalled`.',
    },
    NO_INSTANCE: {
      description: 'No instance of the service is ready, or too many requests wait for one.',
    },
    NO_ANSWER: {
      description: 'The service broke off its answer, or did not answer in time.',
    },
    NO_JSON: {
      description:
        'The service answered with something that is not JSON, is too large or is nested too deep. Its `invokeUrl` returns it.',
    },
  } satisfies Record<UnavailableReason, { description: string }>,
})

builder.objectType(Unavailable, {
  name: 'Unavailable',
  description: 'Something this needs cannot be had now.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    reason: t.field({
      type: UnavailableReasonType,
      description: 'Why it cannot be done now, for programs.',
      resolve: ({ reason }) => reason,
    }),
    retryAfterSeconds: t.int({
      nullable: true,
      description: 'When to try again, in seconds; null when that is not known.',
      resolve: ({ retryAfterSeconds }) => retryAfterSeconds ?? null,
    }),
  }),
})

builder.objectType(Unauthenticated, {
  name: 'Unauthenticated',
  description: 'The e-mail or the password is wrong.',
  interfaces: [ErrorInterface],
})
