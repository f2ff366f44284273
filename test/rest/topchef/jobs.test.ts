import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedApp, type SharedApp } from '../../../testkit/shared.ts'
import { submitMany } from '../../../testkit/seed/jobs.ts'
import { SERVICE, Topchef, type Said } from '../../../testkit/fronts/topchef.ts'

/* Jobs, their states and their queue (contract topchef 3, 5, 6 and 7). */

let app: SharedApp
let topchef: Topchef
let service: string
beforeAll(async () => {
  app = await sharedApp()
  topchef = Topchef.of(app.admin)
  service = await topchef.service()
})
afterAll(() => app.close())

const at = (path: string) => path.split('/').at(-1) ?? ''

test('6 POST …/jobs answers the job twice, and where it is', async () => {
  const sent =
    '{"parameters": {"value": 9007199254740993, "z": 1, "a": [null, "\\u0000", 1.50]}, "id": 1}'
  const answer = await topchef.call('POST', `${service}/jobs`, undefined, { raw: sent })
  expect(answer.status).toBe(201)
  const { id, job_details: details, ...job } = answer.body.data
  expect(answer.headers.get('location')).toBe(`${topchef.base}/jobs/${id}`)
  expect(Object.keys(answer.body).toSorted()).toEqual(['data', 'meta'])
  expect(answer.body['meta']).toContain(id)
  expect(details).toEqual({ id, ...job, result: null })
  expect(job).toMatchObject({ status: 'REGISTERED', results: null })
  // as it was sent, to the last digit
  const parameters =
    '"parameters":{"value": 9007199254740993, "z": 1, "a": [null, "\\u0000", 1.50]}'
  expect(answer.text).toContain(parameters)
  for (const path of [`/jobs/${id}`, `${service}/jobs`, `${service}/queue`])
    expect((await topchef.call('GET', path)).text).toContain(parameters)
})

test('6 what is wrong with a job is told, one entry for each violation, and nothing is stored', async () => {
  const path = await topchef.service({
    job_registration_schema: {
      required: ['a', 'b'],
      properties: { c: { type: 'string' }, d: { minimum: 1 } },
    },
  })
  const bad = await topchef.call('POST', `${path}/jobs`, { parameters: { c: 1, d: 0 } })
  expect(bad.status).toBe(400)
  expect(bad.body.errors).toHaveLength(4)
  for (const { status_code: code, title } of bad.body.errors)
    expect([code, title]).toEqual([400, 'JSONSchema Validation Error'])
  for (const parameters of [undefined, null, [], 'x', 1]) {
    const { status, body } = await topchef.call('POST', `${path}/jobs`, { parameters })
    expect(status).toBe(400)
    expect(body.errors).toEqual([
      {
        status_code: 400,
        title: 'Deserialization Error From Client Data',
        detail: expect.stringContaining('parameters'),
      },
    ])
  }
  expect((await topchef.did('GET', `${path}/jobs`)).data).toEqual([])
})

test('6 GET /jobs has the jobs of all services as short ones, oldest first', async () => {
  const other = await topchef.service()
  const made = [
    await topchef.job(service),
    await topchef.job(other),
    await topchef.job(service),
  ].map(at)
  const { data } = await topchef.did('GET', '/jobs')
  expect(data.slice(-3).map(({ id }) => id)).toEqual(made)
  expect(Object.keys(data[0] ?? {}).toSorted()).toEqual(['date_submitted', 'id', 'status'])
})

test('6 GET …/jobs has full jobs in all states, and says what a new one may be', async () => {
  const path = await topchef.service()
  const empty = await topchef.did('GET', `${path}/jobs`)
  expect(empty.data).toEqual([])
  const { new_job_schema } = empty['meta'] as Record<string, { properties: unknown }>
  expect(new_job_schema?.properties).toEqual({ parameters: SERVICE.job_registration_schema })
  const jobs = [await topchef.job(path), await topchef.job(path), await topchef.job(path)]
  await topchef.did('PATCH', jobs[0] ?? '', { status: 'COMPLETED', results: { sum: 1 } })
  await topchef.did('PATCH', jobs[1] ?? '', { status: 'ERROR' })
  const { data } = await topchef.did('GET', `${path}/jobs`)
  expect(data.map(({ id }) => `/jobs/${id}`)).toEqual(jobs)
  expect(data.map((job) => job['status'])).toEqual(['COMPLETED', 'ERROR', 'REGISTERED'])
  expect(data[0]).toEqual({
    id: at(jobs[0] ?? ''),
    status: 'COMPLETED',
    parameters: { value: 1 },
    results: { sum: 1 },
    date_submitted: expect.any(String),
  })
})

