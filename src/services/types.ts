import { AddressableInterface } from '../addresses/index.ts'
import { builder } from '../builder.ts'
import {
  DeliveryInterface,
  EventInterface,
  streamArgs,
  streamConnectionOf,
  type Delivery,
} from '../events/index.ts'
import { ServiceStatus } from '../generated/prisma/client.ts'
import { connectionOf } from '../graph/connection.ts'
import { seenAs } from '../graph/columns.ts'
import { LiveInterface } from '../graph/live.ts'
import { NodeInterface } from '../graph/node.ts'
import type { Actor } from '../kit/actor.ts'
import {
  downloadArgs,
  downloadDescription,
  LogFilterInput,
  LogLineConnection,
  logUrl,
  pageOfLog,
  type DownloadArgs,
} from '../logs/index.ts'
import { ActorType } from '../organizations/index.ts'
import type { StoredEvent } from '../streams/index.ts'
import { alwaysRead, serviceFields, type PartialService } from './columns.ts'
import { serviceEventPages } from './pages.ts'
import { viewerActions } from './permit.ts'
import { ServiceId, services, typenameOf, type ServiceAction } from './service.ts'

export const ServiceStatusType = builder.enumType('ServiceStatus', {
  description:
    'State of a service. READY: as many instances of that version as asked for (under autoscale: the minimum) pass their check, or workers or endpoints answer.',
  values: {
    [ServiceStatus.STARTING]: { description: 'Its first instances are on their way.' },
    [ServiceStatus.READY]: { description: 'All it needs is there.' },
    [ServiceStatus.SCALING]: {
      description: 'It serves, and its instances are being changed or replaced.',
    },
    [ServiceStatus.UNAVAILABLE]: { description: 'No worker or endpoint answers.' },
    [ServiceStatus.STOPPING]: { description: 'Its processes are ending.' },
    [ServiceStatus.STOPPED]: { description: 'Nothing runs.' },
    [ServiceStatus.FAILED]: { description: 'It could not be run; the reason says why.' },
  } as const,
})

const ServiceActionType = builder.enumType('ServiceAction', {
  description: 'What the viewer may do to it now, by role and state.',
  values: {
    UPDATE: { description: 'updateService.' },
    SCALE: { description: 'scaleService.' },
    START: { description: 'startService.' },
    STOP: { description: 'stopService.' },
    RESTART: { description: 'restartService.' },
    DELETE: { description: 'deleteService.' },
    INVOKE: { description: 'invokeService, openService, and its invokeUrl.' },
    SUBMIT_JOB: { description: 'submitJob and submitJobs.' },
    ROLL_BACK: { description: 'rollBackDeployment.' },
  } satisfies Record<ServiceAction, { description: string }>,
})

const ServiceEventKindType = builder.enumType('ServiceEventKind', {
  description: 'Kinds of service events.',
  values: {
    CREATED: { description: 'It was made.' },
    UPDATED: { description: 'Something of it was changed.' },
    DEPLOYED: { description: 'Another version serves now.' },
    ROLLED_BACK: { description: 'It was pointed at an earlier version.' },
    STATUS_CHANGED: { description: 'Its status moved.' },
    SCALED: { description: 'Its number of instances was changed.' },
    INSTANCE_STARTED: { description: 'A process of it was started.' },
    INSTANCE_EXITED: { description: 'A process of it ended.' },
    CHECKED_IN: { description: 'Its workers said that they are there.' },
    TIMED_OUT: { description: 'Its workers have been silent for too long.' },
    DELETED: { description: 'It was deleted.' },
  } as const,
})

const ServiceEventType = builder.objectRef<StoredEvent>('ServiceEvent').implement({
  description: 'Something that happened to a service.',
  interfaces: [EventInterface],
  fields: (t) => ({
    kind: t.field({
      type: ServiceEventKindType,
      description: 'What happened.',
      // only this concept writes service events, and only these kinds
      resolve: ({ kind }) => kind as 'CREATED',
    }),
    instance: t.exposeInt('instance', {
      nullable: true,
      description: 'Ordinal of the process it is about.',
    }),
    message: t.exposeString('message', { nullable: true, description: 'More, for people.' }),
  }),
})
const ServiceEventConnection = streamConnectionOf<StoredEvent>(
  'ServiceEvent',
  ServiceEventType,
  'events',
)

