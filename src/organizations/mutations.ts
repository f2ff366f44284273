import { z } from 'zod'
import { namingFields } from '../addresses/index.ts'
import { allowServerAdmin, found } from '../auth/viewer.ts'
import { mutation } from '../graph/mutation.ts'
import { Conflict } from '../kit/errors.ts'
import { handleRule, nameRule } from '../kit/names.ts'
import { createOrganization } from './actions.ts'
import { OrganizationId } from './organization.ts'
import { organizationById } from './store.ts'
import { OrganizationType } from './types.ts'

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
  again: async (ctx, id) => {
    allowServerAdmin(ctx.viewer)
    const row = await organizationById(ctx, id)
    return { organization: found(row, 'organization', OrganizationId.text(id)) }
  },
  success: (t) => ({
    organization: t.field({
      type: OrganizationType,
      description: 'The new organization.',
      resolve: ({ organization }) => organization,
    }),
  }),
})
