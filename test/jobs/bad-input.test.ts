import { afterAll, beforeAll, expect, test } from 'vitest'
import { testApp, type TestApp } from '../../testkit/app.ts'
import { CancelMany, Jobs, RetryMany, Submit, SubmitMany } from '../../testkit/operations/jobs.ts'
import {
  board,
  claimOne,
  complete,
  createQueue,
  list,
  read,
  seedQueue,
  submit,
} from '../../testkit/seed/jobs.ts'

let app: TestApp
beforeAll(async () => {
  app = await testApp({ MAX_BODY_BYTES: '33554432' })
})
afterAll(() => app.close())

const schema = {
  type: 'object',
  required: ['x', 'y'],
  properties: {
    x: { type: 'number' },
    y: { enum: ['a'] },
    z: { type: 'array', items: { type: 'string' } },
  },
  additionalProperties: false,
}

const refuse = async (input: {
  serviceId: string
  parameters?: unknown
  lane?: string
  function?: string
}) => (await app.admin.request(Submit, { input })).submitJob

test('parameters that do not fit are refused with every violation and its path, and nothing is stored', async () => {
  const queue = await seedQueue(app.admin, [{ parametersSchema: schema }])
  const refused = await refuse({ serviceId: queue, parameters: { x: 'no', z: ['a', 1], more: 1 } })
  if (refused.__typename !== 'ValidationError') throw new Error(refused.__typename)
  const told = refused.issues.map(({ path, rule }) => `${path.join('.')}: ${rule}`)
  expect(new Set(told)).toEqual(
    new Set([
      'parameters: additionalProperties',
      'parameters: required',
      'parameters.x: type',
      'parameters.z.1: type',
    ]),
  )
  expect((await board(app.admin, queue)).jobCounts).toMatchObject({ queued: 0 })
  expect(await submit(app.admin, queue, { parameters: { x: 1, y: 'a' } })).toBeTruthy()
})

test('of many jobs all are stored or none, and issues name the place', async () => {
  const queue = await seedQueue(app.admin, [{ parametersSchema: { type: 'number' } }])
  const jobs = [1, 2, 'three', 4].map((parameters) => ({ serviceId: queue, parameters }))
  const { submitJobs } = await app.admin.request(SubmitMany, { input: { jobs } })
  expect(submitJobs).toMatchObject({ issues: [{ path: ['jobs', '2', 'parameters'] }] })
  expect((await list(app.admin, { serviceIds: [queue] })).nodes).toEqual([])
})

test('a result that does not fit is refused, and the job goes on', async () => {
  const queue = await seedQueue(app.admin, [{ resultSchema: { type: 'integer' } }])
  const { id } = await submit(app.admin, queue)
  const lease = await claimOne(app.admin, queue)
  expect(await complete(app.admin, lease, 1.5)).toMatchObject({
    issues: [{ path: ['result'], rule: 'type' }],
  })
  expect(await read(app.admin, id)).toMatchObject({ status: 'RUNNING' })
  expect(await complete(app.admin, lease, 2)).toMatchObject({ job: { result: 2 } })
})

test.each([
  ['no schema', { type: 'nothing' }],
  ['no object', 'text'],
  ['one that leads elsewhere', { $ref: 'https://example.com/schema.json' }],
  ['one that leads to a file', { properties: { a: { $ref: 'file:///etc/passwd' } } }],
  ['a pattern that is none', { pattern: '(' }],
  ['one that never ends', { allOf: [{ $ref: '#' }] }],
  ['a name pattern that is none', { patternProperties: { '(': {} } }],
  [
    'one of draft 04 that is none',
    { $schema: 'http://json-schema.org/draft-04/schema#', required: true },
  ],
])('a queue is not made with %s', async (_what, parametersSchema) => {
  const made = await createQueue(app.admin, [{ parametersSchema }])
  expect(made).toMatchObject({
    __typename: 'ValidationError',
    issues: [{ path: ['backend', 'queue', 'functions', '0', 'parametersSchema'], rule: 'schema' }],
  })
})