test('6 PATCH answers the bare job, and leaves what it does not name', async () => {
  const path = await topchef.job(service)
  const before = (await topchef.did('GET', path)).data
  const working = await topchef.did('PATCH', path, { status: 'working', id: 'x', parameters: {} })
  const { result: _alias, ...job } = before
  expect(working).toEqual({ ...job, status: 'WORKING' })
  const results = '{"sum": 0.10, "z": 12345678901234567890, "a": 1}'
  const set = await topchef.call('PATCH', path, undefined, { raw: `{"results": ${results}}` })
  expect(set.text).toContain(`"results":${results}`)
  expect(set.body['status']).toBe('WORKING')
  expect((await topchef.call('GET', path)).text).toContain(`"results":${results}`)
  for (const nothing of [{}, { status: null, results: null }])
    expect(await topchef.did('PATCH', path, nothing)).toEqual(set.body)
})

test('7 every status may follow every other, repeats included, and results survive them', async () => {
  const path = await topchef.job(service)
  await topchef.did('PATCH', path, { results: { sum: 3 } })
  const all = ['REGISTERED', 'WORKING', 'COMPLETED', 'ERROR']
  for (const from of all)
    for (const to of all) {
      await topchef.did('PATCH', path, { status: from })
      expect(await topchef.did('PATCH', path, { status: to })).toMatchObject({
        status: to,
        results: { sum: 3 },
      })
    }
})

test('6 a refused change changes neither the status nor the results', async () => {
  const path = await topchef.job(service)
  await topchef.did('PATCH', path, { status: 'WORKING', results: { sum: 1 } })
  const before = (await topchef.did('GET', path)).data
  for (const [body, title] of [
    [{ status: 'COMPLETED', results: { sum: 'x' } }, 'JSONSchema Validation Error'],
    [{ status: 'DONE', results: { sum: 2 } }, 'Deserialization Error From Client Data'],
    [{ status: 5 }, 'Deserialization Error From Client Data'],
    [{ status: 'ERROR', results: [] }, 'Deserialization Error From Client Data'],
    [[], 'Deserialization Error From Client Data'],
    [null, 'Request Not JSON'],
    [undefined, 'Request Not JSON'],
  ] as const)
    for (const method of ['PATCH', 'PUT']) {
      const { status, body: told } = await topchef.call(method, path, body)
      expect([status, told.errors[0]?.title], JSON.stringify(body)).toEqual([400, title])
    }
  expect((await topchef.did('GET', path)).data).toEqual(before)
})

const far = (value: string) => ({ raw: `{"result": {"sum": ${value}}, "results": {"sum": 5}}` })

test('6 result is another name of results: of both keys that counts which was changed', async () => {
  const path = await topchef.job(service)
  const write = async (body: object) => (await topchef.did('PATCH', path, body))['results']
  expect(await write({ result: { sum: 1 } })).toEqual({ sum: 1 })
  // as a client reads it, changes what it knows of, and sends everything back
  const read = (await topchef.did('GET', path)).data
  expect(read['result']).toEqual({ sum: 1 })
  expect(await write({ ...read, result: { sum: 2 } })).toEqual({ sum: 2 })
  expect(await write({ result: { sum: 2 }, results: { sum: 3 } })).toEqual({ sum: 3 })
  expect(await write({ result: null, results: { sum: 4 } })).toEqual({ sum: 4 })
  await topchef.did('PATCH', path, undefined, { raw: '{"results": {"sum": 9007199254740993}}' })
  const { text } = await topchef.call('PATCH', path, undefined, far('9007199254740992'))
  expect(text).toContain('"results":{"sum": 9007199254740992}')
})

test('6 PUT takes the whole job that was read, and answers in its own way', async () => {
  const path = await topchef.job(service)
  const read = (await topchef.did('GET', path)).data
  const { status, headers, body } = await topchef.call('PUT', path, {
    ...read,
    status: 'WORKING',
    parameters: { value: 99 },
  })
  expect(status).toBe(200)
  expect(headers.get('location')).toBe(topchef.base + path)
  expect(Object.keys(body)).toEqual(['data'])
  expect(body.data).toEqual({
    message: expect.stringContaining(at(path)),
    job_schema: { ...read, status: 'WORKING' },
  })
})

