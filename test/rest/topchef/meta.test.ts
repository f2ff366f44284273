import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedApp, type SharedApp } from '../../../testkit/shared.ts'
import { SERVICE, Topchef } from '../../../testkit/fronts/topchef.ts'

/*
 * The schemas that answers publish, against what the original published and against the answers (contract topchef 4
 * and 6).
 */

let app: SharedApp
let topchef: Topchef
let service: string
let waiting: string
let ended: string
beforeAll(async () => {
  app = await sharedApp()
  topchef = Topchef.of(app.admin)
  service = await topchef.service()
  waiting = await topchef.job(service)
  ended = await topchef.job(service)
  await topchef.did('PATCH', ended, { status: 'COMPLETED', results: { sum: 1 } })
})
afterAll(() => app.close())

type Schemas = Readonly<Record<string, unknown>>

/** Paths, each with the schema that it publishes of its data. */
const places = (): [path: string, key: string][] => [
  ['/', 'schema'],
  [service, 'service_schema'],
  [`${service}/jobs`, 'data_schema'],
  [`${service}/queue`, 'data_schema'],
  [`${service}/jobs/next`, 'job_schema'],
  ['/jobs', 'data_schema'],
  [waiting, 'job_info_schema'],
  [ended, 'job_info_schema'],
]

/** Whether a value fits a schema, as this very front sees it: its validator takes objects alone. */
async function fits(schema: unknown, value: unknown): Promise<void> {
  const properties = { value: schema }
  const { status, text } = await topchef.call('POST', '/validator', {
    schema: { properties },
    object: { value },
  })
  expect(status, text).toBe(200)
}

test('every answer fits the schema that it publishes, with results and without', async () => {
  for (const [path, key] of places()) {
    const { data, meta } = await topchef.did('GET', path)
    await fits((meta as Schemas)[key], data)
  }
  const { data, meta } = await topchef.did('GET', '/services')
  await fits({ items: (meta as Schemas)['service_schema'] }, data)
  // what makes a service, a job, and a change of one
  await fits((meta as Schemas)['new_service_schema'], SERVICE)
  const { new_job_schema } = (await topchef.did('GET', `${service}/jobs`))['meta'] as Schemas
  await fits(new_job_schema, { parameters: { value: 1 } })
  await fits(new_job_schema, {})
  const { patch_request_schema } = (await topchef.did('GET', waiting))['meta'] as Schemas
  await fits(patch_request_schema, { status: 'COMPLETED', results: {} })
})

const uuid = { title: 'id', type: 'string', format: 'uuid' }
const date = { title: 'date_submitted', type: 'string', format: 'date-time' }
const status = { type: 'string', enum: ['REGISTERED', 'WORKING', 'COMPLETED', 'ERROR'] }
const readonly = true
const of = (title: string, type: string) => ({ title, type })
const shortJob = {
  type: 'object',
  properties: { id: { ...uuid, readonly }, status, date_submitted: { ...date, readonly } },
  required: ['date_submitted', 'id', 'status'],
}
const job = {
  type: 'object',
  properties: {
    id: uuid,
    status,
    date_submitted: date,
    parameters: of('parameters', 'object'),
    results: { title: 'results', type: ['object', 'null'] },
  },
  required: ['id', 'parameters', 'results', 'status'],
}

const metaOf = async (path: string) => (await topchef.did('GET', path))['meta']

test('the keys, types and requirements are those of the original', async () => {
  for (const path of [waiting, ended])
    expect(await metaOf(path)).toMatchObject({
      job_info_schema: job,
      patch_request_schema: {
        properties: { status, results: of('results', 'object') },
        required: [],
      },
    })
  expect(await metaOf(`${service}/jobs/next`)).toMatchObject({ job_schema: job })
  for (const path of ['queue', 'jobs'])
    expect(await metaOf(`${service}/${path}`)).toMatchObject({
      data_schema: { type: 'array', items: job },
    })
  expect(await metaOf('/jobs')).toMatchObject({ data_schema: { type: 'array', items: shortJob } })
  expect(await metaOf(`${service}/jobs`)).toMatchObject({
    new_job_schema: { properties: { parameters: SERVICE.job_registration_schema } },
  })
  expect((await metaOf(`${service}/jobs`)) as Schemas).not.toHaveProperty('new_job_schema.required')
  expect(await metaOf(service)).toMatchObject({
    service_schema: {
      properties: {
        id: { ...uuid, readonly },
        timeout: { readonly, type: 'integer' },
        is_service_available: { readonly, type: 'boolean' },
        jobs: { type: ['array', 'null'], items: shortJob },
      },
      required: [
        'description',
        'has_timed_out',
        'id',
        'is_service_available',
        'job_registration_schema',
        'job_result_schema',
        'name',
        'timeout',
      ],
    },
  })
  expect(await metaOf('/services')).toMatchObject({
    service_schema: {
      properties: { id: { ...uuid, readonly }, name: { readonly }, description: { readonly } },
      required: ['description', 'id', 'name'],
    },
    new_service_schema: {
      properties: { name: of('name', 'string') },
      required: ['description', 'job_registration_schema', 'job_result_schema', 'name'],
    },
  })
})
