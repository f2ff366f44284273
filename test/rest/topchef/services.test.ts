import { afterAll, beforeAll, expect, test } from 'vitest'
import { testApp, type TestApp } from '../../support/app.ts'
import { SERVICE, Topchef } from './support.ts'

/* Contract 5 and 6: services. */

let app: TestApp
let topchef: Topchef
beforeAll(async () => {
  app = await testApp()
  topchef = Topchef.of(app.admin)
})
afterAll(() => app.close())

const uuid = expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)

test('6 GET / tells of the API, at the bare base too, directly', async () => {
  for (const path of ['', '/']) {
    const { status, body } = await topchef.call('GET', path)
    expect(status).toBe(200)
    expect(Object.keys(body.data).toSorted()).toEqual([
      'documentation_url',
      'maintainer_email',
      'maintainer_name',
      'source_code_repository_url',
      'version',
    ])
    expect(body.links.self).toBe(`${topchef.base}/`)
  }
})

test('6 POST /services answers where the service is, and the service itself', async () => {
  const { status, headers, body } = await topchef.call('POST', '/services', {
    ...SERVICE,
    timeout: 7,
    is_available: true,
    id: 'x',
  })
  expect(status).toBe(201)
  const { id } = body.data.service_details
  expect(headers.get('location')).toBe(`${topchef.base}/services/${id}`)
  expect(body).toEqual({
    data: {
      message: expect.stringContaining(id),
      service_details: {
        ...SERVICE,
        id: uuid,
        is_service_available: false,
        has_timed_out: false,
        timeout: 30,
        jobs: [],
      },
    },
    links: { self: `${topchef.base}/services` },
  })
})

test('6 GET /services has all services in the order they were made, as short ones', async () => {
  const first = await topchef.service({ name: '' })
  const second = await topchef.service({ name: 'x'.repeat(500) })
  const { body } = await topchef.call('GET', '/services?limit=1')
  expect(Object.keys(body).toSorted()).toEqual(['data', 'links', 'meta'])
  expect(body.links.self).toBe(`${topchef.base}/services`)
  expect(body.data.slice(-2)).toEqual([
    { id: first.slice(10), name: '', description: 'Adds.' },
    { id: second.slice(10), name: 'x'.repeat(500), description: 'Adds.' },
  ])
  const { new_service_schema } = body['meta'] as Record<string, { required: unknown }>
  expect(new_service_schema?.required).toEqual([
    'description',
    'job_registration_schema',
    'job_result_schema',
    'name',
  ])
})

test('6 any number of services may be called the same', async () => {
  const made = new Set<string>()
  for (let n = 0; n < 20; n += 1) made.add(await topchef.service({ name: 'twin' }))
  expect(made.size).toBe(20)
})

test('5 GET /services/{sid} has nine keys, the schemas verbatim and the jobs oldest first', async () => {
  const schema =
    '{ "z": 12345678901234567890, "1": 1.0, "properties": {"b": {}, "a": {}}, "b": 1e400, "z2": "\\ud800" }'
  const made = await topchef.call('POST', '/services', undefined, {
    raw: `{"name":"ä","description":"","job_registration_schema":${schema},"job_result_schema":{}}`,
  })
  expect(made.status).toBe(201)
  expect(made.text).toContain(`"job_registration_schema":${schema}`)
  const path = `/services/${made.body.data.service_details.id}`
  const jobs = [await topchef.job(path), await topchef.job(path), await topchef.job(path)]
  const { text, body } = await topchef.call('GET', path)
  expect(text).toContain(`"job_registration_schema":${schema}`)
  expect(Object.keys(body.data).toSorted()).toEqual([
    'description',
    'has_timed_out',
    'id',
    'is_service_available',
    'job_registration_schema',
    'job_result_schema',
    'jobs',
    'name',
    'timeout',
  ])
  expect(body.links.self).toBe(topchef.base + path)
  expect(body.data.jobs.map(({ id }) => `/jobs/${id}`)).toEqual(jobs)
  expect(body.data.jobs[0]).toEqual({
    id: uuid,
    status: 'REGISTERED',
    date_submitted: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/),
  })
})

test('6 POST /services names every key that is wrong, and stores nothing', async () => {
  const before = (await topchef.did('GET', '/services')).data.length
  const { status, body } = await topchef.call('POST', '/services', {
    name: 5,
    description: null,
    job_registration_schema: [],
  })
  expect(status).toBe(400)
  expect(body.errors).toHaveLength(4)
  for (const key of Object.keys(SERVICE))
    expect(body.errors).toContainEqual({
      status_code: 400,
      title: 'Deserialization Error From Client Data',
      detail: expect.stringContaining(`${key}:`),
    })
  const list = await topchef.call('POST', '/services', [])
  expect(list.body.errors.map(({ detail }) => detail)).toEqual([
    expect.stringContaining('_schema'),
  ])
  const schema = await topchef.call('POST', '/services', {
    ...SERVICE,
    job_result_schema: { type: 'nonsense' },
  })
  expect(schema.status).toBe(400)
  expect(schema.body.errors[0]?.detail).toContain('job_result_schema')
  expect((await topchef.did('GET', '/services')).data).toHaveLength(before)
})
