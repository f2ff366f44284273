import { JsonText } from '../../kit/json.ts'
import type { Asked } from '../route.ts'

/*
 * What stands beside the data: JSON schemas of it (contract 4). No known client reads them, so they are written once.
 */

type Properties = Readonly<Record<string, object>>

const DRAFT = 'http://json-schema.org/draft-04/schema#'

const schema = (
  title: string,
  description: string,
  properties: Properties,
  required: readonly string[] = Object.keys(properties),
) => ({
  $schema: DRAFT,
  title,
  description,
  type: 'object',
  properties,
  required: required.toSorted(),
})

const text = (title: string) => ({ title, type: 'string' })
const flag = (title: string) => ({ title, type: 'boolean' })
const map = (title: string) => ({ title, type: 'object' })

const shortJob = { id: text('id'), status: text('status'), date_submitted: text('date_submitted') }
const job = { ...shortJob, parameters: map('parameters'), results: map('results') }
const shortService = { id: text('id'), name: text('name'), description: text('description') }
const newService = {
  name: text('name'),
  description: text('description'),
  job_registration_schema: map('job_registration_schema'),
  job_result_schema: map('job_result_schema'),
}

const jobSchema = schema('Job', 'A job of a service', job)
const array = (items: object) => ({ $schema: DRAFT, type: 'array', items })
const fixed = (meta: object): JsonText => JsonText.of(meta)

export const infoMeta = fixed({
  schema: schema('API', 'What this API is', {
    documentation_url: text('documentation_url'),
    maintainer_email: text('maintainer_email'),
    maintainer_name: text('maintainer_name'),
    source_code_repository_url: text('source_code_repository_url'),
    version: text('version'),
  }),
})

export const servicesMeta = fixed({
  service_schema: schema('Service', 'A service', shortService),
  new_service_schema: schema('New service', 'What makes a service', newService),
})

export const serviceMeta = fixed({
  service_schema: schema('Service', 'A service with its jobs', {
    ...shortService,
    job_registration_schema: newService.job_registration_schema,
    job_result_schema: newService.job_result_schema,
    is_service_available: flag('is_service_available'),
    has_timed_out: flag('has_timed_out'),
    timeout: { title: 'timeout', type: 'integer' },
    jobs: { title: 'jobs', type: 'array', items: schema('Job', 'A job', shortJob) },
  }),
})

export const jobsMeta = fixed({
  data_schema: array(schema('Job', 'A job of any service', shortJob)),
})

const dataSchema = JsonText.of(array(jobSchema))

/** Beside the jobs of a service, whose own schema says what a new one may be. */
export const serviceJobsMeta = (parameters: unknown) => ({
  data_schema: dataSchema,
  new_job_schema: schema('New job', 'What makes a job', { parameters: parameters as object }), // whatever it is
})

export const queueMeta = new JsonText(`{"data_schema":${dataSchema.text}}`)

export const nextMeta = fixed({ job_schema: jobSchema })

export const jobMeta = fixed({
  job_info_schema: jobSchema,
  patch_request_schema: schema(
    'Change of a job',
    'What may be set',
    { status: text('status'), results: map('results') },
    [],
  ),
})

export const validatorMeta = fixed({
  validator_schema: schema('Validator', 'What is checked', {
    object: map('object'),
    schema: map('schema'),
  }),
})

/** Where the request was sent to, whatever its query. */
export const self = ({ base, path }: Asked) => ({ self: base + path })
