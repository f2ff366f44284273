import { randomUUID } from 'node:crypto'
import { parse, type DocumentNode } from 'graphql'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Context } from '../../src/context.ts'
import { Prisma } from '../../src/generated/prisma/client.ts'
import { quotas } from '../../src/execution/limits/index.ts'
import { execute } from '../../src/execution/run.ts'
import { JsonText, stringify } from '../../src/kit/json/json.ts'
import { noSpan } from '../../src/ports/tracing/tracing.ts'
import { schema } from '../../src/schema.ts'
import { streamApp, type StreamApp } from '../../testkit/stream-app.ts'

let app: StreamApp
let organizationId: string
beforeAll(async () => {
  app = await streamApp()
  const sql = Prisma.sql`SELECT "organizationId" AS id FROM "Project" LIMIT 1`
  organizationId = (await app.database.query<{ id: string }>(sql))[0]?.id ?? ''
})
afterAll(() => app.close())

/** What JavaScript would not give back: long numbers, numbers written otherwise, integer-like keys, equal keys, escapes. */
const odd = String.raw`{ "10": 12345678901234567890, "9": 1.0,"a":[1e400, -0, 0.10], "a": "\u0000\ud800\/" }`
const oddShown = { 9: 1, 10: '12345678901234567890', a: '\0\ud800/' }

/** All that the mutations here may answer, of which each is asked for its own. */
interface Answered {
  readonly __typename: string
  readonly service: { readonly id: string }
  readonly job: {
    readonly id: string
    readonly parameters: unknown
    readonly result: unknown
    readonly error: { readonly detail: unknown }
  }
  readonly leases: readonly {
    readonly fence: string
    readonly job: { readonly parameters: unknown }
  }[]
  readonly issues?: readonly { readonly rule: string }[]
}

