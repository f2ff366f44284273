import { afterAll, beforeAll, expect, test } from 'vitest'
import { graphql } from '../../../testkit/generated/index.ts'
import { sharedApp, type SharedApp } from '../../../testkit/shared.ts'
import { until } from '../../../testkit/until.ts'
import { SERVICE, Topchef } from '../../../testkit/fronts/topchef.ts'

/* Services (contract topchef 5, 6 and 8). */

let app: SharedApp
let topchef: Topchef
beforeAll(async () => {
  app = await sharedApp()
  topchef = Topchef.of(app.admin)
})
afterAll(() => app.close())

const uuid = expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)

const nine = [
  'description',
  'has_timed_out',
  'id',
  'is_service_available',
  'job_registration_schema',
  'job_result_schema',
  'jobs',
  'name',
  'timeout',
]

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
  expect(Object.keys(body.data).toSorted()).toEqual(nine)
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
  expect(list.body.errors.map(({ detail }) => detail)).toEqual([expect.stringContaining('_schema')])
  const schema = await topchef.call('POST', '/services', {
    ...SERVICE,
    job_result_schema: { type: 'nonsense' },
  })
  expect(schema.status).toBe(400)
  expect(schema.body.errors[0]?.detail).toContain('job_result_schema')
  expect((await topchef.did('GET', '/services')).data).toHaveLength(before)
})

test('6 PATCH changes what is given, and answers both as documented and as served', async () => {
  const path = await topchef.service()
  const job = await topchef.job(path)
  const changes = { is_available: true, name: 'renamed', description: '', timeout: 60, more: 1 }
  const { data, ...rest } = await topchef.did('PATCH', path, changes)
  expect(Object.keys(data).toSorted()).toEqual(nine)
  expect(data).toMatchObject({
    name: 'renamed',
    description: '',
    timeout: 60,
    is_service_available: true,
    job_registration_schema: SERVICE.job_registration_schema,
    jobs: [{ id: job.slice(6) }],
  })
  const { meta, links, ...bare } = rest
  expect(bare).toEqual(data)
  expect(meta).toHaveProperty('service_schema')
  expect(links.self).toBe(topchef.base + path)
  expect((await topchef.did('GET', path)).data).toEqual(data)
})

test('6 PATCH takes what the original takes for a flag and for a number', async () => {
  const path = await topchef.service()
  for (const [given, shown] of [
    [{ is_available: 'true' }, { is_service_available: true }],
    [{ is_available: 0 }, { is_service_available: false }],
    [{ is_available: 1 }, { is_service_available: true }],
    [{ is_available: 'False' }, { is_service_available: false }],
    [{ timeout: '45' }, { timeout: 45 }],
    [{ timeout: 9.9 }, { timeout: 9 }],
  ] as const)
    expect((await topchef.did('PATCH', path, given)).data).toMatchObject(shown)
})

const LastCheckIn = graphql(`
  query TopchefLastCheckIn($id: ID!) {
    service(id: $id) {
      ... on QueueService {
        lastCheckInAt
      }
    }
  }
`)

async function lastCheckIn(path: string): Promise<string> {
  const id = `topchef:${path.slice(10)}`
  const { service } = await app.admin.request(LastCheckIn, { id })
  return (service as { lastCheckInAt: string }).lastCheckInAt
}

test('6 PATCH without a JSON body is a sign of life and nothing else', async () => {
  const path = await topchef.service()
  for (const init of [
    {},
    { headers: { 'content-type': 'text/plain' }, raw: 'hello' },
    { headers: { 'content-type': 'text/plain' } },
    { raw: 'null' },
  ]) {
    const before = await lastCheckIn(path)
    const { status, body } = await topchef.call('PATCH', path, undefined, init)
    expect([status, Object.keys(body)]).toEqual([200, ['meta']])
    const after = await lastCheckIn(path)
    expect(after > before).toBe(true)
    expect(body['meta']).toContain(after)
  }
})

test('6 a PATCH that is refused changes nothing, and is a sign of life all the same', async () => {
  const path = await topchef.service()
  const { data } = await topchef.did('GET', path)
  for (const [raw, errors] of [
    ['{"name": 5, "is_available": true, "timeout": "soon"}', ['name', 'timeout']],
    ['{"is_available": null, "name": "x"}', ['is_available']],
    ['{"is_available": "perhaps"}', ['is_available']],
    ['{"timeout": -1, "is_available": true}', ['timeout']],
    ['{"timeout": 0}', ['timeout']],
    ['{"description": "\\u0000", "is_available": true}', ['description']],
    ['[]', ['_schema']],
    ['{', ['']],
  ] as const) {
    const before = await lastCheckIn(path)
    const { status, body } = await topchef.call('PATCH', path, undefined, { raw })
    expect(status, raw).toBe(400)
    expect(body.errors.map(({ detail }) => detail)).toEqual(
      errors.map((key) => expect.stringContaining(key)),
    )
    expect((await lastCheckIn(path)) > before, raw).toBe(true)
  }
  expect((await topchef.did('GET', path)).data).toEqual(data)
})

test('8 a service has timed out when it is silent for longer than it said, whatever else is done', async () => {
  const path = await topchef.service()
  await topchef.did('PATCH', path, { timeout: 1, is_available: true })
  const shown = async () => (await topchef.did('GET', path)).data
  await until(async () => {
    await topchef.call('GET', `${path}/queue`)
    await topchef.job(path)
    return (await shown())['has_timed_out'] === true
  })
  // which says nothing of whether it is available, and the other way round
  expect(await shown()).toMatchObject({ is_service_available: true, has_timed_out: true })
  await topchef.did('PATCH', path, { timeout: 3600 })
  await topchef.did('PATCH', path, { is_available: false })
  expect(await shown()).toMatchObject({ is_service_available: false, has_timed_out: false })
})
