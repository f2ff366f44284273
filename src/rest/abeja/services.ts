import {
  AbejaCreateServiceDocument,
  AbejaDeleteServiceDocument,
  AbejaServiceDocument,
  AbejaServicesDocument,
  AbejaStartServiceDocument,
  AbejaStopServiceDocument,
  AbejaUpdateServiceDocument,
  type AbejaServiceFragment,
  type ServiceStatus,
} from '../../generated/operations/graphql.ts'
import { JsonText } from '../../kit/json/json.ts'
import { listing } from '../listing.ts'
import { absent, done, wrong } from '../problem.ts'
import { json } from '../reply.ts'
import { route, type Asked } from '../route.ts'
import { about } from './about.ts'
import { Fields } from './fields.ts'
import { inDeployment, inService } from './guards.ts'
import { deployment, DEPLOYMENT, service, SERVICE, versionNamed } from './ids.ts'
import { message, ref } from './schemas.ts'

/** The lifecycle of this dialect (contract 4.4.4). */
const statuses: Readonly<Record<ServiceStatus, string>> = {
  STARTING: 'IN_PROGRESS',
  SCALING: 'IN_PROGRESS',
  READY: 'READY',
  STOPPING: 'STOPPED',
  STOPPED: 'STOPPED',
  FAILED: 'FAILED',
  UNAVAILABLE: 'FAILED',
}

/** A value of a secret is shown to nobody here. */
const HIDDEN = '***'

/** A service in the dialect: of all answers the union, because clients index by key. */
export function serviceOf(found: AbejaServiceFragment): Readonly<Record<string, unknown>> {
  const { environment, scale } = found
  const version = found.targetVersion ?? found.version
  const all: Record<string, string> = {}
  const own: Record<string, string> = {}
  for (const { name, value, source } of environment) {
    all[name] = value ?? HIDDEN
    if (source === 'SERVICE') own[name] = value ?? HIDDEN
  }
  return {
    service_id: found.address,
    deployment_id: found.deployment.address,
    models: {},
    model_version: version.label,
    model_version_id: version.address,
    status: statuses[found.status],
    instance_number: scale.desired,
    min_instance_number: scale.min,
    max_instance_number: scale.max,
    enable_autoscale: scale.autoscale,
    instance_type: found.instanceType,
    metrics_url: null,
    user_env_vars: own,
    merged_env_vars: all,
    record_channel_id: recordChannel(found.annotations),
    service_process_type: 'multi',
    created_at: found.createdAt,
    modified_at: found.updatedAt,
  }
}

/** What only this dialect keeps with a service. */
const recordChannel = (annotations: unknown): unknown => {
  const kept = annotations instanceof JsonText ? annotations.value : null
  return (kept as { record_channel_id?: unknown } | null)?.record_channel_id ?? null // as written below
}

const there = (found: AbejaServiceFragment | object | null, { params }: Asked) => {
  if (found === null || !('address' in found))
    throw absent(`There is no service "${params['service']}".`)
  return found
}

/** Most instances of a service; and it never has none here. */
const MAX_INSTANCES = 300

function instances(fields: Fields, name: string): number | undefined {
  const count = fields.whole(name)
  if (count !== undefined && (count < 1 || count > MAX_INSTANCES))
    fields.refuse(name, `This must be from 1 to ${MAX_INSTANCES}.`)
  return count
}

/** The numbers of a new service, as the platform forces them (contract 4.4.1). */
function filled({ desired = 1, min = desired, max, autoscale = true }: Wanted['scale']) {
  return { desired, min, max: max ?? Math.min(2 * desired, MAX_INSTANCES), autoscale }
}

type Wanted = ReturnType<typeof wanted>

/** What a body says of how a service runs; `fields` then knows what was wrong with it. */
function wanted(fields: Fields) {
  const models = fields.has('models') ? fields.variables('models') : undefined
  for (const { value } of models ?? []) fields.refuse('models', `There is no model "${value}".`)
  const channel = fields.text('record_channel_id')
  return {
    scale: {
      desired: instances(fields, 'instance_number'),
      min: instances(fields, 'min_instance_number'),
      max: instances(fields, 'max_instance_number'),
      autoscale: fields.flag('enable_autoscale'),
    },
    instanceType: fields.text('instance_type'),
    environment: fields.variables('environment'),
    annotations: fields.has('record_channel_id')
      ? [
          {
            front: 'ABEJA' as const,
            value: channel === undefined ? null : { record_channel_id: channel },
          },
        ]
      : undefined,
  }
}

const tag = 'Services'
const failures = { 404: 'There is no such service.' }

