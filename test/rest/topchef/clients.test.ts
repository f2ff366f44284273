import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedApp, type SharedApp } from '../../../testkit/shared.ts'
import { Topchef, type Said } from '../../../testkit/fronts/topchef.ts'

/* Contract 9 and 10: what the clients that there are send, request by request. */

let app: SharedApp
let topchef: Topchef
beforeAll(async () => {
  app = await sharedApp()
  topchef = Topchef.of(app.admin)
})
afterAll(() => app.close())

const keysOf = (said: object): string[] => Object.keys(said).toSorted()
const FIVE = ['date_submitted', 'id', 'parameters', 'results', 'status']

test('9 the strict Java client finds no key that it does not know', async () => {
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
