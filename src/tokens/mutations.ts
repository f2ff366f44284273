import { z } from 'zod'
import { Secret } from '../auth/secrets.ts'
import { RoleType } from '../graph/errors.ts'
import { mutation } from '../graph/mutation.ts'
import { QuotaReached, Unauthenticated, Unavailable } from '../kit/errors.ts'
import { isStorable, nameRule } from '../kit/names.ts'
import { changedToken, createToken, revokeToken } from './actions.ts'
import { signIn } from './sign-in.ts'
import { TokenType } from './types.ts'

mutation('signIn', {
  description:
    'Signs a person in and returns a token of that person, which expires after the time in the setting SIGN_IN_SECONDS. Requires no credential. With an idempotency key, the same e-mail address and password return the same secret again for 24 hours. The server keeps the 100 newest sign-ins of a person.',
  input: (t) => ({
    email: t.string({ required: true, description: 'E-mail address of the person.' }),
    password: t.string({ required: true, description: 'Password of the person.' }),
    organizationId: t.id({
      description:
        'Organization to which the token is confined: ID, handle or address. Default: all organizations that the password is valid for. Required when several accounts have this e-mail address and password.',
    }),
    cookie: t.boolean({
      defaultValue: false,
      description:
        'Whether to set an HttpOnly cookie as well, for browsers and EventSource. Only over HTTP, and only from pages of this server.',
    }),
  }),
  check: z.object({
    email: z
      .string()
      .max(254, 'At most 254 characters.')
      .refine(isStorable, 'This is no e-mail address.'),
    password: z.string().max(1_000, 'At most 1,000 characters.'),
  }),
  isPublic: true,
  errors: [Unauthenticated, QuotaReached, Unavailable],
  resolve: (ctx, input, onceAs) => signIn(ctx, input, onceAs),
  again: 'repeat',
  success: (t) => ({
    token: t.field({
      type: TokenType,
      description: 'The new token.',
      resolve: ({ token }) => token,
    }),
    secret: t.string({
      description:
        'The secret of the token, to be sent as `authorization: Bearer …`. Returned once; with an idempotency key, again for 24 hours.',
      resolve: ({ secret }) => secret.text,
    }),
  }),
})

mutation('createToken', {
  description:
    'Creates a token and returns its secret once. With an idempotency key, the same caller receives the same secret again for 24 hours. Requires the ADMIN role.',
  input: (t) => ({
    name: t.string({ required: true, description: 'Name that says what the token is for.' }),
    role: t.field({ type: RoleType, required: true, description: 'Role of the token.' }),
    organizationId: t.id({
      description:
        'Organization: ID, handle or address. Default: the organization of the project. Required when the caller is a member of several organizations and `projectId` is absent.',
    }),
    projectId: t.id({
      description:
        'Project to which the token is confined: ID, handle or address. The token then sees nothing of the rest of the organization. Default: not confined.',
    }),
    expiresAt: t.field({
      type: 'DateTime',
      description: 'Time at which the token expires. Default: never.',
    }),
  }),
  check: z.object({ name: nameRule }),
  resolve: (ctx, input) => createToken(ctx, input),
  again: async (ctx, id) => ({ token: await changedToken(ctx, id), secret: Secret.of(ctx) }),
  success: (t) => ({
    token: t.field({
      type: TokenType,
      description: 'The new token.',
      resolve: ({ token }) => token,
    }),
    secret: t.string({
      description:
        'The secret of the token, to be sent as `authorization: Bearer …`. Returned once; with an idempotency key, to the same caller again for 24 hours.',
      resolve: ({ secret }) => secret.text,
    }),
  }),
})

mutation('revokeToken', {
  description:
    'Revokes a token. The server closes connections that use it within 5 seconds. Requires the ADMIN role; everyone may revoke their own. Revoking the token in use signs the caller out and removes the cookie.',
  input: (t) => ({ id: t.id({ required: true, description: 'ID of the token.' }) }),
  resolve: async (ctx, input) => ({ token: await revokeToken(ctx, input) }),
  again: async (ctx, id) => ({ token: await changedToken(ctx, id) }),
  success: (t) => ({
    token: t.field({
      type: TokenType,
      description: 'The revoked token.',
      resolve: ({ token }) => token,
    }),
  }),
})
