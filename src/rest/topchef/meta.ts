import { JsonText } from '../../kit/json/json.ts'
import type { Asked } from '../route.ts'

/*
 * What stands beside the data: JSON schemas of it (contract 4), word for word what the original publishes of keys,
 * types and what is required, but for two values that do not fit there: a time-out is a number, and a job has no
 * results until it has some. No known client reads them, so they are written once.
 */

type Properties = Readonly<Record<string, object>>

const DRAFT = 'http://json-schema.org/draft-04/schema#'

/** An object of these properties; of those that are required the names in alphabetical order. */
const bare = (
  properties: Properties,
  required: readonly string[] = Object.keys(properties),
): object => ({ type: 'object', properties, required: required.toSorted() })

const schema = (title: string, description: string, content: object) => ({
  $schema: DRAFT,
  title,
  description,
  ...content,
})

const text = (title: string) => ({ title, type: 'string' })
const flag = (title: string) => ({ title, type: 'boolean' })
const map = (title: string) => ({ title, type: 'object' })

const id = { ...text('id'), format: 'uuid' }
const submitted = { ...text('date_submitted'), format: 'date-time' }
// it has no title there
const status = { type: 'string', enum: ['REGISTERED', 'WORKING', 'COMPLETED', 'ERROR'] }

/** What nobody sends. The word is the original's, with a small letter; a status is none of these there. */
const told = (properties: Properties): Properties =>
  Object.fromEntries(
    Object.entries(properties).map(([name, one]) => [name, { ...one, readonly: true }]),
  )

const shortJob = bare({ ...told({ id, date_submitted: submitted }), status })
const job = bare(
  {
    id,
    status,
    parameters: map('parameters'),
    results: { title: 'results', type: ['object', 'null'] },
    date_submitted: submitted,
  },
  ['id', 'status', 'parameters', 'results'],
)
const shortService = { id, name: text('name'), description: text('description') }
const newService = {
  name: shortService.name,
  description: shortService.description,
  job_registration_schema: map('job_registration_schema'),
  job_result_schema: map('job_result_schema'),
}
const service = told({
  ...shortService,
  job_registration_schema: newService.job_registration_schema,
  job_result_schema: newService.job_result_schema,
  is_service_available: flag('is_service_available'),
  has_timed_out: flag('has_timed_out'),
  timeout: { title: 'timeout', type: 'integer' },
})

const array = (title: string, items: object) =>
  schema(title, 'The data of this answer', {
    type: 'array',
    items: { $schema: DRAFT, ...items },
  })
const fixed = (meta: object): JsonText => JsonText.of(meta)

export const infoMeta = fixed({
  schema: schema(
    'API Metadata',
    'What this API is',
    bare(
      told({
        documentation_url: text('documentation_url'),
        maintainer_email: text('maintainer_email'),
        maintainer_name: text('maintainer_name'),
        source_code_repository_url: text('source_code_repository_url'),
        version: text('version'),
      }),
    ),
  ),
})

export const servicesMeta = fixed({
  service_schema: schema(
    'Service overview schema',
    'A service in this list',
    bare(told(shortService)),
  ),
  new_service_schema: schema('New Service Schema', 'What makes a service', bare(newService)),
})

export const serviceMeta = fixed({
  service_schema: schema(
    'Detailed Service Schema',
    'A service with its jobs',
    bare({ ...service, jobs: { type: ['array', 'null'], items: shortJob } }, Object.keys(service)),
  ),
})

export const jobsMeta = fixed({ data_schema: array('Job Endpoint Schema', shortJob) })

const dataSchema = JsonText.of(array('Data Schema', job))

/** Beside the jobs of a service, whose own schema says what a new one may be. */
export const serviceJobsMeta = (parameters: unknown) => ({
  data_schema: dataSchema,
  new_job_schema: schema('New Job Schema', 'What makes a job', {
    type: 'object',
    properties: { parameters },
  }),
})

export const queueMeta = fixed({ data_schema: array('Job List Schema', job) })

export const nextMeta = fixed({ job_schema: schema('Job Schema', 'A job of a service', job) })

export const jobMeta = fixed({
  job_info_schema: schema('Detailed Job Schema', 'A job of a service', job),
  patch_request_schema: schema(
    'Detailed Job Schema',
    'What may be set of a job',
    bare({ status, results: map('results') }, []),
  ),
})

export const validatorMeta = fixed({
  validator_schema: schema(
    'JSON Schema Validator',
    'What is checked',
    bare({ object: map('object'), schema: map('schema') }),
  ),
})

/** Where the request was sent to, whatever its query. */
export const self = ({ base, path }: Asked) => ({ self: base + path })
