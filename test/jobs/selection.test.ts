import { getNamedType, type GraphQLObjectType } from 'graphql'
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { schema } from '../../src/schema.ts'
import type { TypedDocumentString } from '../../testkit/generated/graphql.ts'
import { claimOne, complete, seedQueue, submit } from '../../testkit/seed/jobs.ts'
import { argumentsOf, type Field, fieldsOf, selectionOf } from '../../testkit/selection.ts'
import { streamApp, type StreamApp } from '../../testkit/stream-app.ts'
import { unsigned } from '../../testkit/unsigned.ts'

/*
 * What is read of a job depends on what is asked for. So every field is asked for alone and with all the rest, by its
 * id, in every list, and of a lease and a result that has just been accepted: it answers the same.
 */
const fields = fieldsOf(schema.getType('Job') as GraphQLObjectType)
const selected = (field: Field): string =>
  `${field.name}${argumentsOf(field)} ${selectionOf(getNamedType(field.type), { objects: 0, connections: 1 })}`
const whole = fields.map(selected).join(' ')

let app: StreamApp
let queue: string
let id: string
beforeAll(async () => {
  app = await streamApp({ MAX_COST: '1000000', MAX_TOKENS: '100000', MAX_ALIASES: '100000' })
  queue = await seedQueue(app.admin)
  const labels = [{ name: 'a', value: 'b' }]
  id = (await submit(app.admin, queue, { parameters: { a: 1 }, labels, maxAttempts: 3 })).id
  await complete(app.admin, await claimOne(app.admin, queue), { b: 2 })
})
afterAll(() => app.close())

type Row = Record<string, unknown>
const ask = async (query: string): Promise<Row> => {
  const document = query as unknown as TypedDocumentString<Row, Record<string, never>>
  return JSON.parse(unsigned(JSON.stringify(await app.admin.request(document)))) as Row
}
const at = (answer: Row, path: string): Row =>
  path.split('.').reduce<unknown>((value, key) => (value as Row)[key], answer) as Row

async function answers(selection: string): Promise<Row[]> {
  const answer = await ask(`{
    job(id: "${id}") { ${selection} } node(id: "${id}") { ... on Job { ${selection} } }
    jobs(first: 1) { nodes { ${selection} } }
    edges: jobs(last: 1, orderBy: { field: PRIORITY }) { edges { node { ${selection} } } }
    service(id: "${queue}") { jobs(first: 1) { nodes { ${selection} } } } }`)
  const paths = ['job', 'node', 'jobs.nodes.0', 'edges.edges.0.node', 'service.jobs.nodes.0']
  return paths.map((path) => at(answer, path))
}

test('a field answers the same whatever else is asked for', async () => {
  const [all = {}, ...same] = await answers(whole)
  for (const other of same) expect(other).toEqual(all)
  for (const field of fields)
    for (const one of await answers(selected(field)))
      expect(one, field.name).toEqual({ [field.name]: all[field.name] })
})

const claimed = (selection: string): Promise<Row> =>
  ask(`mutation { claimJobs(input: { serviceIds: ["${queue}"], worker: "w", claimId: "${randomUUID()}" }) {
    ... on ClaimJobsSuccess { leases { fence job { id ${selection} } } } } }`)

test('so does it of a lease, and of a job whose result has just been accepted', async () => {
  for (const field of fields) {
    await submit(app.admin, queue, { parameters: { a: 1 }, lane: 'l', maxAttempts: 3 })
    const lease = at(await claimed(selected(field)), 'claimJobs.leases.0')
    const job = lease['job'] as Row & { id: string }
    const { fence } = lease as { fence: string }
    const running = await ask(`{ job(id: "${job.id}") { id ${selected(field)} } }`)
    expect(job, field.name).toEqual(running['job'])
    const done = await ask(`mutation { completeJob(input: {
      jobId: "${job.id}", fence: "${fence}", result: "r" }) {
        ... on CompleteJobSuccess { job { id ${selected(field)} } } } }`)
    const ended = await ask(`{ job(id: "${job.id}") { id ${selected(field)} } }`)
    expect(at(done, 'completeJob.job'), field.name).toEqual(ended['job'])
  }
})
