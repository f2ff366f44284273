import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testApp, type TestApp } from '../../../testkit/app.ts'
import { plainly, Topchef, type Said } from '../../../testkit/fronts/topchef.ts'
import { Viewer } from '../../../testkit/operations/organizations.ts'
import { member } from '../../../testkit/seed/organizations.ts'

/* What the clients that there are send, request by request (contract topchef 1, 5, 6, 7 and 10). */

let app: TestApp
let topchef: Topchef
beforeAll(async () => {
  app = await testApp({ OPEN_FRONTS: 'topchef', OPEN_FRONT_ROLE: 'VIEWER' })
  topchef = Topchef.of(app.admin)
})
afterAll(() => app.close())

const keysOf = (said: object): string[] => Object.keys(said).toSorted()
const FIVE = ['date_submitted', 'id', 'parameters', 'results', 'status']

test('10 the strict Java client finds no key that it does not know', async () => {
  const java = topchef.with({ 'user-agent': 'Java/1.8.0_172', accept: 'application/json' })
  const service = await topchef.service()
  const job = await topchef.job(service)
  const enveloped = async (path: string): Promise<Said> => {
    const answer = await java.did('GET', path)
    expect(keysOf(answer), path).toEqual(['data', 'links', 'meta'])
    return answer.data
  }
  for (const one of (await enveloped('/services')) as unknown as Said[])
    expect(keysOf(one)).toEqual(['description', 'id', 'name'])
  const detail = await enveloped(service)
  expect(keysOf(detail)).toEqual([
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
  expect(Number.isInteger(detail['timeout'])).toBe(true)
  expect(keysOf(detail.jobs[0] ?? {})).toEqual(['date_submitted', 'id', 'status'])
  expect(keysOf(await enveloped(job))).toEqual(FIVE)
  for (const path of [`${service}/queue`, `${service}/jobs`])
    for (const one of (await enveloped(path)) as unknown as Said[])
      expect(keysOf(one)).toEqual(FIVE)
  const patched = await java.did('POST', job, await enveloped(job), {
    headers: { 'x-http-method-override': 'PATCH' },
  })
  expect(keysOf(patched)).toEqual(FIVE)
  // every other client sees the alias
  expect(keysOf((await topchef.did('GET', job)).data)).toEqual([...FIVE, 'result'].toSorted())
})

test('5 Jython and its like read the alias, though their User-Agent is the same', async () => {
  const jython = topchef.with({ 'user-agent': 'Java/1.6.0_45' })
  const service = await topchef.service({
    name: 'adder',
    job_registration_schema: {},
    job_result_schema: {},
  })
  // alive, the ids of services, whether one has timed out, a check before the job
  for (const path of ['/', '/services', service])
    expect((await plainly(jython.base + path, 'GET', jython.headers)).status).toBe(200)
  await jython.did('POST', '/validator', { object: { value: 10 }, schema: { type: 'object' } })
  const { data: made } = await jython.did('POST', `${service}/jobs`, { parameters: { value: 10 } })
  const job = `/jobs/${made.job_details.id}`
  expect(keysOf(made.job_details)).toEqual([...FIVE, 'result'].toSorted())
  await topchef.did('PATCH', job, { status: 'COMPLETED', results: { value: 11 } })
  const read = async (headers: Record<string, string>) => {
    const { text } = await plainly(topchef.base + job, 'GET', { ...topchef.headers, ...headers })
    return (JSON.parse(text) as Said).data
  }
  for (const headers of [
    { 'user-agent': 'Java/1.6.0_45' },
    { 'user-agent': 'Java/1.6.0_45', 'content-type': 'text/plain' },
    { 'user-agent': 'Jython Java/1.6.0_45', 'content-type': 'application/json' },
  ] as Record<string, string>[])
    expect(await read(headers)).toMatchObject({ status: 'COMPLETED', result: { value: 11 } })
  for (const type of ['application/json', 'application/json; charset=utf-8', 'application/x+json'])
    expect(keysOf(await read({ 'user-agent': 'Java/9', 'content-type': type }))).toEqual(FIVE)
  // whatever it writes is answered with the alias
  const { data } = await jython.did('PUT', job, { status: 'COMPLETED' })
  expect(data['job_schema']).toHaveProperty('result')
})

test('6 what is sent to /echo comes back as it was sent', async () => {
  const raw = '{"b": 1, "a": [12345678901234567890, null, "\u00e9"]}'
  const answer = await topchef.call('POST', '/echo', undefined, { raw })
  expect([answer.status, answer.text]).toEqual([200, `{"data":${raw}}`])
  for (const value of [1, 'x', [], false])
    expect((await topchef.did('POST', '/echo', value)).data).toEqual(value)
  for (const init of [
    { raw: '{' },
    { raw: 'null' },
    { raw: '{}', headers: { 'content-type': 'text/plain' } },
  ])
    expect((await topchef.call('POST', '/echo', undefined, init)).status).toBe(400)
})

/** The Python client, as far as it is what it sends. */
class Python {
  readonly topchef: Topchef
  constructor(client: Topchef) {
    this.topchef = client.with({ 'user-agent': 'python-requests/2.18.4' })
  }

  /** A body for a success, else nothing: it looks at the status alone. */
  async get(path: string): Promise<Said | undefined> {
    const { status, body } = await this.topchef.call('GET', path)
    return status === 200 ? body : undefined
  }

  async isValid(schema: unknown, object: unknown): Promise<boolean> {
    const { status } = await this.topchef.call('POST', '/validator', { object, schema })
    expect([200, 400]).toContain(status) // all else is a failure of the network to it
    return status === 200
  }

  /** `ServiceListener.new_service`. */
  async newService(): Promise<string> {
    expect((await this.topchef.call('GET', '')).status).toBe(200)
    const { status, body } = await this.topchef.call('POST', '/services', {
      name: 'adder',
      description: '',
      job_registration_schema: { type: 'object', required: ['value'] },
      job_result_schema: { type: 'object', required: ['sum'] },
    })
    expect(status).toBe(201)
    return `/services/${body.data.service_details.id}`
  }

  /** `Service.new_job`. */
  async newJob(service: string, parameters: object): Promise<string> {
    expect(await this.get(service)).toBeDefined()
    const found = await this.get(service)
    expect(await this.isValid(found?.data['job_registration_schema'], parameters)).toBe(true)
    const { status, body } = await this.topchef.call('POST', `${service}/jobs`, { parameters })
    expect(status).toBe(201)
    return `/jobs/${body.data.job_details.id}`
  }

  /** The first thread of a worker. */
  async beat(service: string): Promise<void> {
    expect((await this.topchef.call('GET', '')).status).toBe(200)
    expect((await this.topchef.call('PATCH', service)).status).toBe(200)
  }

  /** Whatever stands at the head of the queue now; undefined when its thread dies of the 204. */
  async head(service: string): Promise<string | undefined> {
    expect((await this.topchef.call('GET', '')).status).toBe(200)
    const queue = await this.get(`${service}/queue`)
    return queue && `/jobs/${queue.data[0]?.id}`
  }

  /** Reads a job, changes it as it says, and writes all of it back. */
  async write(job: string, service: string, change: object): Promise<void> {
    const found = (await this.get(job))?.data ?? {}
    const about = (await this.get(service))?.data
    if ('result' in change)
      expect(await this.isValid(about?.['job_result_schema'], change.result)).toBe(true)
    const { status } = await this.topchef.call('PUT', job, { ...found, ...change })
    expect(status).toBe(200)
  }
}

test('10 an experimenter of the Python client gets the result of a job', async () => {
  const python = new Python(topchef)
  const service = await python.newService()
  expect((await topchef.did('GET', service)).data['job_registration_schema']).toEqual({
    type: 'object',
    required: ['value'],
  })
  const job = await python.newJob(service, { value: 1 })
  expect(await python.isValid({ required: ['value'] }, {})).toBe(false)
  await python.beat(service)
  // a worker that holds on to its job
  const head = (await python.head(service)) ?? ''
  expect(head).toBe(job)
  await python.write(head, service, { status: 'WORKING' })
  expect((await python.get(job))?.data['status']).toBe('WORKING')
  await python.write(head, service, { result: { sum: 2 } })
  await python.write(head, service, { status: 'COMPLETED' })
  expect((await python.get(job))?.data).toMatchObject({ status: 'COMPLETED', result: { sum: 2 } })
  // iterating over services reads the list twice for each step
  for (let n = 0; n < 4; n += 1)
    expect((await python.get('/services'))?.data.map(({ id }) => `/services/${id}`)).toContain(
      service,
    )
})

test('10 a worker of the Python client with three queued jobs does what it did on the original', async () => {
  const python = new Python(topchef)
  const service = await python.newService()
  const jobs = [1, 2, 3].map((value) => ({ value }))
  const made: string[] = []
  for (const parameters of jobs) made.push(await python.newJob(service, parameters))
  // it looks for its job at the head of the queue at every step
  const step = async (change: (job: string) => object): Promise<boolean> => {
    const head = await python.head(service)
    if (head !== undefined) await python.write(head, service, change(head))
    return head !== undefined
  }
  expect(await step(() => ({ status: 'WORKING' }))).toBe(true)
  expect(await step(() => ({ result: { sum: 1 } }))).toBe(true)
  expect(await step(() => ({ status: 'COMPLETED' }))).toBe(true)
  expect(await step(() => ({ status: 'WORKING' }))).toBe(true)
  expect(await step(() => ({ result: { sum: 2 } }))).toBe(false) // 204: its thread dies
  const shown = await Promise.all(made.map(async (job) => (await python.get(job))?.data))
  expect(shown).toMatchObject([
    { status: 'WORKING', result: null },
    { status: 'COMPLETED', result: { sum: 1 } },
    { status: 'WORKING', result: null },
  ])
})

const at = (path: string) => path.split('/').at(-1) ?? ''

/** What is nobody's to change but of whoever holds it. */
async function isRefused(by: Topchef, job: string) {
  const before = (await topchef.did('GET', job)).data
  for (const change of [{ status: 'ERROR' }, { results: { sum: 9 } }, { status: 'REGISTERED' }])
    for (const method of ['PATCH', 'PUT']) {
      const { status, body } = await by.call(method, job, change)
      expect([status, body.errors[0]?.status_code]).toEqual([403, 403])
    }
  expect((await topchef.did('GET', job)).data).toEqual(before)
}

/* Workers with the role that docs/fronts/topchef.md tells labs to give them, each with a token of its own. */
describe('in a lab', () => {
  let worker: Topchef
  let colleague: Topchef
  let claimer: Topchef
  let service: string
  beforeAll(async () => {
    const { organization } = (await app.admin.request(Viewer)).viewer
    const of = async (role: 'VIEWER' | 'WORKER') =>
      Topchef.of(await member(app, organization.id, role))
    worker = await of('VIEWER')
    colleague = await of('VIEWER')
    claimer = await of('WORKER')
    service = await topchef.service()
  })

  /** What a lab's worker does with the head of the queue, write by write. */
  async function work(by: Topchef, job: string) {
    const { data: queue } = await by.did('GET', `${service}/queue`)
    expect(queue.map(({ id }) => id)).toContain(at(job))
    const read = async () => (await by.did('GET', job)).data
    await by.did('PUT', job, { ...(await read()), status: 'WORKING' })
    await by.did('PUT', job, { ...(await read()), result: { sum: 1 } })
    await by.did('PUT', job, { ...(await read()), status: 'COMPLETED' })
    // its state first and the results after it, and thinking better of it
    await by.did('PATCH', job, { results: { sum: 2 } })
    await by.did('PATCH', job, { status: 'ERROR' })
    expect(await read()).toMatchObject({ status: 'ERROR', results: { sum: 2 } })
  }

  test('a worker that is VIEWER reads the queue, checks in, and writes states and results of its jobs', async () => {
    await worker.did('PATCH', service)
    const job = await topchef.job(service)
    await work(worker, job)
    await isRefused(colleague, job)
  })

  test('a worker without a credential does the same on an open front', async () => {
    const nobody = new Topchef(topchef.base, {})
    const job = await topchef.job(service)
    await work(nobody, job)
    await isRefused(worker, job)
  })

  test('a job that was claimed is in the hands of who claimed it; who may change the service may change it too', async () => {
    const job = await topchef.job(service)
    const { data } = await worker.did('POST', `${service}/jobs/next`, { worker: 'bench-2' })
    expect(data.id).toBe(at(job))
    await isRefused(colleague, job)
    await worker.did('PATCH', job, { status: 'COMPLETED', results: { sum: 3 } })
    await isRefused(colleague, job)
    await topchef.did('PATCH', job, { status: 'REGISTERED' })
    await colleague.did('PATCH', job, { status: 'WORKING' })
    await isRefused(worker, job)
  })

  test('a WORKER sees no list, and of jobs what it may begin and what it works on', async () => {
    const [free, taken] = [await topchef.job(service), await topchef.job(service)]
    await worker.did('PATCH', taken, { status: 'WORKING' })
    for (const path of ['/services', '/jobs'])
      expect((await claimer.did('GET', path)).data).toEqual([])
    for (const path of ['', '/jobs', '/queue', '/jobs/next'])
      expect((await claimer.call('GET', service + path)).status).toBe(404)
    expect((await claimer.call('GET', taken)).status).toBe(404)
    expect((await claimer.did('GET', free)).data).toMatchObject({ status: 'REGISTERED' })
    await claimer.did('PATCH', free, { status: 'WORKING' })
    await claimer.did('PATCH', free, { status: 'COMPLETED', results: { sum: 4 } })
    expect((await claimer.call('GET', free)).status).toBe(404)
    expect((await topchef.did('GET', free)).data).toMatchObject({ status: 'COMPLETED' })
  })
})
