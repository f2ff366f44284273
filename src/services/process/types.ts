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
import { ServiceId, serviceMoves, services } from '../service.ts'
import { ServiceInterface } from '../types.ts'
import { CorsPolicyType } from './cors.ts'
import { instancesOf, InstanceType } from './instances.ts'
import { pageOrigin } from './page.ts'
import { scaleColumnNames, scaleOf, type Scale } from './scale.ts'

const ScaleType = builder.objectRef<Scale>('Scale').implement({
  description: 'Number of processes of a service, and whether autoscale sets it.',
  fields: (t) => ({
    desired: t.exposeInt('desired', {
      description: 'Number of processes wanted. Under autoscale: its latest decision.',
    }),
    min: t.exposeInt('min', {
      description:
        'Smallest number of processes under autoscale. With 0 the service has no processes while nobody calls it.',
    }),
    max: t.exposeInt('max', { description: 'Largest number of processes under autoscale.' }),
    autoscale: t.exposeBoolean('autoscale', {
      description:
        'Whether the number of processes follows the number of requests in flight, between `min` and `max`.',
    }),
    targetInFlight: t.exposeInt('targetInFlight', {
      description: 'Target number of requests in flight per process, for autoscale.',
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
  description: 'A service that runs a version of a deployment as processes.',
  interfaces: [ServiceInterface, NodeInterface, AddressableInterface, LiveInterface],
  fields: (t) => ({
    // of the interfaces that have an id, Node's would be inherited, which knows no noun
    id: t.id({ description: 'ID of the service.', resolve: ({ id }) => ServiceId.text(id) }),
    // not relations: Prisma would fetch them with a statement of its own making, which costs several times as much
    deployment: t.field({
      type: DeploymentType,
      description: 'Deployment that the service belongs to.',
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
      description: 'Version that serves at present, or that will serve first.',
      ...serviceFields.from(['versionId'], async ({ id, versionId }, _args, ctx) =>
        held(id, versionId && (await versionOf(ctx, versionId))),
      ),
    }),
    targetVersion: t.field({
      type: VersionType,
      nullable: true,
      description: 'Version that is being rolled out. Null when none is.',
      ...serviceFields.from(['targetVersionId'], ({ targetVersionId }, _args, ctx) =>
        targetVersionId === null ? null : versionOf(ctx, targetVersionId),
      ),
    }),
    instances: t.field({
      type: [InstanceType],
      description: 'Processes of the service.',
      resolve: async ({ id }, _args, ctx) => (await instancesOf(ctx, id)) ?? [],
    }),
    scale: t.field({
      type: ScaleType,
      description: 'Number of processes.',
      ...serviceFields.from(scaleColumnNames, scaleOf),
    }),
    instanceType: t.exposeString('instanceType', {
      description:
        'Name of the instance type, which is the size of each process. The process runtime does not enforce it.',
    }),
    environment: t.field({
      type: [EnvironmentVariableType],
      description:
        'Environment variables of the processes, layer by layer. Of variables with the same name the last one wins.',
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
      description: 'Pages of other origins that may call the service from a browser. Null: none.',
      ...serviceFields.from(
        ['cors'],
        ({ cors }) => cors as unknown as CorsPolicy | null, // the column holds what policyOf made
      ),
    }),
    invokeUrl: t.string({
      description:
        'URL that calls the service by plain HTTP: every method and content type, streamed in both directions, and WebSockets.',
      ...serviceFields.from(
        ['deploymentId'],
        ({ id, deploymentId }, _args, { origin }) =>
          `${origin}/deployments/${deploymentId === null ? '' : DeploymentId.text(deploymentId)}/services/${ServiceId.text(id)}`,
      ),
    }),
    pageUrl: t.string({
      nullable: true,
      description:
        'URL at which browsers open the pages of the service, at a separate origin. Requests of every method need a credential in a header, or the cookie that `openService` sets. Null where the server has no host names for services (setting SERVICES_URL).',
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
