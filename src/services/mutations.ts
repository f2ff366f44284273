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
  id: t.id({ required: true, description: 'Service: ID, handle or address.' }),
})
const asService = (t: Fields) => ({
  service: t.field({
    type: ServiceInterface,
    description: 'The service after the change.',
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
    description: 'The service after the change.',
    resolve: ({ service }) => service,
  }),
})

mutation('createService', {
  description:
    'Creates a service. Returns before the service runs; `status` then follows its progress. Returns Unavailable where this server runs no processes for the organization. Requires the DEVELOPER role.',
  input: (t) => ({
    name: t.string({
      description:
        'Name for people. It need not be unique. Required for a queue. Default for processes: the name of their deployment.',
    }),
    organizationId: t.id({
      description:
        'Organization: ID, handle or address. Required for a queue when the caller is a member of several organizations. Default for processes: the organization of the version.',
    }),
    handle: t.string({
      description:
        'Short name for URLs and commands, unique in the organization. Default: derived from the name.',
    }),
    description: t.string({ defaultValue: '', description: 'Description for people.' }),
    backend: t.field({
      type: ServiceBackendInput,
      required: true,
      description: 'Kind of the service with its settings.',
    }),
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
    'Updates the given fields of a service; the others keep their values. A new version or environment is rolled out while the old instances serve. The backend must be of the kind of the service. Requires the DEVELOPER role.',
  input: (t) => ({
    ...which(t),
    name: t.string({ description: 'Name for people. It need not be unique. Default: unchanged.' }),
    description: t.string({ description: 'Description for people. Default: unchanged.' }),
    backend: t.field({
      type: ServiceBackendInput,
      description: 'New settings, of which absent fields keep their values. Default: unchanged.',
    }),
    expectedRevision: t.field({
      type: 'SafeInt',
      description:
        'Revision that the service must have at the time of the change; otherwise the result is Conflict. Default: any.',
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
  description:
    'Changes the number of processes, or switches autoscale on or off. Requires the DEVELOPER role.',
  input: (t) => ({
    ...which(t),
    scale: t.field({ type: ScaleInput, required: true, description: 'Number of processes.' }),
  }),
  check: z.object({ scale: scaleRule }),
  resolve: async (ctx, input) => ({ service: await scaleService(ctx, input) }),
  again,
  success: asProcessService,
})

mutation('startService', {
  description:
    'Starts a service that is STOPPED, STOPPING or FAILED. Returns Unavailable where this server runs no processes for the organization. Requires the DEVELOPER role.',
  input: which,
  errors: [WrongState, Unavailable],
  resolve: async (ctx, input) => ({ service: await startService(ctx, input) }),
  again,
  success: asService,
})

mutation('stopService', {
  description:
    'Stops the processes of a service that is STARTING, READY or SCALING. Requires the DEVELOPER role.',
  input: which,
  errors: [WrongState],
  resolve: async (ctx, input) => ({ service: await stopService(ctx, input) }),
  again,
  success: asService,
})

mutation('restartService', {
  description:
    'Replaces the processes of a service that is READY or SCALING, one after the other. Requires the DEVELOPER role.',
  input: which,
  errors: [WrongState],
  resolve: async (ctx, input) => ({ service: await restartService(ctx, input) }),
  again,
  success: asProcessService,
})

mutation('deleteService', {
  description:
    'Deletes a service in any state and stops its processes. Requires the DEVELOPER role.',
  input: which,
  resolve: async (ctx, input) => ({ service: await deleteService(ctx, input) }),
  again,
  success: (t) => ({
    deletedId: t.id({
      description: 'ID of the deleted service.',
      resolve: ({ service }) => ServiceId.text(service.id),
    }),
    service: t.field({
      type: ServiceInterface,
      description: 'The deleted service, in its last state.',
      resolve: ({ service }) => service,
    }),
  }),
})

mutation('checkInService', {
  description: 'Reports that workers of a queue are connected. Requires the WORKER role.',
  input: (t) => ({
    ...which(t),
    isAvailable: t.boolean({ description: 'Whether the workers accept jobs. Default: unchanged.' }),
  }),
  resolve: async (ctx, input) => ({ service: await checkInService(ctx, input) }),
  again: 'repeat', // to check in once more does no harm
  success: (t) => ({
    service: t.field({
      type: QueueServiceType,
      description: 'The queue after the change.',
      resolve: ({ service }) => service,
    }),
  }),
})

mutation('rollBackDeployment', {
  description:
    'Points services of a deployment at an earlier version. Requires the DEVELOPER role.',
  input: (t) => ({
    deploymentId: t.id({ required: true, description: 'Deployment: ID, handle or address.' }),
    versionId: t.id({ required: true, description: 'Version to return to: ID or address.' }),
    serviceIds: t.idList({
      description:
        'Services to roll back: IDs, handles or addresses. At most 100. Default: all services of the deployment.',
    }),
    reason: t.string({ description: 'Reason, stored as `message` of the event. Default: none.' }),
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
      description:
        'The given services after the change, including those that had that version already. A service is READY once the version serves.',
      resolve: ({ services }) => services,
    }),
  }),
})

mutation('openService', {
  description:
    'Returns a URL that opens the pages of a service of processes in the browser of the caller, at an origin of the service. The browser then has access to that service for 12 hours, as long as the credential of the caller is valid. Requires the VIEWER role.',
  input: (t) => ({
    ...which(t),
    path: t.string({
      defaultValue: '/',
      description: 'Page to open: a path that starts with exactly one `/`, with its query.',
    }),
  }),
  check: z.object({ path: ownPathRule.nullish() }),
  resolve: async (ctx, { id, path }) => opening(ctx, { id, path: path ?? '/' }),
  again: 'repeat', // an address is no effect
  refresh: (ctx, opened) => opening(ctx, opened),
  success: (t) => ({
    url: t.exposeString('url', {
      description:
        'URL to send the browser to, within 60 seconds. Anyone who has the URL is let in.',
    }),
  }),
})

mutation('invokeService', {
  description:
    'Calls a running service and waits for the response. JSON only; send other content to `invokeUrl`. With an idempotency key the service is called a second time only when the server stopped before it stored the response; responses of up to 256 kB are stored. Requires the VIEWER role.',
  input: (t) => ({
    ...which(t),
    json: t.field({ type: 'JSON', description: 'JSON body of the request. Default: no body.' }),
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
      description: 'JSON body of the response. Null when the body is empty.',
      resolve: ({ json }) => json,
    }),
    statusCode: t.exposeInt('statusCode', {
      description: 'HTTP status of the response, also when it is an error.',
    }),
    contentType: t.exposeString('contentType', {
      nullable: true,
      description: 'Content type of the response. Null when it has none.',
    }),
    durationMs: t.exposeFloat('durationMs', {
      description: 'Duration of the call in milliseconds.',
    }),
  }),
})
