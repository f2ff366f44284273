import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testApp, type TestApp } from '../../testkit/app.ts'
import { claim, seedQueue, submitMany } from '../../testkit/seed/jobs.ts'
import { seedDeployment } from '../../testkit/seed/services.ts'
import { Topchef } from '../../testkit/fronts/topchef.ts'
import { doors, type Operation } from './doors.ts'

/** Two values of a row fit, three do not; two of those that go to Storage do not. */
const LIMITS = {
  MAX_ANSWER_BYTES: '500000',
  MAX_ANSWER_BYTES_PER_CALLER: '900000',
  MAX_ANSWER_BYTES_IN_ALL: '5000000',
  MAX_COST: '1000000',
}
const inRow = 'r'.repeat(200_000)
const stored = 's'.repeat(300_000)

let app: TestApp
beforeAll(async () => {
  app = await testApp(LIMITS)
})
afterAll(() => app.close())

async function seedJobs(...values: string[]): Promise<{ queue: string; ids: string[] }> {
  const queue = await seedQueue(app.admin)
  const ids: string[] = []
  for (const parameters of values) {
    const input = { serviceId: queue, parameters }
    const { data } = await doors['POST']!(app.admin, { query: SUBMIT, variables: { input } })
    ids.push((data as { submitJob: { job: { id: string } } }).submitJob.job.id) // as selected
  }
  return { queue, ids }
}

const SUBMIT = `mutation ($input: SubmitJobInput!) {
  submitJob(input: $input) { ... on SubmitJobSuccess { job { id } } } }`
const COMPLETE = `mutation ($input: CompleteJobInput!) {
  completeJob(input: $input) { ... on CompleteJobSuccess { job { id status } } } }`

const refused = {
  errors: [
    {
      message: expect.stringContaining('MAX_ANSWER_BYTES'),
      extensions: { code: 'TOO_COMPLEX' },
    },
  ],
}

/** What an operation is answered through a door: TOO_COMPLEX and nothing else, or its data. */
async function isRefused(operation: Operation, door = 'POST'): Promise<boolean> {
  const { data, errors } = await doors[door]!(app.admin, operation)
  if (errors === undefined) return false
  expect({ door, data: data ?? null, errors }).toMatchObject({ door, data: null, ...refused })
  expect(errors).toHaveLength(1)
  return true
}

test('values count by their bytes on every door, wherever they are kept', async () => {
  const query =
    'query ($id: ID!, $n: Int!) { service(id: $id) { ... on QueueService { jobs(first: $n) { nodes { parameters } } } } }'
  for (const value of [inRow, stored]) {
    const { queue: id } = await seedJobs(value, value, value)
    for (const door of Object.keys(doors)) {
      expect(await isRefused({ query, variables: { id, n: 3 } }, door), door).toBe(true)
      expect(await isRefused({ query, variables: { id, n: 1 } }, door), door).toBe(false)
    }
  }
})

test('one value counts as often as it stands in the answer', async () => {
  const [id = ''] = (await seedJobs(inRow)).ids
  const times = (n: number): Operation => ({
    query: `{ job(id: "${id}") { ${Array.from({ length: n }, (_, i) => `a${i}: parameters`).join(' ')} } }`,
  })
  expect(await isRefused(times(2))).toBe(false)
  expect(await isRefused(times(3))).toBe(true)
})

test('it makes no difference which way a value is reached', async () => {
  const { ids } = await seedJobs(inRow, inRow, inRow)
  const list = ids.map((id) => `"${id}"`).join()
  const aliased = ids.map((id, n) => `a${n}: job(id: "${id}") { parameters }`).join(' ')
  for (const query of [
    `{ nodes(ids: [${list}]) { ... on Job { parameters } } }`,
    `{ ${aliased} }`,
    `{ jobs(first: 3) { edges { node { parameters } } } }`,
    `{ job(id: "${ids[0]}") { root { parameters } again: root { parameters } more: root { parameters } } }`,
  ])
    expect(await isRefused({ query }), query).toBe(true)
})

const deployments = (first: number, what: string): Operation => ({
  query: `{ deployments(first: ${first}) { nodes { ${what} } } }`,
})

test('the environments of deployments count, and so do their events', async () => {
  const value = 'e'.repeat(60_000)
  const variables = Array.from({ length: 4 }, (_, n) => ({ name: `V${n}`, value }))
  const ids: string[] = []
  for (let n = 0; n < 3; n += 1) {
    const { id } = await seedDeployment(app.admin)
    ids.push(id)
    const { data } = await doors['POST']!(app.admin, {
      query:
        'mutation ($input: UpdateDeploymentInput!) { updateDeployment(input: $input) { __typename } }',
      variables: { input: { id, environment: variables } },
    })
    expect(data).toEqual({ updateDeployment: { __typename: 'UpdateDeploymentSuccess' } })
  }
  expect(await isRefused(deployments(3, 'environment { value }'))).toBe(true)
  expect(await isRefused(deployments(1, 'environment { value }'))).toBe(false)
  expect(await isRefused(deployments(3, 'events { nodes { changes { to } } }'))).toBe(true)
})

