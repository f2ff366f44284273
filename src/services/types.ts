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
  description: 'State of a service.',
  values: {
    [ServiceStatus.STARTING]: { description: 'The first instances are starting.' },
    [ServiceStatus.READY]: {
      description:
        'The service can be used. For processes: at least as many instances as wanted (under autoscale: the minimum) run the wanted version and pass their health check. For a queue: a worker called within the last `timeoutSeconds`.',
    },
    [ServiceStatus.SCALING]: {
      description: 'The service serves requests while its instances are changed or replaced.',
    },
    [ServiceStatus.UNAVAILABLE]: {
      description: 'No worker of the queue called within the last `timeoutSeconds`.',
    },
    [ServiceStatus.STOPPING]: { description: 'The processes are exiting.' },
    [ServiceStatus.STOPPED]: { description: 'No process runs.' },
    [ServiceStatus.FAILED]: {
      description: 'The service could not be run; `statusReason` says why.',
    },
  } as const,
})

const ServiceActionType = builder.enumType('ServiceAction', {
  description: 'Operation that the caller can perform on a service.',
  values: {
    UPDATE: { description: '`updateService`.' },
    SCALE: { description: '`scaleService`.' },
    START: { description: '`startService`.' },
    STOP: { description: '`stopService`.' },
    RESTART: { description: '`restartService`.' },
    DELETE: { description: '`deleteService`.' },
    INVOKE: { description: '`invokeService`, `openService`, and calls of `invokeUrl`.' },
    SUBMIT_JOB: { description: '`submitJob` and `submitJobs`.' },
    ROLL_BACK: { description: '`rollBackDeployment`.' },
  } satisfies Record<ServiceAction, { description: string }>,
})

const ServiceEventKindType = builder.enumType('ServiceEventKind', {
  description: 'Kind of an event of a service.',
  values: {
    CREATED: { description: 'The service was created.' },
    UPDATED: { description: 'A field of the service was changed.' },
    DEPLOYED: { description: 'Another version serves now.' },
    ROLLED_BACK: { description: 'The service was pointed at an earlier version.' },
    STATUS_CHANGED: { description: 'The status changed.' },
    SCALED: { description: 'The number of processes was changed.' },
    INSTANCE_STARTED: { description: 'A process was started.' },
    INSTANCE_EXITED: { description: 'A process exited.' },
    CHECKED_IN: { description: 'The workers reported that they are connected.' },
    TIMED_OUT: { description: 'No worker called for `timeoutSeconds`.' },
    DELETED: { description: 'The service was deleted.' },
  } as const,
})

const ServiceEventType = builder.objectRef<StoredEvent>('ServiceEvent').implement({
  description: 'An event of a service.',
  interfaces: [EventInterface],
  fields: (t) => ({
    kind: t.field({
      type: ServiceEventKindType,
      description: 'Kind of the event.',
      // only this concept writes service events, and only these kinds
      resolve: ({ kind }) => kind as 'CREATED',
    }),
    instance: t.exposeInt('instance', {
      nullable: true,
      description:
        'Ordinal of the instance that the event is about. Null when it is about the service.',
    }),
    message: t.exposeString('message', {
      nullable: true,
      description: 'Details for people. Null when there are none.',
    }),
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
    'A service that can be called: processes that Millrace runs, or a queue whose jobs workers execute. The kind of a service never changes.',
  interfaces: [NodeInterface, AddressableInterface, LiveInterface],
  resolveType: ({ kind }) => typenameOf(kind),
  fields: (t) => ({
    id: t.id({ description: 'ID of the service.', resolve: ({ id }) => ServiceId.text(id) }),
    name: t.exposeString('name', { description: 'Name for people. It need not be unique.' }),
    handle: t.exposeString('handle', {
      description: 'Short name for URLs and commands, unique in the organization.',
    }),
    description: t.exposeString('description', { description: 'Description for people.' }),
    status: t.field({
      type: ServiceStatusType,
      description: 'State of the service.',
      ...serviceFields.column('status'),
    }),
    statusReason: t.exposeString('statusReason', {
      nullable: true,
      description: 'Reason for the state. Null where the state needs none.',
    }),
    viewerActions: t.field({
      type: [ServiceActionType],
      description:
        'Operations that the caller can perform on the service at present, by role, state and kind. All others are refused.',
      ...serviceFields.from(['status', 'isBuiltIn'], (service, _args, { viewer }) =>
        viewerActions(viewer, service),
      ),
    }),
    isBuiltIn: t.exposeBoolean('isBuiltIn', {
      description:
        'Whether the service is part of the server. Such a service cannot be changed or deleted, and has no addresses in fronts.',
    }),
    logs: t.field({
      type: LogLineConnection,
      description: 'Log of the service, oldest line first.',
      args: {
        filter: t.arg({ type: LogFilterInput, description: 'Criteria. Default: all lines.' }),
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
      description: 'Events of the service, oldest first.',
      args: streamArgs(t.arg),
      resolve: ({ id }, args, ctx) => serviceEventPages(ctx, id, args),
    }),
    creator: t.field({
      type: ActorType,
      description: 'Actor who created the service.',
      ...serviceFields.from(
        ['creator'],
        ({ creator }) => creator as unknown as Actor, // the column holds an Actor
      ),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'Time of creation.' }),
    updatedAt: t.expose('updatedAt', {
      type: 'DateTime',
      description: 'Time of the last change.',
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
    'The present state of a service and its new events. The first delivery without `after` has no events.',
  interfaces: [DeliveryInterface],
  fields: (t) => ({
    service: t.field({
      type: ServiceInterface,
      nullable: true,
      description: 'The service in its present state. Null once it is deleted.',
      resolve: ({ serviceId }, _args, ctx) => services.byId(ctx, serviceId),
    }),
    events: t.field({
      type: [ServiceEventType],
      description: 'New events, oldest first.',
      resolve: ({ events }) => [...events],
    }),
  }),
})
