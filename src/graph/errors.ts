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
    'Code of an error: `code` of the error types in results of mutations, and `extensions.code` of top-level errors. BAD_CURSOR, BAD_REQUEST, TOO_COMPLEX, TIMEOUT and INTERNAL occur in top-level errors only. CONFLICT, WRONG_STATE and STALE_LEASE occur in results of mutations only.',
  values: {
    VALIDATION: { description: 'The input is invalid.' },
    NOT_FOUND: { description: 'No such object exists in the organizations of the caller.' },
    CONFLICT: {
      description:
        'The input collides with another object, with a change by another caller, or with an earlier call that has the same idempotency key.',
    },
    WRONG_STATE: { description: 'The state of the object does not allow the operation.' },
    FORBIDDEN: {
      description:
        'The role of the caller does not allow the operation. Top-level errors also have this code when the server does not accept the document, or requests from that web page.',
    },
    STALE_LEASE: { description: 'The caller does not hold the lease any more.' },
    QUOTA_REACHED: {
      description:
        'A limit is reached. `retryAfterSeconds` has the time to wait, where waiting helps.',
    },
    UNAVAILABLE: {
      description:
        'Something the operation needs is not available at present. When it is the database or the storage of the server, the error concerns the whole operation: HTTP status 503, with the request ID that the server logs. `retryAfterSeconds` has the time to wait.',
    },
    UNAUTHENTICATED: {
      description:
        'The request has no credential, or an unknown one. In the result of `signIn`: the e-mail address or the password is wrong.',
    },
    BAD_CURSOR: { description: 'The cursor is not a cursor of this stream or list.' },
    BAD_REQUEST: { description: 'The request is malformed.' },
    TOO_COMPLEX: {
      description:
        'The request exceeds a limit of one request: cost (see `extensions.cost`), depth, or number of aliases, fields or tokens.',
    },
    TIMEOUT: {
      description:
        'The operation took longer than one operation may. Changes that a mutation started may still be completed.',
    },
    INTERNAL: { description: 'A fault of the server. The server logs it with the request ID.' },
  } satisfies Record<ErrorCode, { description: string }>,
})

export const RoleType = builder.enumType('Role', {
  description:
    'Role in an organization or of a token. Each role includes the rights of the roles before it, in the order WORKER, VIEWER, DEVELOPER, ADMIN.',
  values: {
    [Role.WORKER]: {
      description:
        'Claims jobs, reports on them and writes their logs. Reads only what this requires.',
    },
    [Role.VIEWER]: {
      description:
        'Reads everything but secrets, invitations and the list of tokens. Calls services.',
    },
    [Role.DEVELOPER]: {
      description:
        'Creates, updates and deletes everything but members, invitations and tokens. Reads secrets of environments.',
    },
    [Role.ADMIN]: {
      description: 'Manages members, invitations and tokens.',
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
    requestedId: t.exposeID('requestedId', {
      description: 'ID, handle, address or code that was asked for, as it was written.',
    }),
  }),
})

builder.objectType(Conflict, {
  name: 'Conflict',
  description:
    'The input collides with another object, with a change by another caller, or with an earlier call. `field` names the input field: for example `handle` when another object has that handle, `expectedRevision` when the object has another revision, and `idempotencyKey` when the key was used with another input.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    field: t.exposeString('field', { description: 'Input field whose value collides.' }),
    existing: t.field({
      type: NodeInterface,
      nullable: true,
      description:
        'The object in the way. Null where there is none, and where the caller may not see it.',
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
    state: t.exposeString('state', {
      description:
        'State of the object: a value of its `status`, IN_USE when other objects use it, or BUILT_IN when it is built in. A text, not an enum, because types have different states.',
    }),
    allowed: t.stringList({
      description: 'States in which the mutation would be allowed.',
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

const UnavailableReasonType = builder.enumType('UnavailableReason', {
  description: 'Reason why something is not available at present.',
  values: {
    SERVER_STOPPING: { description: 'The server is stopping. Use another server, or try again.' },
    TOO_MANY_SIGN_INS: { description: 'Too many passwords wait to be checked or set.' },
    TOO_MANY_CHECKS: { description: 'Too many validations against JSON Schemas wait.' },
    NO_WALLS: {
      description:
        'The server runs processes of this organization only where services are isolated from each other (see `RuntimeInfo.isWalled`).',
    },
    NO_INSTANCE: {
      description: 'No instance of the service is ready, or too many requests wait for one.',
    },
    NO_ANSWER: {
      description: 'The service interrupted its response, or did not respond in time.',
    },
    NO_JSON: {
      description:
        'The response of the service is not JSON, is too large or is nested too deep. Call its `invokeUrl` to read it.',
    },
  } satisfies Record<UnavailableReason, { description: string }>,
})

builder.objectType(Unavailable, {
  name: 'Unavailable',
  description: 'Something the operation needs is not available at present.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    reason: t.field({
      type: UnavailableReasonType,
      description: 'Reason, for programs.',
      resolve: ({ reason }) => reason,
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
