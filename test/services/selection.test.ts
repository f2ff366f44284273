import { getNamedType, type GraphQLObjectType } from 'graphql'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ProcessServiceType } from '../../src/services/process/types.ts'
import { schema } from '../../src/schema.ts'
import type { TypedDocumentString } from '../../testkit/generated/graphql.ts'
import { testApp, type TestApp } from '../../testkit/app.ts'
import { StopService } from '../../testkit/operations/services.ts'
import { becomes, runningService } from '../../testkit/seed/services.ts'
import {
  argumentsOf,
  type Field,
  fieldsOf,
  isConnection,
  selectionOf,
} from '../../testkit/selection.ts'
import { until } from '../../testkit/until.ts'
import { unsigned } from '../../testkit/unsigned.ts'

/*
 * What is read of a service depends on what is asked for. So every field is asked for alone, beside each other field
 * that is read with it, and with all the rest, by every name a service has and in every list it is in: it answers the
 * same.
 */
const type = schema.getType(ProcessServiceType.name) as GraphQLObjectType
const deep = { objects: 1, connections: 1 }
/** Figures over time are as of when they are asked for, and jobs are tables of their own. */
const others = new Set(['traffic', 'jobStats', 'jobs'])
const fields = fieldsOf(type).filter(({ name }) => !others.has(name))

let app: TestApp
let service: { id: string; handle: string }
beforeAll(async () => {
  app = await testApp({ MAX_COST: '1000000', MAX_TOKENS: '100000', MAX_ALIASES: '100000' })
  service = await runningService(app.admin, {
    'main.py': 'def handler(request, context):\n    return {}\n',
  })
  await until(async () => {
    const { stopService } = await app.admin.request(StopService, { input: { id: service.id } })
    return stopService.__typename === 'StopServiceSuccess'
  })
  await becomes(app.admin, service.id, 'STOPPED')
})
afterAll(() => app.close())

const selected = (field: Field): string =>
  `${field.name}${argumentsOf(field)} ${selectionOf(getNamedType(field.type), deep)}`

type Row = Record<string, unknown>
const ask = async (query: string): Promise<Row> => {
  const document = query as unknown as TypedDocumentString<Row, Record<string, never>>
  return JSON.parse(unsigned(JSON.stringify(await app.admin.request(document)))) as Row
}

async function answers(selection: string): Promise<Row[]> {
  const { id, handle } = service
  const of = `... on ${type.name} { ${selection} }`
  const answer = await ask(`{
    byId: service(id: "${id}") { ${of} } byHandle: service(id: "${handle}") { ${of} } node(id: "${id}") { ${of} }
    nodes: services(first: 1) { nodes { ${of} } } edges: services(last: 1) { edges { node { ${of} } } }
    both: services(first: 1) { nodes { __typename } edges { node { ${of} } } }
    deployments(first: 1) { nodes { services(first: 1) { nodes { ${of} } } } } }`)
  const at = (path: string): Row =>
    path.split('.').reduce<unknown>((value, key) => (value as Row)[key], answer) as Row
  return [
    'byId',
    'byHandle',
    'node',
    'nodes.nodes.0',
    'edges.edges.0.node',
    'both.edges.0.node',
    'deployments.nodes.0.services.nodes.0',
  ].map(at)
}

test('a field answers the same whatever else is asked for', async () => {
  const [whole = {}, ...same] = await answers(fields.map(selected).join(' '))
  for (const other of same) expect(other).toEqual(whole)
  expect(Object.keys(whole)).toHaveLength(fields.length)
  for (const field of fields)
    for (const one of await answers(selected(field)))
      expect(one, field.name).toEqual({ [field.name]: whole[field.name] })
})

test('so does a field of what is read along with it', async () => {
  const deployment = schema.getType('Deployment') as GraphQLObjectType
  const its = fieldsOf(deployment).filter((field) => !isConnection(field))
  const [whole = {}] = await answers(`deployment { ${its.map(selected).join(' ')} }`)
  for (const field of its)
    for (const one of await answers(`deployment { ${selected(field)} }`)) {
      const { [field.name]: value } = whole['deployment'] as Row
      expect(one, field.name).toEqual({ deployment: { [field.name]: value } })
    }
})

test('what only some fragment asks for is there', async () => {
  const { id } = service
  const query = `
    query { service(id: "${id}") { ...Named ... on ProcessService { deployment { id } } ...Live } }
    fragment Named on Service { name ... on ProcessService { deployment { ...Deployed } } }
    fragment Deployed on Deployment { handle }
    fragment Live on Live { asOf revision }`
  const [whole] = await answers('name asOf revision deployment { id handle }')
  expect((await ask(query))['service']).toEqual(whole)
})
