import { z } from 'zod'
import { annotationField, namingFields } from '../addresses/index.ts'
import { builder } from '../builder.ts'
import type { Context } from '../context.ts'
import type { Service } from '../generated/prisma/client.ts'
import { mutation } from '../graph/mutation.ts'
import { BadGateway, TimedOut, Unavailable, WrongState } from '../kit/errors.ts'
import { textRule } from '../kit/names.ts'
import {
  createService,
  deleteService,
  restartService,
  scaleService,
  startService,
  stopService,
  updateService,
} from './actions.ts'
import { invokeService } from './process/invoke.ts'
import { createRule, ScaleInput, scaleRule, ServiceBackendInput, updateRule } from './inputs.ts'
import { openingUrl, ownPathRule } from './process/page.ts'
import { rollBackDeployment } from './process/roll-back.ts'
import { checkInService } from './queue/queue.ts'
import { QueueServiceType } from './queue/types.ts'
import { ServiceId, services } from './service.ts'
import { ProcessServiceType } from './process/types.ts'
import { ServiceInterface } from './types.ts'

type Types = typeof builder.$inferSchemaTypes
type Fields = PothosSchemaTypes.ObjectFieldBuilder<Types, { service: Service }>
type Inputs = PothosSchemaTypes.InputFieldBuilder<Types, 'InputObject'>

const which = (t: Inputs) => ({
  id: t.id({ required: true, description: 'Which: id, handle or address.' }),
})
const asService = (t: Fields) => ({
  service: t.field({
    type: ServiceInterface,
    description: 'The service as it is now.',
    resolve: ({ service }) => service,
  }),
})
const opening = async (ctx: Context, { id, path }: { id: string; path: string }) => ({
  id,
  path,
  url: await openingUrl(ctx, id, path),
})
const again = async (ctx: Context, id: string) => ({
  service: await services.changedBefore(ctx, id),
})
const asProcessService = (t: Fields) => ({
  service: t.field({
    type: ProcessServiceType,
    description: 'The service as it is now.',
    resolve: ({ service }) => service,
  }),
})

mutation('createService', {
  description:
    'Makes a service; answers at once, the status follows. Unavailable where this server runs no processes of its organization.',
  input: (t) => ({
    name: t.string({
      description:
        'For people; need not be unique. Needed for a queue; processes are otherwise called like their deployment.',
    }),
    organizationId: t.id({
      description:
        "Where it is to be: needed for a queue of whoever has several; a version's own otherwise.",
    }),
    handle: t.string({
      description: 'Unique in the organization; made from the name when absent.',
    }),
    description: t.string({ defaultValue: '', description: 'For people.' }),
    backend: t.field({ type: ServiceBackendInput, required: true, description: 'What it is.' }),
    ...namingFields(t),
  }),
  check: createRule,
  errors: [Unavailable],
  resolve: async (ctx, input) => ({ service: await createService(ctx, input) }),
  again,
  success: asService,
})

mutation('updateService', {
  description:
    "Changes what is given; a new version is rolled out. The backend must be of the service's kind.",
  input: (t) => ({
    ...which(t),
    name: t.string({ description: 'For people.' }),
    description: t.string({ description: 'For people.' }),
    backend: t.field({ type: ServiceBackendInput, description: 'What to run and how.' }),
    expectedRevision: t.field({
      type: 'SafeInt',
      description: 'Change only if this is still its revision; otherwise Conflict.',
    }),
    ...annotationField(t),
  }),
  check: updateRule,
  errors: [Unavailable],
  resolve: async (ctx, input) => ({ service: await updateService(ctx, input) }),
  again,
  success: asService,
})

mutation('scaleService', {
  description: 'Changes the number of processes, or who decides it.',
  input: (t) => ({
    ...which(t),
    scale: t.field({ type: ScaleInput, required: true, description: 'How many.' }),
  }),
  check: z.object({ scale: scaleRule }),
  resolve: async (ctx, input) => ({ service: await scaleService(ctx, input) }),
  again,
  success: asProcessService,
})

mutation('startService', {
  description:
    'Starts a stopped service. Unavailable where this server runs no processes of its organization.',
  input: which,
  errors: [WrongState, Unavailable],
  resolve: async (ctx, input) => ({ service: await startService(ctx, input) }),
  again,
  success: asService,
})

mutation('stopService', {
  description: 'Stops a service.',
  input: which,
  errors: [WrongState],
  resolve: async (ctx, input) => ({ service: await stopService(ctx, input) }),
  again,
  success: asService,
})

