import { list, object, ref, text, type Schema } from '../document/about.ts'

export { ref } from '../document/about.ts'

const anything = (description: string): Schema => ({
  type: 'object',
  description,
  additionalProperties: true,
})
const orNull = (description: string): Schema => ({
  type: ['object', 'null'],
  description,
  additionalProperties: true,
})
const flag = (description: string): Schema => ({ type: 'boolean', description })

const id = text('A UUID.', { format: 'uuid', example: '495d76dd-a323-4fd5-9c3c-5a1a0c1e2f3d' })
const status = text('Its state; any case when it is written, and any may follow any.', {
  enum: ['REGISTERED', 'WORKING', 'COMPLETED', 'ERROR'],
})
const submitted = text('When it was submitted.', {
  format: 'date-time',
  example: '2018-06-05T13:07:49.602000+00:00',
})

const shortJob = object({ id, status, date_submitted: submitted })
const jobProperties = {
  id,
  status,
  parameters: anything('As they were submitted.'),
  results: orNull('Null until they are set.'),
  date_submitted: submitted,
}
const alias = orNull(
  'The same as results; absent where a User-Agent that begins with Java/ reads with a JSON content type.',
)
const job = object(jobProperties)
const aliasedJob = object({ ...jobProperties, result: alias }, Object.keys(jobProperties))

const shortService = {
  id,
  name: text('For people; need not be unique.'),
  description: text('For people.'),
}
const contract = {
  job_registration_schema: anything('JSON Schema, draft 4: what parameters must fit.'),
  job_result_schema: anything('JSON Schema, draft 4: what results must fit.'),
}
const timeout: Schema = {
  type: 'integer',
  description: 'Seconds without a check-in after which it has timed out.',
  minimum: 1,
}
const service = object({
  ...shortService,
  ...contract,
  is_service_available: flag('What its worker last said; time does not change it.'),
  has_timed_out: flag('Whether the last check-in is longer ago than that.'),
  timeout,
  jobs: list(ref('ShortJob')),
})

const meta = anything('JSON schemas of the data, and of what may be sent.')
const links = object({ self: text('Where this is.', { format: 'uri' }) })
const answer = (data: Schema): Schema => object({ data, meta, links })
const said = (description: string): Schema => text(description)

export const schemas: Readonly<Record<string, Schema>> = {
  ShortJob: shortJob,
  Job: job,
  AliasedJob: aliasedJob,
  ShortService: object(shortService),
  Service: service,
  NewService: object({
    name: shortService.name,
    description: shortService.description,
    ...contract,
  }),
  ServiceChange: object(
    {
      name: shortService.name,
      description: shortService.description,
      is_available: flag('Whether it takes jobs; read as is_service_available.'),
      timeout,
    },
    [],
  ),
  NewJob: object({ parameters: jobProperties.parameters }),
  JobChange: object({ status, results: jobProperties.results, result: alias }, []),
  Claim: object({ worker: text('What the worker calls itself.', { default: 'TopChef' }) }, []),
  Validation: object({
    object: anything('What is checked.'),
    schema: anything('JSON Schema, draft 4.'),
  }),
  InfoAnswer: answer(
    object({
      documentation_url: said('Where the routes are described.'),
      maintainer_email: said('Empty.'),
      maintainer_name: said('Who made it.'),
      source_code_repository_url: said('Empty.'),
      version: said('Of this server.'),
    }),
  ),
  ServicesAnswer: answer(list(ref('ShortService'))),
  NewServiceAnswer: object({
    data: object({ message: said('With the id.'), service_details: ref('Service') }),
    links,
  }),
  ServiceAnswer: answer(ref('Service')),
  JobsAnswer: answer(list(ref('Job'))),
  QueueAnswer: answer(list(ref('Job'))),
  NextAnswer: answer(ref('Job')),
  ShortJobsAnswer: answer(list(ref('ShortJob'))),
  NewJobAnswer: object({
    data: object({ ...jobProperties, job_details: ref('AliasedJob') }),
    meta: said('With the id.'),
  }),
  JobAnswer: answer(ref('AliasedJob')),
  JobPutAnswer: object({
    data: object({ message: said('With the id.'), job_schema: ref('AliasedJob') }),
  }),
  Anything: { description: 'Any JSON but null.' },
  EchoAnswer: object({ data: ref('Anything') }),
  NothingAnswer: answer(object({})),
  ValidationAnswer: object({ data: object({ status: said('That it fits.') }), links }),
  Failure: object({
    errors: list(
      object({
        status_code: { type: 'integer', description: 'As that of the answer.' },
        title: text('What kind of error.', { example: 'JSONSchema Validation Error' }),
        detail: text('What is wrong, with the key or the id.'),
      }),
    ),
  }),
}