test('draft 04 is draft 04: an exclusive maximum is true or false there', async () => {
  const draft04 = { maximum: 3, exclusiveMaximum: true }
  const queue = await seedQueue(app.admin, [{ parametersSchema: draft04, draft: 'DRAFT_04' }])
  expect(await refuse({ serviceId: queue, parameters: 3 })).toMatchObject({ issues: [{}] })
  await submit(app.admin, queue, { parameters: 2 })
  expect((await createQueue(app.admin, [{ parametersSchema: draft04 }])).__typename).toBe(
    'ValidationError',
  )
})

test('JSON is given back as it came, also what a database would not keep', async () => {
  const queue = await seedQueue(app.admin)
  for (const parameters of [
    { '\0': '\0', half: '\ud800', empty: '' },
    null,
    [1e300, -0.5, true],
    'x'.repeat(300_000),
  ]) {
    const job = await submit(app.admin, queue, { parameters })
    expect(job.parameters).toEqual(parameters)
    const lease = await claimOne(app.admin, queue)
    expect(lease.job.parameters).toEqual(parameters)
    const done = await complete(app.admin, lease, parameters)
    expect(done).toMatchObject({ job: { result: parameters } })
  }
})

test('texts that cannot be stored, and depth that cannot be borne, are refused', async () => {
  const queue = await seedQueue(app.admin)
  for (const lane of ['a\0b', '\ud800', '', 'x'.repeat(201)])
    expect(await refuse({ serviceId: queue, parameters: 1, lane })).toMatchObject({
      issues: [{ path: ['lane'] }],
    })
  expect(await refuse({ serviceId: queue, function: 'other' })).toMatchObject({
    issues: [{ path: ['function'] }],
  })
  const query = `mutation ($serviceId: ID!, $parameters: JSON) {
    submitJob(input: { serviceId: $serviceId, parameters: $parameters, idempotencyKey: "deep" }) { __typename } }`
  const deep = '['.repeat(10_000) + ']'.repeat(10_000)
  const response = await fetch(`${app.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...app.admin.headers },
    body: `{"query": ${JSON.stringify(query)}, "variables": {"serviceId": "${queue}", "parameters": ${deep}}}`,
  })
  const text = await response.text()
  expect(text).toMatch(/ValidationError|BAD_REQUEST|TOO_COMPLEX/)
  expect((await board(app.admin, queue)).jobCounts).toMatchObject({ queued: 0 })
})

test('a filter for many jobs has no text that nothing stored can have', async () => {
  for (const bad of ['\0', '\uD800'])
    for (const [field, filter] of Object.entries({
      functions: { functions: [bad] },
      labels: { labels: [{ name: bad, value: 'x' }] },
      allLabels: { allLabels: [{ name: 'x', value: bad }] },
      workers: { workers: [bad] },
      lanes: { lanes: [bad] },
      text: { text: bad },
      errorText: { errorText: bad },
    })) {
      const refusal = {
        __typename: 'ValidationError',
        issues: [{ path: expect.arrayContaining(['filter', field]) }],
      }
      const { cancelJobs } = await app.admin.request(CancelMany, { input: { filter } })
      expect(cancelJobs).toMatchObject(refusal)
      const { retryJobs } = await app.admin.request(RetryMany, { input: { filter } })
      expect(retryJobs).toMatchObject(refusal)
    }
})

test.each([
  ['CREATED_AT', 'c', [9e15, -9e15, -7e13]],
  ['FINISHED_AT', 'f', [9e15, -9e15, -7e13]],
  ['DURATION', 'd', [9e15, -9e15]],
  ['PRIORITY', 'p', [9e15, -9e15, 2 ** 31, -(2 ** 31) - 1]],
] as const)('a cursor of %s that no job can have is none', async (field, letter, values) => {
  for (const value of values) {
    const after = `${letter}${value.toString(36)}.1`
    const { errors } = await app.admin.execute(Jobs, { orderBy: { field }, first: 1, after })
    expect(errors?.[0]?.extensions?.['code'], after).toBe('BAD_CURSOR')
  }
})

test('ten megabytes are kept whole', async () => {
  const queue = await seedQueue(app.admin)
  const big = 'x'.repeat(10_000_000)
  const { id } = await submit(app.admin, queue, { parameters: { big } })
  expect((await read(app.admin, id)).parameters).toEqual({ big })
})
