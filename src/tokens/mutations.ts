import { z } from 'zod'
import { RoleType } from '../graph/errors.ts'
import { mutation } from '../graph/mutation.ts'
import { nameRule } from '../kit/names.ts'
import { createToken, revokeToken } from './actions.ts'
import { TokenType } from './types.ts'

mutation('createToken', {
  description: 'Needs ADMIN. Makes a token and shows its secret once.',
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
  success: (t) => ({
    token: t.field({
      type: TokenType,
      description: 'The new token.',
      resolve: ({ token }) => token,
    }),
    secret: t.string({
      description: 'The credential itself, shown this once.',
      resolve: ({ secret }) => secret,
    }),
  }),
})

mutation('revokeToken', {
  description:
    'Needs ADMIN, except for one of your own. Ends a token; what is open with it is closed within 5 s. Ending the one you use signs you out, and takes the cookie away.',
  input: (t) => ({ id: t.id({ required: true, description: 'Which.' }) }),
  resolve: async (ctx, input) => ({ token: await revokeToken(ctx, input) }),
  success: (t) => ({
    token: t.field({
      type: TokenType,
      description: 'The ended token.',
      resolve: ({ token }) => token,
    }),
  }),
})