/** Over HTTP, with an input in these very words. */
async function send(mutation: string, input: string, answer: string): Promise<Answered> {
  const Input = `${mutation.charAt(0).toUpperCase()}${mutation.slice(1)}Input`
  const query = `mutation ($input: ${Input}!) { ${mutation}(input: $input) { __typename ${answer}
    ... on UserError { message } ... on ValidationError { issues { path message rule } } } }`
  const response = await fetch(`${app.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...app.admin.headers },
    body: `{"query": ${JSON.stringify(query)}, "variables": {"input": ${input}}}`,
  })
  const { data, errors } = (await response.json()) as {
    data?: Record<string, Answered>
    errors?: unknown
  }
  const answered = data?.[mutation]
  if (!answered) throw new Error(JSON.stringify(errors))
  return answered
}

const documents = new Map<string, DocumentNode>()

/** In process, as a front executes its operations, with the answer as it writes it. */
async function exactly(text: string, variables: Record<string, unknown>): Promise<string> {
  const document = documents.get(text) ?? parse(text)
  documents.set(text, document)
  const contextValue = {
    ...app.platform,
    operation: quotas(app.config).openOperation({
      key: () => '',
      isGone: () => false,
      onGone: () => () => {},
    }),
    requestId: '',
    span: noSpan,
    origin: app.url,
    address: '',
    trusted: true,
    viewer: {
      kind: 'token',
      tokenId: randomUUID(),
      tokenName: 'front',
      user: undefined,
      memberships: [{ organizationId, role: 'ADMIN' }],
    },
  } as unknown as Context // no operation here comes to its doors
  const result = await execute({ schema, document, contextValue, variableValues: variables })
  if (result.errors) throw new Error(JSON.stringify(result.errors))
  return stringify(result.data)
}

async function queue(functions = '[{}]'): Promise<string> {
  const input = `{"name": "exact", "backend": {"queue": {"functions": ${functions}}}}`
  const made = await send('createService', input, '... on CreateServiceSuccess { service { id } }')
  return made.service.id
}

async function submit(service: string, parameters: string, more = ''): Promise<Answered> {
  const input = `{"serviceId": "${service}", "parameters": ${parameters}${more}}`
  return send(
    'submitJob',
    input,
    '... on SubmitJobSuccess { replayed job { id parameters } } ... on Conflict { field }',
  )
}

async function lease(service: string): Promise<Answered['leases'][number]> {
  const input = JSON.stringify({ serviceIds: [service], worker: 'w', claimId: randomUUID() })
  const answer = '... on ClaimJobsSuccess { leases { fence job { id parameters } } }'
  const [taken] = (await send('claimJobs', input, answer)).leases
  if (!taken) throw new Error('There is nothing to claim.')
  return taken
}

const job = (fields: string) => `query ($id: ID!) { job(id: $id) { ${fields} } }`

test('parameters, results and what an amendment gives are kept as they came', async () => {
  const service = await queue()
  const { job: made } = await submit(service, odd)
  expect(made.parameters).toEqual(oddShown)
  const { fence, job: leased } = await lease(service)
  expect(leased.parameters).toEqual(oddShown)
  const input = `{"jobId": "${made.id}", "fence": "${fence}", "result": [${odd}]}`
  const answer = '... on CompleteJobSuccess { job { result } }'
  expect((await send('completeJob', input, answer)).job.result).toEqual([oddShown])
  // the first time the operation is run as it is, from the second on by compiled code
  for (let n = 0; n < 3; n += 1)
    expect(await exactly(job('parameters result'), { id: made.id })).toBe(
      `{"job":{"parameters":${odd},"result":[${odd}]}}`,
    )
  await send('amendJob', `{"id": "${made.id}", "result": 1.50}`, '')
  expect(await exactly(job('parameters result'), { id: made.id })).toBe(
    `{"job":{"parameters":${odd},"result":1.50}}`,
  )
})

test('so are the details of a failure', async () => {
  const service = await queue()
  const { job: made } = await submit(service, '1')
  const { fence } = await lease(service)
  const input = `{"jobId": "${made.id}", "fence": "${fence}", "message": "no", "detail": ${odd}}`
  const answer = '... on FailJobSuccess { job { error { detail } } }'
  expect((await send('failJob', input, answer)).job.error.detail).toEqual(oddShown)
  expect(await exactly(job('error { detail }'), { id: made.id })).toBe(
    `{"job":{"error":{"detail":${odd}}}}`,
  )
})

test('so are annotations, and the schemas of functions', async () => {
  const schemaText =
    '{ "maximum": 12345678901234567890, "type": "integer", "title": "\\u0041", "10": 1.0 }'
  const id = await queue(`[{"name": "f", "parametersSchema": ${schemaText}, "resultSchema": true}]`)
  const input = `{"id": "${id}", "annotations": [{"front": "TOPCHEF", "value": ${odd}}]}`
  await send('updateService', input, '')
  const fields = `annotations(front: TOPCHEF) ... on QueueService { functions { parametersSchema resultSchema } }`
  const query = `query ($id: ID!) { service(id: $id) { ${fields} } }`
  for (let n = 0; n < 3; n += 1)
    expect(await exactly(query, { id })).toBe(
      `{"service":{"annotations":${odd},"functions":[{"parametersSchema":${schemaText},"resultSchema":true}]}}`,
    )
})

test('so are values that are too large for a row', async () => {
  const service = await queue()
  const large = `[${`${odd}, `.repeat(4_000)}9007199254740993]`
  const { job: made } = await submit(service, large)
  const { fence, job: leased } = await lease(service)
  const shown = leased.parameters as unknown[]
  expect(shown).toHaveLength(4_001)
  expect(shown[4_000]).toBe('9007199254740993')
  const input = `{"jobId": "${made.id}", "fence": "${fence}", "result": ${large}}`
  await send('completeJob', input, '')
  expect(await exactly(job('parameters result'), { id: made.id })).toBe(
    `{"job":{"parameters":${large},"result":${large}}}`,
  )
})

test('an operation in process gives and gets exact texts, beside plain values', async () => {
  const serviceId = await queue()
  const mutation = `mutation ($input: SubmitJobInput!, $more: JSON) {
    submitJob(input: $input) { ... on SubmitJobSuccess { job { parameters priority } } }
    other: submitJob(input: { serviceId: "${serviceId}", parameters: $more }) { ... on SubmitJobSuccess { job { parameters } } }
  }`
  const read = JsonText.read(` ${odd}\n`)
  for (let n = 0; n < 3; n += 1)
    for (const [parameters, text] of [
      [read, odd],
      [{ b: 1.5, a: ['x', null] }, '{"b":1.5,"a":["x",null]}'],
    ] as const)
      expect(
        await exactly(mutation, {
          input: { serviceId, parameters, priority: 1 },
          more: parameters,
        }),
      ).toBe(
        `{"submitJob":{"job":{"parameters":${text},"priority":1}},"other":{"job":{"parameters":${text}}}}`,
      )
  expect(JsonText.read('["\ud800"]').text).toBe(String.raw`["\ud800"]`)
  expect(() => JsonText.read('{')).toThrow(SyntaxError)
})

test('a schema checks numbers as near as a double comes', async () => {
  const schemas = '{"type": "integer", "minimum": 9007199254740993}'
  const service = await queue(
    `[{"name": "big", "parametersSchema": ${schemas}}, {"name": "any", "parametersSchema": {"type": "number", "maximum": 1e400}}]`,
  )
  const rules = async (name: string, parameters: string): Promise<string[]> => {
    const { issues = [] } = await submit(service, parameters, `, "function": "${name}"`)
    return issues.map(({ rule }) => rule)
  }
  expect(await rules('big', '12345678901234567890')).toEqual([])
  expect(await rules('big', '9007199254740992')).toEqual([]) // the nearest double of both
  expect(await rules('big', '1e400')).toEqual([])
  expect(await rules('big', '9007199254740990')).toEqual(['minimum'])
  expect(await rules('big', '12345678901234567890.5')).toEqual([]) // no double of this size has a fraction
  expect(await rules('big', '"12345678901234567890"')).toEqual(['type'])
  expect(await rules('any', '-1e400')).toEqual([])
  expect(await rules('any', '1e-400')).toEqual([])
})

test('an idempotency key is for one text', async () => {
  const service = await queue()
  const key = randomUUID()
  const call = (parameters: string, idempotencyKey = key) =>
    submit(service, parameters, `, "idempotencyKey": "${idempotencyKey}"`)
  const first = await call('{"n": 9007199254740992}')
  expect(await call('{"n": 9007199254740992}')).toEqual({ ...first, replayed: true })
  for (const other of [
    '{"n": 9007199254740993}',
    '{"n":9007199254740992}',
    '{"n": 9007199254740992.0}',
  ])
    expect(await call(other)).toMatchObject({ __typename: 'Conflict', field: 'idempotencyKey' })
})

test('a text nested too deep is refused wherever one is kept', async () => {
  const id = await queue()
  const deep = JsonText.read(`${'['.repeat(10_000)}1${']'.repeat(10_000)}`)
  const outcome = '... on ValidationError { issues { path message } }'
  const submits = `mutation ($input: SubmitJobInput!) { it: submitJob(input: $input) { ${outcome} } }`
  const updates = `mutation ($input: UpdateServiceInput!) { it: updateService(input: $input) { ${outcome} } }`
  for (const [mutation, input, path] of [
    [submits, { serviceId: id, parameters: deep }, ['parameters']],
    [
      updates,
      { id, annotations: [{ front: 'TOPCHEF', value: deep }] },
      ['annotations', '0', 'value'],
    ],
  ] as const)
    expect(JSON.parse(await exactly(mutation, { input }))).toEqual({
      it: { issues: [{ path, message: 'Nested at most 100 deep.' }] },
    })
})
