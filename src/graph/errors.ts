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
    'Code of an error. The codes from UNAUTHENTICATED on occur in top-level errors (`extensions.code`); FORBIDDEN, NOT_FOUND and UNAVAILABLE occur there and in results of mutations, the others in results of mutations.',
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
  description:
    'Role in an organization or of a token, from the one with the fewest rights to the one with the most.',
  values: {
    [Role.WORKER]: {
      description: 'Claims jobs, reports on them and writes their logs. Reads nothing else.',
    },
    [Role.VIEWER]: { description: 'Reads everything but secrets, and calls services.' },
    [Role.DEVELOPER]: {
      description:
        'Creates, updates and deletes everything but members and tokens. Has the rights of VIEWER and WORKER.',
    },
    [Role.ADMIN]: {
      description: 'Manages members, invitations and tokens. Has the rights of DEVELOPER.',
    },
  } as const,
})

const ErrorInterface = builder.interfaceRef<DomainError>('UserError').implement({
  description:
    'An expected failure, returned as data in the result of a mutation. Every error type implements it, so `... on UserError` matches error types that are added later too.',
  fields: (t) => ({
    message: t.exposeString('message', {
      description: 'Description of the failure in one sentence, for people.',
    }),
    code: t.field({
      type: ErrorCodeType,
      description: 'Kind of failure, for programs.',
      resolve: ({ code }) => code,
    }),
  }),
})

export const IssueType = builder
  .objectRef<{ path: readonly string[]; message: string; rule?: string | undefined }>('Issue')
  .implement({
    description: 'One violation of an input.',
    fields: (t) => ({
      path: t.stringList({
        description:
          'Path of the offending value in the input. List positions are decimal numbers, for example `["jobs", "3", "parameters", "a"]`.',
        resolve: ({ path }) => [...path],
      }),
      message: t.exposeString('message', {
        description: 'Description of the violation, for people.',
      }),
      rule: t.string({
        nullable: true,
        description:
          'Rule that the value violates, such as the JSON Schema keyword `maxLength`. Null where there is no named rule.',
        resolve: ({ rule }) => rule ?? null,
      }),
    }),
  })

builder.objectType(ValidationError, {
  name: 'ValidationError',
  description: 'The input is invalid. Lists every violation.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    issues: t.field({
      type: [IssueType],
      description: 'Every violation of the input.',
      resolve: ({ issues }) => [...issues],
    }),
  }),
})

builder.objectType(NotFound, {
  name: 'NotFound',
  description: 'No such object exists in the organizations of the caller.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    id: t.exposeID('id', { description: 'ID of the missing object, as the caller wrote it.' }),
  }),
})

builder.objectType(Conflict, {
  name: 'Conflict',
  description:
    'Another object has that name or address, or the idempotency key was used with another input (`field` is then `idempotencyKey`).',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    field: t.exposeString('field', { description: 'Input field whose value collides.' }),
    existing: t.field({
      type: NodeInterface,
      nullable: true,
      description: 'The object that has the value already. Null where the caller may not see it.',
      resolve: ({ existingId }, _args, ctx) =>
        existingId === undefined ? null : findNode(ctx, existingId),
    }),
  }),
})

builder.objectType(WrongState, {
  name: 'WrongState',
  description: 'The state of the object does not allow the operation.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    state: t.exposeString('state', { description: 'State the object is in.' }),
    allowed: t.stringList({
      description: 'States in which the operation is allowed.',
      resolve: ({ allowed }) => [...allowed],
    }),
  }),
})

builder.objectType(Forbidden, {
  name: 'Forbidden',
  description: 'The role of the caller does not allow the operation.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    needed: t.field({
      type: RoleType,
      description: 'Role that the operation requires.',
      resolve: ({ needed }) => needed,
    }),
  }),
})

builder.objectType(StaleLease, {
  name: 'StaleLease',
  description: 'The caller does not hold the lease of the job any more. Nothing was changed.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    attempt: t.exposeInt('attempt', { description: 'Number of the newest attempt of the job.' }),
  }),
})

builder.objectType(QuotaReached, {
  name: 'QuotaReached',
  description: 'A limit of the organization or of the server is reached.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    limit: t.field({
      type: 'SafeInt',
      description: 'The limit, in the unit of what it limits.',
      resolve: ({ limit }) => limit,
    }),
    retryAfterSeconds: t.int({
      nullable: true,
      description: 'Seconds to wait before the next try. Null when waiting does not help.',
      resolve: ({ retryAfterSeconds }) => retryAfterSeconds ?? null,
    }),
  }),
})

builder.objectType(Unavailable, {
  name: 'Unavailable',
  description: 'Something the operation needs is not available at present.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    missing: t.exposeString('missing', {
      description: 'Name of the thing that is not available, for people.',
    }),
    retryAfterSeconds: t.int({
      nullable: true,
      description: 'Seconds to wait before the next try. Null when that is not known.',
      resolve: ({ retryAfterSeconds }) => retryAfterSeconds ?? null,
    }),
  }),
})

builder.objectType(Unauthenticated, {
  name: 'Unauthenticated',
  description: 'The e-mail address or the password is wrong.',
  interfaces: [ErrorInterface],
})