test('a list is complete however many pages it has, with each job once and in order', async () => {
  const path = await topchef.service()
  // the first of them so large that a page holds few
  const large = 'x'.repeat(400_000)
  const jobs = Array.from({ length: 2300 }, (_, n) => ({
    parameters: { value: n + 1, text: n < 10 ? large : '' },
  }))
  for (const large of jobs.splice(0, 10))
    await submitMany(app.admin, `topchef:${at(path)}`, [large])
  for (let n = 0; n < jobs.length; n += 1000)
    await submitMany(app.admin, `topchef:${at(path)}`, jobs.slice(n, n + 1000))
  const { data } = await topchef.did('GET', `${path}/jobs`)
  const values = data.map((job) => (job['parameters'] as { value: number }).value)
  expect(values).toEqual(Array.from({ length: 2300 }, (_, n) => n + 1))
  const ids = data.map((job) => job.id)
  const detail = await topchef.did('GET', path)
  expect(detail.data.jobs.map((job) => job.id)).toEqual(ids)
  const all = (await topchef.did('GET', '/jobs')).data.map((job) => job.id)
  expect(all.slice(-2300)).toEqual(ids)
  // with its jobs twice, each time all of them
  const changed = await topchef.did('PATCH', path, { is_available: true })
  expect(changed.data.jobs.map((job) => job.id)).toEqual(ids)
  expect(changed.jobs.map((job) => job.id)).toEqual(ids)
})

const idsIn = (list: Pick<Said['data'], 'map'>) => list.map(({ id }) => `/jobs/${id}`)

test('6 an empty queue is 204 without a body, and so is its head', async () => {
  const service = await topchef.service()
  for (const [method, path] of [
    ['GET', 'queue'],
    ['GET', 'jobs/next'],
    ['POST', 'jobs/next'],
  ] as const) {
    const { status, text } = await topchef.call(method, `${service}/${path}`)
    expect([status, text], path).toEqual([204, ''])
  }
})

test('6 the queue shows the oldest ten that wait, and claims none', async () => {
  const service = await topchef.service()
  const jobs: string[] = []
  for (let n = 0; n < 12; n += 1) jobs.push(await topchef.job(service, { value: n + 1 }))
  await topchef.did('PATCH', jobs[0] ?? '', { status: 'WORKING' })
  for (let n = 0; n < 2; n += 1) {
    const { data, links, meta } = await topchef.did('GET', `${service}/queue`)
    expect(idsIn(data)).toEqual(jobs.slice(1, 11))
    expect(meta).toHaveProperty('data_schema')
    expect(links.self).toBe(`${topchef.base}${service}/queue`)
    const next = await topchef.did('GET', `${service}/jobs/next`)
    expect(next.data).toEqual(data[0])
    expect(next['meta']).toHaveProperty('job_schema')
  }
  // back in its old place
  await topchef.did('PATCH', jobs[0] ?? '', { status: 'REGISTERED' })
  expect(idsIn((await topchef.did('GET', `${service}/queue`)).data)).toEqual(jobs.slice(0, 10))
})

test('7 all who saw the same head may set it WORKING, also at once', async () => {
  const service = await topchef.service()
  const job = await topchef.job(service)
  const set = () => topchef.did('PATCH', job, { status: 'WORKING' })
  for (const changed of await Promise.all(Array.from({ length: 16 }, set)))
    expect(changed['status']).toBe('WORKING')
})

test('7 a claim gives each job to one worker, who keeps it without a sign of life', async () => {
  const service = await topchef.service()
  const jobs: string[] = []
  for (let n = 0; n < 6; n += 1) jobs.push(await topchef.job(service))
  const claims = await Promise.all(
    Array.from({ length: 8 }, (_, n) =>
      topchef.call('POST', `${service}/jobs/next`, { worker: `w${n}` }),
    ),
  )
  const given = claims.filter(({ status }) => status === 200).map(({ body }) => body.data)
  expect(claims.filter(({ status }) => status === 204)).toHaveLength(2)
  expect(idsIn(given).toSorted()).toEqual(jobs.toSorted())
  expect(given[0]).toEqual({
    id: expect.any(String),
    status: 'WORKING',
    parameters: { value: 1 },
    results: null,
    date_submitted: expect.any(String),
  })
  const ended = await topchef.did('PATCH', jobs[0] ?? '', { status: 'COMPLETED', results: {} })
  expect(ended).toMatchObject({ status: 'COMPLETED', results: {} })
})
