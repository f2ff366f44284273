import { addressable, AddressableInterface } from '../addresses/index.ts'
import { builder } from '../builder.ts'
import {
  EnvironmentVariableType,
  DeploymentId,
  deploymentOf,
  DeploymentType,
  type LayeredVariable,
  versionOf,
  VersionType,
} from '../deployments/index.ts'
import {
  DeliveryInterface,
  EventInterface,
  MAX_ENTRIES,
  streamConnectionOf,
  type Delivery,
} from '../events/index.ts'
import {
  InstanceStatus,
  ServiceStatus,
  type Service,
  type ServiceKind,
} from '../generated/prisma/client.ts'
import { connectionOf, pageArgs } from '../graph/connection.ts'
import { LiveInterface } from '../graph/live.ts'
import { hasStates } from '../graph/machine.ts'
import { isNode, NodeInterface } from '../graph/node.ts'
import type { Actor } from '../kit/actor.ts'
import type { CorsPolicy } from '../kit/http/cors.ts'
import type { Variable } from '../kit/environment.ts'
import { LogFilterInput, LogLineConnection, pageOfLog } from '../logs/index.ts'
import { ActorType } from '../organizations/index.ts'
import type { StoredEvent } from '../streams/index.ts'
import { CorsPolicyType } from './process/cors.ts'
import { deploymentAlong } from './columns.ts'
import { viewerActions } from './permit.ts'
import {
  InstanceId,
  ServiceId,
  serviceMoves,
  serviceNaming,
  type ServiceAction,
} from './service.ts'
import { serviceEventPages, servicePages } from './pages.ts'
import { pageOrigin } from './process/page.ts'
import { scaleOf, type Scale } from './process/scale.ts'
import { serviceById } from './store.ts'

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

/** The type of a service of this kind. */
function typenameOf(kind: ServiceKind): 'ProcessService' | 'QueueService' {
  switch (kind) {
    case 'PROCESS':
      return 'ProcessService'
    case 'QUEUE':
      return 'QueueService'
    case 'ENDPOINT':
    case 'MODEL':
      throw new Error(`No service of the kind ${kind} can be made yet.`)
  }
}

export const ServiceInterface = builder.prismaInterface('Service', {
  name: 'Service',
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
      resolve: ({ status }) => status,
    }),
    statusReason: t.exposeString('statusReason', {
      nullable: true,
      description: 'Why it is in that state, where that needs saying.',
    }),
    viewerActions: t.field({
      type: [ServiceActionType],
      description:
        'What the viewer may do to it now, by role and state; whatever is not here would answer Forbidden or WrongState.',
      resolve: (service, _args, { viewer }) => viewerActions(viewer, service),
    }),
    isBuiltIn: t.exposeBoolean('isBuiltIn', {
      description: 'Ours; cannot be deleted, appears in no front.',
    }),
    logs: t.field({
      type: LogLineConnection,
      description: 'Its log, oldest line first.',
      args: {
        filter: t.arg({ type: LogFilterInput, description: 'Which lines.' }),
        ...pageArgs(t.arg, MAX_ENTRIES),
      },
      resolve: ({ id }, args, ctx) => pageOfLog(ctx, id, args),
    }),
    events: t.field({
      type: ServiceEventConnection,
      description: 'What happened to it, oldest first.',
      args: pageArgs(t.arg, MAX_ENTRIES),
      resolve: ({ id }, args, ctx) => serviceEventPages(ctx, id, args),
    }),
    creator: t.field({
      type: ActorType,
      description: 'Who made it.',
      resolve: ({ creator }) => creator as unknown as Actor, // the column holds an Actor
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
    updatedAt: t.expose('updatedAt', {
      type: 'DateTime',
      description: 'When it was last changed.',
    }),
  }),
})
export const ServiceConnection = connectionOf<Service>('Service', ServiceInterface, 'services')

const InstanceStatusType = builder.enumType('InstanceStatus', {
  description: 'State of one process.',
  values: {
    [InstanceStatus.STARTING]: { description: 'It runs, and has not passed its check yet.' },
    [InstanceStatus.READY]: { description: 'It accepts requests.' },
    [InstanceStatus.UNHEALTHY]: { description: 'It runs, and fails its check.' },
    [InstanceStatus.STOPPING]: { description: 'It was asked to end.' },
    [InstanceStatus.EXITED]: { description: 'It has ended.' },
  } as const,
})

builder.prismaObject('Instance', {
  description: 'One process of a service.',
  fields: (t) => ({
    id: t.id({ description: 'Canonical id.', resolve: ({ id }) => InstanceId.text(id) }),
    ordinal: t.exposeInt('ordinal', { description: 'Its place among the instances: 0, 1, 2 …' }),
    status: t.field({
      type: InstanceStatusType,
      description: 'Its state.',
      resolve: ({ status }) => status,
    }),
    version: t.relation('version', { nullable: true, description: 'What it runs.' }),
    startedAt: t.expose('startedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When its process was last started.',
    }),
    restarts: t.exposeInt('restarts', { description: 'How often it was started again.' }),
    exitCode: t.exposeInt('exitCode', {
      nullable: true,
      description: 'How its last process ended, if it did by itself.',
    }),
    exitSignal: t.exposeString('exitSignal', {
      nullable: true,
      description: 'The signal that ended its last process.',
    }),
    inFlight: t.exposeInt('inFlight', {
      description: 'Requests it is answering, up to a few seconds old.',
    }),
  }),
})