export const ServiceInterface = builder.prismaInterface('Service', {
  name: 'Service',
  select: seenAs(alwaysRead),
  description:
    'Something that can be called: processes we run, a queue that workers serve, or endpoints that run elsewhere. Its kind never changes.',
  interfaces: [NodeInterface, AddressableInterface, LiveInterface],
  resolveType: ({ kind }) => typenameOf(kind),
  fields: (t) => ({
    id: t.id({ description: 'Canonical id.', resolve: ({ id }) => ServiceId.text(id) }),
    name: t.exposeString('name', { description: 'For people; need not be unique.' }),
    handle: t.exposeString('handle', { description: 'Unique in the organization.' }),
    description: t.exposeString('description', { description: 'For people.' }),
    status: t.field({
      type: ServiceStatusType,
      description: 'Its state.',
      ...serviceFields.column('status'),
    }),
    statusReason: t.exposeString('statusReason', {
      nullable: true,
      description: 'Why it is in that state, where that needs saying.',
    }),
    viewerActions: t.field({
      type: [ServiceActionType],
      description:
        'What the viewer may do to it now, by role and state; whatever is not here would answer Forbidden or WrongState.',
      ...serviceFields.from(['status', 'isBuiltIn'], (service, _args, { viewer }) =>
        viewerActions(viewer, service),
      ),
    }),
    isBuiltIn: t.exposeBoolean('isBuiltIn', {
      description: 'Ours; cannot be deleted, appears in no front.',
    }),
    logs: t.field({
      type: LogLineConnection,
      description: 'Its log, oldest line first.',
      args: {
        filter: t.arg({ type: LogFilterInput, description: 'Which lines.' }),
        ...streamArgs(t.arg),
      },
      resolve: ({ id }, args, ctx) => pageOfLog(ctx, id, args),
    }),
    logDownloadUrl: t.field({
      type: 'String',
      description: downloadDescription,
      args: downloadArgs(t.arg),
      ...serviceFields.from(['handle'], ({ id, handle }, args: DownloadArgs, ctx) =>
        logUrl(ctx, { id, name: ServiceId.text(id), title: handle }, args),
      ),
    }),
    events: t.field({
      type: ServiceEventConnection,
      description: 'What happened to it, oldest first.',
      args: streamArgs(t.arg),
      resolve: ({ id }, args, ctx) => serviceEventPages(ctx, id, args),
    }),
    creator: t.field({
      type: ActorType,
      description: 'Who made it.',
      ...serviceFields.from(
        ['creator'],
        ({ creator }) => creator as unknown as Actor, // the column holds an Actor
      ),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
    updatedAt: t.expose('updatedAt', {
      type: 'DateTime',
      description: 'When it was last changed.',
    }),
  }),
})
export const ServiceConnection = connectionOf<PartialService>(
  'Service',
  ServiceInterface,
  'services',
)

export interface ServiceDelivery extends Delivery {
  readonly serviceId: string
  readonly events: readonly StoredEvent[]
}

export const ServiceDeliveryType = builder.objectRef<ServiceDelivery>('ServiceDelivery').implement({
  description:
    'A service as it is, and what happened; first without events: the present state. Null once deleted.',
  interfaces: [DeliveryInterface],
  fields: (t) => ({
    service: t.field({
      type: ServiceInterface,
      nullable: true,
      description: 'The service as it is now; null once deleted.',
      resolve: ({ serviceId }, _args, ctx) => services.byId(ctx, serviceId),
    }),
    events: t.field({
      type: [ServiceEventType],
      description: 'What happened.',
      resolve: ({ events }) => [...events],
    }),
  }),
})
