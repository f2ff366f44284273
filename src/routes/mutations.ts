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
  description: 'A service that a route leads to.',
  fields: (t) => ({
    serviceId: t.id({ required: true, description: 'The service: id, handle or address.' }),
    isActive: t.boolean({ defaultValue: true, description: 'Whether requests may go to it.' }),
  }),
})

const which = (t: Inputs) => ({
  id: t.id({
    required: true,
    description: 'Which: id, handle or address; its name where the deployment is named.',
  }),
  deploymentId: t.id({ description: 'Only one of this deployment.' }),
})

const again = async (ctx: Context, id: string) => ({ route: await routes.changedBefore(ctx, id) })
const asRoute = shows('route', RouteType)

mutation('createRoute', {
  description: 'Makes a route. All its targets are active; the first is primary.',
  input: (t) => ({
    name: t.string({
      required: true,
      description: 'Unique in its deployment, if it has one; free otherwise.',
    }),
    handle: t.string({
      description:
        'Unique in the organization; made from the names of deployment and route when absent.',
    }),
    deploymentId: t.id({
      description: 'The deployment it belongs to, and with it all its targets.',
    }),
    serviceIds: t.idList({
      required: true,
      description: `What it leads to, the first choice first: 1 to ${MAX_TARGETS} services.`,
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
  description: 'Changes what a route leads to, or its name; its handle stays.',
  input: (t) => ({
    ...which(t),
    name: t.string({ description: 'Unique in its deployment, if it has one.' }),
    targets: t.field({
      type: [RouteTargetInput],
      description: `What it leads to, in place of what it did; the first active one is primary. At most ${MAX_TARGETS}; null leads nowhere.`,
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
  success: asRoute('The route as it is now.'),
})

mutation('deleteRoute', {
  description: 'Deletes a route; what it led to stays.',
  input: which,
  resolve: async (ctx, input) => ({ route: await deleteRoute(ctx, input) }),
  again,
  success: (t) => ({
    deletedId: t.id({
      description: 'Canonical id of what is gone.',
      resolve: ({ route }) => RouteId.text(route.id),
    }),
    ...asRoute('The route as it last was.')(t),
  }),
})