export const serviceRoutes = [
  route({
    method: 'POST',
    path: `${DEPLOYMENT}/services`,
    about: about({
      id: 'create_service',
      summary: 'Create a service',
      tag,
      body: ref('NewService'),
      answer: ref('Service'),
      failures: {
        400: 'A parameter is missing or wrong, or what the service is to be made of is not there.',
      },
    }),
    operation: AbejaCreateServiceDocument,
    guard: inDeployment,
    // what it is made of is a parameter, and a wrong one a bad request
    statuses: { NOT_FOUND: 400 },
    variables(asked) {
      const fields = new Fields(asked)
      const versionId = fields.required('version_id')
      const { scale, instanceType, environment, annotations } = wanted(fields)
      fields.check()
      return {
        input: {
          annotations,
          backend: {
            process: {
              versionId: versionNamed(asked, versionId),
              instanceType: instanceType ?? 'cpu-0.25',
              scale: filled(scale),
              environment,
            },
          },
        },
      }
    },
    reply: ({ createService }, asked) =>
      json(200, serviceOf(there(done(createService).service, asked))),
  }),
  listing({
    method: 'GET',
    path: `${DEPLOYMENT}/services`,
    about: about({
      id: 'get_services',
      summary: 'All services of a deployment',
      tag,
      answer: ref('Services'),
      failures: { 404: 'There is no such deployment.' },
    }),
    operation: AbejaServicesDocument,
    variables: (asked) => ({ deployment: deployment(asked) }),
    connection({ deployment: found }) {
      if (found === null) throw absent('There is no such deployment.')
      return found.services
    },
    item: serviceOf,
    around: () => ['{"entries":[', ']}'],
  }),
  route({
    method: 'GET',
    path: SERVICE,
    about: about({
      id: 'get_service',
      summary: 'A service',
      tag,
      answer: ref('Service'),
      failures,
    }),
    operation: AbejaServiceDocument,
    variables: (asked) => ({ service: service(asked) }),
    reply: ({ service: found }, asked) => json(200, serviceOf(there(found, asked))),
  }),
  route({
    method: 'PATCH',
    path: SERVICE,
    about: about({
      id: 'update_service',
      summary: 'Scale a service, or run it differently',
      tag,
      body: ref('ServiceChange'),
      isBodyOptional: true,
      answer: ref('Service'),
      failures: { ...failures, 400: 'A value is wrong.' },
    }),
    operation: AbejaUpdateServiceDocument,
    guard: inService,
    variables(asked) {
      const fields = new Fields(asked)
      const versionId = fields.text('version_id')
      const { scale, instanceType, environment, annotations } = wanted(fields)
      fields.check()
      return {
        input: {
          id: service(asked),
          annotations,
          backend: {
            process: {
              versionId: versionId === undefined ? undefined : versionNamed(asked, versionId),
              instanceType,
              scale,
              environment,
              clearEnvironment: environment !== undefined,
            },
          },
        },
      }
    },
    reply({ updateService: outcome }, asked) {
      // the version it names is a parameter; only the service itself is what may not be there
      if ('requestedId' in outcome && outcome.requestedId !== service(asked))
        throw wrong('version_id', outcome.message)
      return json(200, serviceOf(there(done(outcome).service, asked)))
    },
  }),
  route({
    method: 'DELETE',
    path: SERVICE,
    about: about({
      id: 'delete_service',
      summary: 'Delete a service, whatever its state',
      tag,
      answer: message,
      failures,
    }),
    operation: AbejaDeleteServiceDocument,
    variables: (asked) => ({ input: { id: service(asked) } }),
    reply({ deleteService }, { params }) {
      done(deleteService)
      return json(200, { message: `${params['service']} deleted` })
    },
  }),
  route({
    method: 'POST',
    path: `${SERVICE}/stop`,
    about: about({
      id: 'stop_service',
      summary: 'Stop a running service',
      tag,
      answer: message,
      failures: { ...failures, 400: 'It does not run.' },
    }),
    operation: AbejaStopServiceDocument,
    variables: (asked) => ({ input: { id: service(asked) } }),
    reply({ stopService }, { params }) {
      done(stopService)
      return json(200, { message: `${params['service']} stopped` })
    },
  }),
  route({
    method: 'POST',
    path: `${SERVICE}/start`,
    about: about({
      id: 'start_service',
      summary: 'Start a stopped or failed service',
      tag,
      answer: message,
      failures: { ...failures, 400: 'It runs already.' },
    }),
    operation: AbejaStartServiceDocument,
    variables: (asked) => ({ input: { id: service(asked) } }),
    reply({ startService }, { params }) {
      done(startService)
      return json(200, { message: `${params['service']} started` })
    },
  }),
]
