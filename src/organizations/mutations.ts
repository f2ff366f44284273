import { z } from 'zod'
import { namingFields } from '../addresses/index.ts'
import { RoleType } from '../graph/errors.ts'
import { mutation } from '../graph/mutation.ts'
import { Conflict } from '../kit/errors.ts'
import { handleRule, nameRule } from '../kit/names.ts'
import { createOrganization, createToken, revokeToken } from './actions.ts'
import { OrganizationType, TokenType } from './types.ts'

mutation('createOrganization', {
  description:
    'Needs ADMIN of the server. Makes an organization; the caller becomes its first ADMIN.',
  input: (t) => ({
    name: t.string({ required: true, description: 'For people.' }),
    handle: t.string({ description: 'Unique on this server; made from the name when absent.' }),
    ...namingFields(t),
  }),
  check: z.object({ name: nameRule, handle: handleRule.nullish() }),
  errors: [Conflict],
  resolve: async (ctx, input) => ({ organization: await createOrganization(ctx, input) }),
  success: (t) => ({
    organization: t.field({
      type: OrganizationType,
      description: 'The new organization.',
      resolve: ({ organization }) => organization,
    }),
  }),
})

mutation('createToken', {
  description: 'Needs ADMIN. Makes a token and shows its secret once.',
  input: (t) => ({
    name: t.string({ required: true, description: 'What it is for.' }),
    role: t.field({ type: RoleType, required: true, description: 'What it may do.' }),
    organizationId: t.id({ description: 'Where; needed when the caller is a member of several.' }),
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
  description: 'Needs ADMIN. Ends a token.',
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