const ScaleType = builder.objectRef<Scale>('Scale').implement({
  description: 'How many processes, and who decides.',
  fields: (t) => ({
    desired: t.exposeInt('desired', {
      description: 'How many are wanted; under autoscale the last decision.',
    }),
    min: t.exposeInt('min', {
      description: 'Fewest that autoscale leaves; with 0 it sleeps until somebody calls.',
    }),
    max: t.exposeInt('max', { description: 'Most that autoscale makes.' }),
    autoscale: t.exposeBoolean('autoscale', {
      description: 'Whether the number follows the requests in flight, between min and max.',
    }),
    targetInFlight: t.exposeInt('targetInFlight', {
      description: 'Requests in flight per process that autoscale aims at.',
    }),
  }),
})

/** What every process service holds. */
function held<Row>(id: string, row: Row | null | ''): Row {
  if (row === null || row === '') throw new Error(`The process service ${id} misses what it runs.`)
  return row
}

export const ProcessServiceType = builder.prismaObject('Service', {
  variant: 'ProcessService',
  description: 'A version of a deployment, run as processes.',
  interfaces: [ServiceInterface, NodeInterface, AddressableInterface, LiveInterface],
  fields: (t) => ({
    // of the interfaces that have an id, Node's would be inherited, which knows no noun
    id: t.id({ description: 'Canonical id.', resolve: ({ id }) => ServiceId.text(id) }),
    // not relations: Prisma would fetch them with a statement of its own making, which costs several times as much
    deployment: t.field({
      type: DeploymentType,
      description: 'What it is a service of.',
      resolve: async (service, _args, ctx) => {
        const along = deploymentAlong(service)
        if (along !== undefined) return along
        const { id, deploymentId } = service
        return held(id, deploymentId && (await deploymentOf(ctx, deploymentId)))
      },
    }),
    version: t.field({
      type: VersionType,
      description: 'What serves now, or is to serve first.',
      resolve: async ({ id, versionId }, _args, ctx) =>
        held(id, versionId && (await versionOf(ctx, versionId))),
    }),
    targetVersion: t.field({
      type: VersionType,
      nullable: true,
      description: 'Set while another version is on its way.',
      resolve: ({ targetVersionId }, _args, ctx) =>
        targetVersionId === null ? null : versionOf(ctx, targetVersionId),
    }),
    instances: t.relation('instances', {
      description: 'Its processes.',
      query: {
        where: { closedAt: null },
        orderBy: [{ ordinal: 'asc' }, { generation: 'asc' }],
      },
    }),
    scale: t.field({
      type: ScaleType,
      description: 'How many processes, and who decides.',
      resolve: scaleOf,
    }),
    instanceType: t.exposeString('instanceType', {
      description: 'Size of its processes; told, not heeded, by the process runtime.',
    }),
    environment: t.field({
      type: [EnvironmentVariableType],
      description: 'Variables of its processes, layer by layer; of one name the last wins.',
      resolve: async (service, _args, ctx) => {
        const { id, organizationId, environment, deploymentId, versionId } = service
        const [deployment, version] = await Promise.all([
          deploymentId === null ? null : deploymentOf(ctx, deploymentId),
          versionId === null ? null : versionOf(ctx, versionId),
        ])
        const layer = (source: LayeredVariable['source'], subject: string, list: unknown) =>
          // the columns hold what withVariables and createDeploymentVersion made
          (list as Omit<Variable, 'isSecret'>[]).map((variable) => ({
            isSecret: false,
            ...variable,
            source,
            organizationId,
            subject,
          }))
        return [
          ...layer('DEPLOYMENT', `dep:${deploymentId}`, deployment?.environment ?? []),
          ...layer('VERSION', `svc:${id}`, version?.parameters ?? []),
          ...layer('SERVICE', `svc:${id}`, environment),
        ]
      },
    }),
    cors: t.field({
      type: CorsPolicyType,
      nullable: true,
      description: 'Which pages of other origins may call it from a browser; null for none.',
      resolve: ({ cors }) => cors as unknown as CorsPolicy | null, // the column holds what policyOf made
    }),
    invokeUrl: t.string({
      description:
        'Where to call it by plain HTTP: any method and content type, streamed both ways, WebSockets too.',
      resolve: ({ id, deploymentId }, _args, { origin }) =>
        `${origin}/deployments/${deploymentId === null ? '' : DeploymentId.text(deploymentId)}/services/${ServiceId.text(id)}`,
    }),
    pageUrl: t.string({
      nullable: true,
      description:
        'Where browsers open its pages, which have this origin to themselves: any method, a credential in a header or what `openService` answers. Null where the server has no hosts for services (SERVICES_URL).',
      resolve: ({ id }, _args, { config, origin }) => {
        const own = pageOrigin(config, origin, id)
        return own === undefined ? null : `${own}/`
      },
    }),
  }),
})

addressable(ProcessServiceType, serviceNaming, { kind: 'PROCESS' })
isNode(ServiceId, ({ kind }: Service) => typenameOf(kind), serviceById)
hasStates('ProcessService', serviceMoves)

const ProcessServiceConnection = connectionOf<Service>(
  'ProcessService',
  ProcessServiceType,
  'process services',
)

// the deployments' own types cannot know of services, which are built on them
builder.objectField(DeploymentType, 'services', (t) =>
  t.field({
    type: ProcessServiceConnection,
    description: 'Its services, oldest first.',
    args: pageArgs(t.arg),
    resolve: ({ id }, args, ctx) => servicePages(ctx, id, args),
  }),
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
      resolve: ({ serviceId }, _args, ctx) => serviceById(ctx, serviceId),
    }),
    events: t.field({
      type: [ServiceEventType],
      description: 'What happened.',
      resolve: ({ events }) => [...events],
    }),
  }),
})
