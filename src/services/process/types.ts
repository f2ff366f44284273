import { addressable, AddressableInterface } from '../../addresses/index.ts'
import { builder } from '../../builder.ts'
import {
  DeploymentId,
  deploymentOf,
  DeploymentType,
  EnvironmentVariableType,
  versionOf,
  VersionType,
  type LayeredVariable,
  type PartialDeployment,
} from '../../deployments/index.ts'
import { InstanceStatus } from '../../generated/prisma/client.ts'
import { connectionOf } from '../../graph/connection.ts'
import { seenAs } from '../../graph/columns.ts'
import { LiveInterface } from '../../graph/live.ts'
import { hasStates } from '../../graph/machine.ts'
import { NodeInterface } from '../../graph/node.ts'
import { orderedArgs } from '../../graph/order.ts'
import type { Variable } from '../../kit/environment.ts'
import type { CorsPolicy } from '../../kit/http/cors.ts'
import { alwaysRead, deploymentAlong, serviceFields, type PartialService } from '../columns.ts'
import { servicePages } from '../pages.ts'
import { InstanceId, ServiceId, serviceMoves, services } from '../service.ts'
import { ServiceInterface } from '../types.ts'
import { CorsPolicyType } from './cors.ts'
import { pageOrigin } from './page.ts'
import { scaleColumnNames, scaleOf, type Scale } from './scale.ts'

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
  select: seenAs(alwaysRead),
  description: 'A version of a deployment, run as processes.',
  interfaces: [ServiceInterface, NodeInterface, AddressableInterface, LiveInterface],
  fields: (t) => ({
    // of the interfaces that have an id, Node's would be inherited, which knows no noun
    id: t.id({ description: 'Canonical id.', resolve: ({ id }) => ServiceId.text(id) }),
    // not relations: Prisma would fetch them with a statement of its own making, which costs several times as much
    deployment: t.field({
      type: DeploymentType,
      description: 'What it is a service of.',
      ...serviceFields.from(
        ['deploymentId'],
        async (service, _args, ctx): Promise<PartialDeployment> => {
          const { id, deploymentId } = service
          return (
            deploymentAlong(service) ??
            held(id, deploymentId && (await deploymentOf(ctx, deploymentId)))
          )
        },
      ),
    }),
    version: t.field({
      type: VersionType,
      description: 'What serves now, or is to serve first.',
      ...serviceFields.from(['versionId'], async ({ id, versionId }, _args, ctx) =>
        held(id, versionId && (await versionOf(ctx, versionId))),
      ),
    }),
    targetVersion: t.field({
      type: VersionType,
      nullable: true,
      description: 'Set while another version is on its way.',
      ...serviceFields.from(['targetVersionId'], ({ targetVersionId }, _args, ctx) =>
        targetVersionId === null ? null : versionOf(ctx, targetVersionId),
      ),
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
      ...serviceFields.from(scaleColumnNames, scaleOf),
    }),
    instanceType: t.exposeString('instanceType', {
      description: 'Size of its processes; told, not heeded, by the process runtime.',
    }),
    environment: t.field({
      type: [EnvironmentVariableType],
      description: 'Variables of its processes, layer by layer; of one name the last wins.',
      ...serviceFields.from(
        ['environment', 'deploymentId', 'versionId'],
        async (service, _args, ctx) => {
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
      ),
    }),
    cors: t.field({
      type: CorsPolicyType,
      nullable: true,
      description: 'Which pages of other origins may call it from a browser; null for none.',
      ...serviceFields.from(
        ['cors'],
        ({ cors }) => cors as unknown as CorsPolicy | null, // the column holds what policyOf made
      ),
    }),
    invokeUrl: t.string({
      description:
        'Where to call it by plain HTTP: any method and content type, streamed both ways, WebSockets too.',
      ...serviceFields.from(
        ['deploymentId'],
        ({ id, deploymentId }, _args, { origin }) =>
          `${origin}/deployments/${deploymentId === null ? '' : DeploymentId.text(deploymentId)}/services/${ServiceId.text(id)}`,
      ),
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

addressable(ProcessServiceType, services, { kind: 'PROCESS' })
hasStates('ProcessService', serviceMoves)

const ProcessServiceConnection = connectionOf<PartialService>(
  'ProcessService',
  ProcessServiceType,
  'process services',
)

// the deployments' own types cannot know of services, which are built on them
builder.objectField(DeploymentType, 'services', (t) =>
  t.field({
    type: ProcessServiceConnection,
    description: 'Services of the deployment.',
    args: orderedArgs(t.arg),
    resolve: ({ id }, args, ctx) => servicePages(ctx, id, args),
  }),
)
