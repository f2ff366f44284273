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
    "Signs a person in, with a token of the person's own that ends after SIGN_IN_SECONDS. Needs no credential. With an idempotency key, which is the person's, the same sign-in shows the same secret for 24 hours to whoever knows the password. Of many sign-ins the newest 100 are kept.",
  input: (t) => ({
    email: t.string({ required: true, description: 'Who.' }),
    password: t.string({ required: true, description: 'The password.' }),
    organizationId: t.id({
      description:
        "The only organization the token is to be good for; all of the person's when absent.",
    }),
    cookie: t.boolean({
      defaultValue: false,
      description:
        'Sets an HttpOnly cookie as well, for browsers and EventSource. Over HTTP, and from pages of this server only.',
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
      description: 'The credential itself, shown this once; with an idempotency key for 24 hours.',
      resolve: ({ secret }) => secret.text,
    }),
  }),
})

mutation('createToken', {
  description:
    'Needs ADMIN. Makes a token and shows its secret once; called again with the same idempotency key, it shows the same secret to the same caller.',
  input: (t) => ({
    name: t.string({ required: true, description: 'What it is for.' }),
    role: t.field({ type: RoleType, required: true, description: 'What it may do.' }),
    organizationId: t.id({ description: 'Where; needed when the caller is a member of several.' }),
    projectId: t.id({
      description:
        'The only project it is to be good for: id, handle or address. Of the rest of the organization it then sees nothing.',
    }),
    expiresAt: t.field({
      type: 'DateTime',
      description: 'When it ends by itself; never when absent.',
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
        'The credential itself, shown this once; with an idempotency key, to the same caller for 24 hours.',
      resolve: ({ secret }) => secret.text,
    }),
  }),
})

mutation('revokeToken', {
  description:
    'Needs ADMIN, except for one of your own. Ends a token; what is open with it is closed within 5 s. Ending the one you use signs you out, and takes the cookie away.',
  input: (t) => ({ id: t.id({ required: true, description: 'Which.' }) }),
  resolve: async (ctx, input) => ({ token: await revokeToken(ctx, input) }),
  again: async (ctx, id) => ({ token: await changedToken(ctx, id) }),
  success: (t) => ({
    token: t.field({
      type: TokenType,
      description: 'The ended token.',
      resolve: ({ token }) => token,
    }),
  }),
})
