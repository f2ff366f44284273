import { list, object, ref, text, type Schema } from '../document/about.ts'

export { ref } from '../document/about.ts'

const time = (description: string): Schema =>
  text(description, { format: 'date-time', example: '2018-06-05T13:07:49.602076Z' })
const variables = (description: string): Schema => ({
  type: 'object',
  description,
  additionalProperties: { type: 'string' },
})
const whole = (description: string, more: Partial<Schema> = {}): Schema => ({
  type: 'integer',
  description,
  ...more,
})
const flag = (description: string): Schema => ({ type: 'boolean', description })
const orNull = (description: string): Schema => ({ type: ['string', 'null'], description })
const nothing = (description: string): Schema => ({ type: 'array', description, items: {} })

export const message = object({ message: text('What was done, such as "ser-… deleted".') })

const deploymentId = text('The deployment.', { example: '1234567890123' })
const number = whole('How many instances: 1 to 300.', { default: 1, minimum: 1, maximum: 300 })
const scale = {
  instance_number: number,
  min_instance_number: whole('The least number of instances.'),
  max_instance_number: whole('The largest number of instances.'),
  enable_autoscale: flag('Whether the number follows the load.'),
}

const creator = object({
  id: text('The person.'),
  email: text('Its address.'),
  display_name: orNull('How it is called.'),
  is_registered: flag('Whether it is a person; false for a token of nobody.'),
  role: text('What it may do in the organization.', { enum: ['admin', 'developer', 'regular'] }),
  created_at: time('Since when.'),
  updated_at: time('The same.'),
})

const organization = object({
  id: text('The organization.', { example: '1234567890123' }),
  name: text('For people.'),
  created_at: time('When it was made.'),
  updated_at: time('The same.'),
})

const service = object({
  service_id: text('The service.', { example: 'ser-57e40a4c681a4a09' }),
  deployment_id: deploymentId,
  models: variables('Empty: models are not offered.'),
  model_version: text('The label of the version that runs.'),
  model_version_id: text('That version.', { example: 'ver-1cfab7455c8e43a7' }),
  status: text('Its state.', { enum: ['IN_PROGRESS', 'READY', 'STOPPED', 'FAILED'] }),
  ...scale,
  instance_type: text('Size of its instances.', { example: 'cpu-0.25' }),
  metrics_url: orNull('Null.'),
  user_env_vars: variables('The variables it was given.'),
  merged_env_vars: variables('The same over those of its version and deployment.'),
  record_channel_id: orNull('As it was given.'),
  service_process_type: text('"multi".'),
  created_at: time('When it was made.'),
  modified_at: time('When it was last changed.'),
})

const deployment = object({
  deployment_id: deploymentId,
  name: text('For people; need not be unique.'),
  description: text('For people.'),
  creator,
  default_environment: variables('Variables of all its services.'),
  services: list(ref('Service')),
  runs: nothing('Empty: runs are not offered.'),
  triggers: nothing('Empty: triggers are not offered.'),
  endpoints: nothing('Empty; GET …/endpoints has them.'),
  daemons: nothing('Empty.'),
  codes: nothing('Empty.'),
  created_at: time('When it was made.'),
  modified_at: time('When it was last changed.'),
})

const version = object({
  deployment_id: deploymentId,
  version: text('Its label.', { example: '0.0.1' }),
  version_id: text('The version.', { example: 'ver-1cfab7455c8e43a7' }),
  handler: text('Module and function.', { example: 'main:handler' }),
  image: text('What runs it.', { example: 'abeja-inc/all-cpu:19.10' }),
  user_parameters: variables('Variables of this version.'),
  creator,
  description: orNull('Null.'),
  training_job_id: orNull('Null.'),
  job_definition_id: orNull('Null.'),
  job_definition_version: orNull('Null.'),
  model_id: orNull('Null.'),
  created_at: time('When it was made.'),
  modified_at: time('When its archive had arrived, else when it was made.'),
})

const newDeployment = {
  name: text('For people; need not be unique.'),
  description: text('For people.'),
  default_environment: variables('Variables of all its services.'),
}

const runs = {
  instance_type: text('Size of its instances.', { default: 'cpu-0.25' }),
  ...scale,
  environment: variables('Its variables.'),
  models: variables('No model is known here, so any is refused.'),
  record_channel_id: orNull('Kept and given back.'),
}

const endpoint = object({
  endpoint_id: text('The endpoint.', { example: 'pnt-0123456789abcdef' }),
  custom_alias: text('Its name, unique in the deployment.', { example: 'default' }),
  service_id: orNull('The service it leads to; null once that is deleted.'),
})

const line = object({ message: text('The line.'), timestamp: time('When it was stored.') })

export const schemas: Readonly<Record<string, Schema>> = {
  Organization: organization,
  Deployment: deployment,
  Deployments: object({ entries: list(ref('Deployment')) }),
  NewDeployment: object(newDeployment, ['name']),
  DeploymentChange: object(newDeployment, []),
  Version: version,
  Versions: object({ entries: list(ref('Version')) }),
  NewVersion: object(
    {
      version: text('Its label, unique in the deployment.'),
      image: text('What runs it: `node…` a Node.js module, every other image Python.'),
      handler: text('Module and function.', { default: 'main:handler' }),
      user_parameters: variables('Variables of this version.'),
    },
    ['version', 'image'],
  ),
  VersionToUpload: object({
    ...version.properties,
    upload_url: text('Where to PUT the archive, for an hour, without a credential.'),
  }),
  Service: service,
  Services: object({ entries: list(ref('Service')) }),
  NewService: object({ version_id: text('The version to run.'), ...runs }, ['version_id']),
  ServiceChange: object({ version_id: text('The version to run.'), ...runs }, []),
  Endpoint: endpoint,
  Endpoints: object({ entries: list(ref('Endpoint')) }),
  NewEndpoint: object(
    {
      service_id: text('A service of the deployment.'),
      custom_alias: text('Its name.', { default: 'default' }),
    },
    ['service_id'],
  ),
  EndpointChange: object({ service_id: text('A service of the deployment.') }),
  RecentLogs: object({
    events: list(line),
    next_backward_token: text('For what is older.'),
    next_forward_token: text('For what is newer, now or later.'),
  }),
  Logs: object({ events: list(line), next_token: text('For what follows; absent at the end.') }, [
    'events',
  ]),
  Failure: object(
    {
      error: text('What kind of failure, for programs.', { example: 'not_found' }),
      error_description: text('One sentence for people.'),
      error_detail: {
        type: 'object',
        description: 'Fields with what is wrong about them.',
        additionalProperties: { type: 'array', items: { type: 'string' } },
      },
    },
    ['error', 'error_description'],
  ),
}