mutation('restartService', {
  description: 'Replaces its processes one by one.',
  input: which,
  errors: [WrongState],
  resolve: async (ctx, input) => ({ service: await restartService(ctx, input) }),
  again,
  success: asProcessService,
})

mutation('deleteService', {
  description: 'Deletes a service in any state; its processes are stopped.',
  input: which,
  resolve: async (ctx, input) => ({ service: await deleteService(ctx, input) }),
  again,
  success: (t) => ({
    deletedId: t.id({
      description: 'Canonical id of what is gone.',
      resolve: ({ service }) => ServiceId.text(service.id),
    }),
    service: t.field({
      type: ServiceInterface,
      description: 'The service as it last was.',
      resolve: ({ service }) => service,
    }),
  }),
})

mutation('checkInService', {
  description: "Needs WORKER. A queue's workers are there.",
  input: (t) => ({
    ...which(t),
    isAvailable: t.boolean({ description: 'Whether they take jobs; as it was when absent.' }),
  }),
  resolve: async (ctx, input) => ({ service: await checkInService(ctx, input) }),
  again: 'repeat', // to check in once more does no harm
  success: (t) => ({
    service: t.field({
      type: QueueServiceType,
      description: 'The queue as it is now.',
      resolve: ({ service }) => service,
    }),
  }),
})

mutation('rollBackDeployment', {
  description: 'Points services (all, unless named) at an earlier version.',
  input: (t) => ({
    deploymentId: t.id({ required: true, description: 'Which deployment: id, handle or address.' }),
    versionId: t.id({ required: true, description: 'The version to go back to: id or address.' }),
    serviceIds: t.idList({ description: 'Only these services of it.' }),
    reason: t.string({ description: 'Why, for the record.' }),
  }),
  check: z.object({
    reason: textRule.nullish(),
    serviceIds: z.array(z.string()).max(100, 'At most 100.').nullish(),
  }),
  resolve: async (ctx, input) => ({ services: await rollBackDeployment(ctx, input) }),
  again: 'repeat', // it leaves out the services that the call has rolled back already
  success: (t) => ({
    services: t.field({
      type: [ProcessServiceType],
      description: 'The services it concerns, as they are now; READY when that version serves.',
      resolve: ({ services }) => services,
    }),
  }),
})

mutation('openService', {
  description:
    "Lets the caller's browser open the pages of a service that runs as processes, at their own origin. Needs VIEWER. A browser that goes to the address stays let in for 12 hours there and nowhere else, for as long as the caller's credential is good.",
  input: (t) => ({
    ...which(t),
    path: t.string({
      defaultValue: '/',
      description: 'Which page, with its query: a path that begins with one `/`.',
    }),
  }),
  check: z.object({ path: ownPathRule.nullish() }),
  resolve: async (ctx, { id, path }) => opening(ctx, { id, path: path ?? '/' }),
  again: 'repeat', // an address is no effect
  refresh: (ctx, opened) => opening(ctx, opened),
  success: (t) => ({
    url: t.exposeString('url', {
      description: 'Where to send the browser, within 60 seconds: whoever has it is let in.',
    }),
  }),
})

mutation('invokeService', {
  description:
    'Calls a running service directly and waits; JSON only, other content goes to invokeUrl. Needs VIEWER. With an idempotency key a service is called again only when its server died before the answer was kept, and answers of up to 256 kB are kept.',
  input: (t) => ({
    ...which(t),
    json: t.field({ type: 'JSON', description: 'What to send; nothing is sent when absent.' }),
  }),
  errors: [WrongState, Unavailable],
  resolve: async (ctx, input) => {
    try {
      return await invokeService(ctx, input)
    } catch (cause) {
      // over plain HTTP these have statuses of their own; here they are one answer
      if (cause instanceof BadGateway || cause instanceof TimedOut)
        throw new Unavailable('NO_ANSWER', cause.message)
      throw cause
    }
  },
  again: 'repeat',
  success: (t) => ({
    json: t.field({
      type: 'JSON',
      nullable: true,
      description: 'What the service answered.',
      resolve: ({ json }) => json,
    }),
    statusCode: t.exposeInt('statusCode', {
      description: 'HTTP status of the answer, whatever it is.',
    }),
    contentType: t.exposeString('contentType', {
      nullable: true,
      description: 'Content type of the answer.',
    }),
    durationMs: t.exposeFloat('durationMs', { description: 'How long it took, in milliseconds.' }),
  }),
})
