import { z } from 'zod'
import { annotationField, namingFields } from '../addresses/index.ts'
import { builder } from '../builder.ts'
import type { Context } from '../context.ts'
import { mutation, shows } from '../graph/mutation.ts'
import { Conflict } from '../kit/errors.ts'
import { handleRule, nameRule } from '../kit/names.ts'
import { createRoute, deleteRoute, updateRoute } from './actions.ts'
import { MAX_TARGETS, RouteId, routes } from './route.ts'
import { RouteType } from './types.ts'

type Types = typeof builder.$inferSchemaTypes
type Inputs = PothosSchemaTypes.InputFieldBuilder<Types, 'InputObject'>

const RouteTargetInput = builder.inputType('RouteTargetInput', {
  description: 'A service that a route can send requests to.',
  fields: (t) => ({
    serviceId: t.id({ required: true, description: 'Service: ID, handle or address.' }),
    isActive: t.boolean({
      defaultValue: true,
      description: 'Whether requests may go to the service.',
    }),
  }),
})

const which = (t: Inputs) => ({
  id: t.id({
    required: true,
    description: 'Route: ID, handle or address; its name when `deploymentId` is given.',
  }),
  deploymentId: t.id({
    description: 'Deployment that the route must belong to: ID, handle or address. Default: any.',
  }),
})

const again = async (ctx: Context, id: string) => ({ route: await routes.changedBefore(ctx, id) })
const asRoute = shows('route', RouteType)

mutation('createRoute', {
  description:
    'Creates a route. All its targets are active; the first is the primary one. Requires the DEVELOPER role.',
  input: (t) => ({
    name: t.string({
      required: true,
      description:
        'Name of the route. Unique in its deployment; it need not be unique for a route without a deployment.',
    }),
    handle: t.string({
      description:
        'Short name for URLs and commands, unique in the organization. Default: derived from the names of deployment and route.',
    }),
    deploymentId: t.id({
      description:
        'Deployment that the route and all its targets belong to: ID, handle or address. Default: none.',
    }),
    serviceIds: t.idList({
      required: true,
      description: `Target services of one organization, in order of preference: IDs, handles or addresses. 1 to ${MAX_TARGETS}.`,
    }),
    ...namingFields(t),
  }),
  check: z.object({
    name: nameRule,
    handle: handleRule.nullish(),
    serviceIds: z
      .array(z.string())
      .min(1, 'At least 1.')
      .max(MAX_TARGETS, `At most ${MAX_TARGETS}.`),
  }),
  errors: [Conflict],
  resolve: async (ctx, input) => ({ route: await createRoute(ctx, input) }),
  again,
  success: asRoute('The new route.'),
})

mutation('updateRoute', {
  description:
    'Changes the targets or the name of a route. Its handle does not change. Requires the DEVELOPER role.',
  input: (t) => ({
    ...which(t),
    name: t.string({
      description: 'Name of the route, unique in its deployment. Default: unchanged.',
    }),
    targets: t.field({
      type: [RouteTargetInput],
      description: `New targets in order of preference; the first active one is the primary target. At most ${MAX_TARGETS}. Null removes all targets. Default: unchanged.`,
    }),
    ...annotationField(t),
  }),
  check: z.object({
    name: nameRule.nullish(),
    targets: z.array(z.unknown()).max(MAX_TARGETS, `At most ${MAX_TARGETS}.`).nullish(),
  }),
  errors: [Conflict],
  resolve: async (ctx, input) => ({ route: await updateRoute(ctx, input) }),
  again,
  success: asRoute('The route after the change.'),
})

mutation('deleteRoute', {
  description: 'Deletes a route. Its targets are not affected. Requires the DEVELOPER role.',
  input: which,
  resolve: async (ctx, input) => ({ route: await deleteRoute(ctx, input) }),
  again,
  success: (t) => ({
    deletedId: t.id({
      description: 'ID of the deleted route.',
      resolve: ({ route }) => RouteId.text(route.id),
    }),
    ...asRoute('The deleted route, in its last state.')(t),
  }),
})