test('a subscription ends with an error when one delivery alone is too large, and says where to go on', async () => {
  const { ids } = await seedJobs(inRow)
  const socket = app.admin.socket()
  const received: unknown[] = []
  const ended = new Promise<unknown>((resolve) =>
    socket.subscribe(
      {
        query:
          'subscription ($id: ID!) { jobChanged(jobId: $id) { job { status a: parameters b: parameters c: parameters @include(if: true) } } }',
        variables: { id: ids[0] },
      },
      { next: (one) => received.push(one), error: resolve, complete: () => resolve('complete') },
    ),
  )
  expect(await ended).toEqual([
    expect.objectContaining({
      message: expect.stringMatching(/stream of events .*MAX_ANSWER_BYTES/),
      extensions: expect.objectContaining({
        code: 'TOO_COMPLEX',
        cursor: expect.any(String),
        requestId: expect.any(String),
      }),
    }),
  ])
  expect(received).toEqual([])
  await socket.dispose()
})

test('a claim gives as many leases as one answer holds, at least one, and leaves the rest in the queue', async () => {
  const { queue, ids } = await seedJobs(stored, stored, inRow, 'l'.repeat(700_000))
  const given: string[] = []
  for (let n = 0; n < ids.length && given.length < ids.length; n += 1) {
    const leases = await claim(app.admin, queue, { max: 10 })
    expect(leases.length).toBeGreaterThan(0)
    for (const { job, fence } of leases) {
      given.push(job.id)
      const input = { jobId: job.id, fence, result: 1 }
      const { data } = await doors['POST']!(app.admin, { query: COMPLETE, variables: { input } })
      expect(data).toEqual({ completeJob: { job: { id: job.id, status: 'SUCCEEDED' } } })
    }
  }
  expect(given).toEqual(ids)
})

test('a claim that asks for parameters several times gives fewer leases', async () => {
  const { queue } = await seedJobs(inRow, inRow)
  const query = `mutation ($input: ClaimJobsInput!) { claimJobs(input: $input) { ... on ClaimJobsSuccess {
    leases { job { id a: parameters b: parameters } } } } }`
  const input = { serviceIds: [queue], worker: 'w', claimId: randomUUID(), max: 2 }
  const { data, errors } = await doors['POST']!(app.admin, { query, variables: { input } })
  expect(errors).toBeUndefined()
  expect(data).toMatchObject({ claimJobs: { leases: [{ job: { a: inRow, b: inRow } }] } })
  // the same claim is given the same again
  expect((await doors['POST']!(app.admin, { query, variables: { input } })).data).toEqual(data)
})

test('what a mutation did is done, also when its answer is too large', async () => {
  const queue = await seedQueue(app.admin)
  const jobs = [0, 1, 2].map(() => ({ serviceId: queue, parameters: inRow, labels: [] }))
  const { errors } = await doors['POST']!(app.admin, {
    query:
      'mutation ($input: SubmitJobsInput!) { submitJobs(input: $input) { ... on SubmitJobsSuccess { jobs { id parameters } } } }',
    variables: { input: { jobs } },
  })
  expect(errors?.[0]?.extensions?.['code']).toBe('TOO_COMPLEX')
  expect(await claim(app.admin, queue, { max: 1 })).toHaveLength(1)
})

test('the answers of one caller count together while they are made, and are given back', async () => {
  const [id = ''] = (await seedJobs(stored)).ids
  const ask = () =>
    doors['POST']!(app.admin, {
      query: `{ job(id: "${id}") { parameters p: parameters @skip(if: true) } }`,
    })
  const answers = await Promise.all(Array.from({ length: 20 }, ask))
  const codes = new Set(answers.map(({ errors }) => errors?.[0]?.extensions?.['code'] ?? 'OK'))
  expect(codes).toEqual(new Set(['OK', 'TOO_COMPLEX']))
  const why = answers.flatMap(({ errors }) => errors?.[0]?.message ?? [])
  expect(why.join()).toContain('MAX_ANSWER_BYTES_PER_CALLER')
  for (let n = 0; n < 10; n += 1) expect((await ask()).errors).toBeUndefined()
})

test('a front answers a list of any size, page by page', async () => {
  const topchef = Topchef.of(app.admin)
  const path = await topchef.service()
  for (let n = 0; n < 6; n += 1)
    await submitMany(app.admin, `topchef:${path.split('/').at(-1)}`, [
      { parameters: { value: n + 1, text: inRow } },
    ])
  const { data } = await topchef.did('GET', `${path}/jobs`)
  expect(data).toHaveLength(6)
})

/** A name that is long, and a hundred violations within it. */
const named = {
  ['k'.repeat(100_000)]: Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`p${n}`, n])),
}
const strings = { additionalProperties: { additionalProperties: { type: 'string' } } }

test('what is told of a value by a schema counts, in queries and in mutations', async () => {
  const validating = (count: number) => ({
    query: `query ($schema: JSON!, $value: JSON) {
      ${Array.from({ length: count }, (_, n) => `a${n}: validateJson(schema: $schema, value: $value) { issues { path } }`).join('\n')} }`,
    variables: { schema: strings, value: named },
  })
  expect(await isRefused(validating(2))).toBe(false)
  expect(await isRefused(validating(15))).toBe(true)
  const queue = await seedQueue(app.admin, [{ name: 'default', parametersSchema: strings }])
  const submitting = (count: number) => ({
    query: `mutation ($input: SubmitJobInput!) {
      ${Array.from({ length: count }, (_, n) => `a${n}: submitJob(input: $input) { ... on ValidationError { issues { path message } } }`).join('\n')} }`,
    variables: { input: { serviceId: queue, parameters: named } },
  })
  expect(await isRefused(submitting(2))).toBe(false)
  expect(await isRefused(submitting(25))).toBe(true)
})
