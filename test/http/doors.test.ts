import { randomUUID } from 'node:crypto'
import {
  getIntrospectionQuery,
  Kind,
  OperationTypeNode,
  parse,
  type OperationDefinitionNode,
} from 'graphql'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as generated from '../../testkit/generated/graphql.ts'
import { testApp, type TestApp } from '../../testkit/app.ts'
import type { Client } from '../../testkit/client.ts'
import { freshSeed, random, someOf } from '../../testkit/random.ts'
import { seedIn } from '../../testkit/seed/chain.ts'
import { fitting } from './variables.ts'

let app: TestApp
let ours: { admin: Client }
let viewer: Client
let service: { id: string; deploymentId: string }
beforeAll(async () => {
  app = await testApp()
  const files = { 'main.mjs': 'export const handler = () => new Response("ok")' }
  const made = seedIn(app, 'VIEWER').deployment().version(files, { image: 'node' }).service()
  const { admin, members, ...rest } = await made.ready().made()
  ours = { admin }
  service = rest
  viewer = members[0] ?? app.stranger
})
afterAll(() => app.close())

/** What a client sees of an answer, without what differs from request to request. */
interface Seen {
  readonly status: number
  readonly headers: readonly (string | null)[]
  readonly body: string
}

/** The type of a body that Yoga takes for JSON and the fast door does not know. */
const ONLY_YOGA = 'application/graphql+json'

async function send(client: Client, body: string, headers: Record<string, string>): Promise<Seen> {
  const response = await fetch(`${client.url}/graphql`, {
    method: 'POST',
    headers: { ...client.headers, ...headers },
    body,
  })
  const text = await response.text()
  return {
    status: response.status,
    headers: ['content-type', 'content-length', 'allow', 'accept'].map((name) =>
      response.headers.get(name),
    ),
    body: text
      .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'id')
      .replaceAll(/expires=\d+&signature=[\w-]+/g, 'signed')
      .replaceAll(/"(lastUsedAt|serverTime)":"[^"]*"/g, '"$1":"now"'),
  }
}

/** The field that left no data, if one did. */
const failed = ({ body }: Seen): string | undefined =>
  body.includes('"data":null') ? /"path":\["(\w+)"/.exec(body)?.[1] : undefined

/** With a key of its own: of two calls with one key the second says that it is repeated. */
const withNewKey = (text: string): string =>
  text.replaceAll('"idempotencyKey":"text"', `"idempotencyKey":"${randomUUID()}"`)

/** Sends the same to both doors, after the document is known, and expects the same; answers what both said. */
async function bothSay(client: Client, body: object, headers: Record<string, string> = {}) {
  const text = JSON.stringify(body)
  const sent = (type: string) =>
    send(client, withNewKey(text), { 'content-type': type, ...headers })
  const yoga = await sent(ONLY_YOGA)
  const fast = await sent('application/json')
  // of several fields that fail at once, whichever is first takes all data with it
  const [one, other] = [failed(fast), failed(yoga)]
  if (one !== undefined && other !== undefined && one !== other) return fast
  expect(fast, text).toEqual(yoga)
  return fast
}

const operations = Object.values(generated)
  .filter((one) => one instanceof generated.TypedDocumentString)
  .map((one) => one.toString())
  .flatMap((query) => {
    const operation = parse(query).definitions.find(
      (one): one is OperationDefinitionNode => one.kind === Kind.OPERATION_DEFINITION,
    )
    // what streams is Yoga's alone
    return operation === undefined || operation.operation === OperationTypeNode.SUBSCRIPTION
      ? []
      : [{ query, operation }]
  })

test('every operation of the tests is answered by both doors alike, byte for byte', async () => {
  const { id, deploymentId } = service
  const chance = random(freshSeed())
  expect(operations.length).toBeGreaterThan(50)
  for (const { query, operation } of operations) {
    const fits = fitting(operation, id)
    const all = (value: unknown) =>
      Object.fromEntries(Object.keys(fits).map((name) => [name, value]))
    const asked: [Client, object][] = [
      [viewer, fits],
      [viewer, fitting(operation, deploymentId)],
      [viewer, fitting(operation, 'svc_01h455vb4pex5vsknk084sn02q')],
      [viewer, {}],
      [viewer, all(null)],
      [viewer, all([{}])],
      [app.stranger, fits],
    ]
    for (const [client, variables] of someOf(asked, 1, chance))
      await bothSay(client, { query, variables })
  }
})

test('mutations that succeed, or fail as they should, have the same form at both doors', async () => {
  const query = `mutation ($input: CreateDeploymentInput!) {
    createDeployment(input: $input) {
      __typename
      ... on CreateDeploymentSuccess { deployment { name description } }
      ... on UserError { message code }
      ... on ValidationError { issues { path message rule } }
    }
  }`
  const made = await bothSay(ours.admin, { query, variables: { input: { name: 'twice' } } })
  expect(JSON.parse(made.body)).toMatchObject({
    data: {
      createDeployment: {
        __typename: 'CreateDeploymentSuccess',
        deployment: { name: 'twice', description: '' },
      },
    },
  })
  const wrong = await bothSay(ours.admin, { query, variables: { input: { name: '' } } })
  expect(wrong.body).toContain('"__typename":"ValidationError"')
})

test('names of operations, fragments, aliases, conditions and introspection are the same at both', async () => {
  const query = `
    query One($id: ID!, $deep: Boolean!) {
      service(id: $id) { ...Named deployed: __typename ... on ProcessService @include(if: $deep) { deployment { ...Of } } }
      missing: node(id: "dep_01h455vb4pex5vsknk084sn02q") { id }
      nodes(ids: [$id, "junk", "dep_01h455vb4pex5vsknk084sn02q"]) { id ... on Service { name } }
    }
    query Two { services(first: 1) { totalCount pageInfo { hasNextPage } edges { cursor node { ...Named } } } }
    fragment Named on Service { id name status @skip(if: true) }
    fragment Of on Deployment { handle }`
  const variables = { id: service.id, deep: true }
  for (const operationName of ['One', 'Two', 'Three', '', null, undefined, 7])
    await bothSay(viewer, { query, operationName, variables })
  await bothSay(viewer, { query, operationName: 'One', variables: { ...variables, deep: false } })
  await bothSay(viewer, { query, operationName: 'One', variables: { ...variables, deep: null } })
  await bothSay(viewer, { query, operationName: 'One', variables: { ...variables, more: 1 } })
  const introspection = await bothSay(app.admin, { query: getIntrospectionQuery() })
  expect(introspection.body).toContain('ProcessService')
})

test('errors have their places and codes at both, and faults of ours are masked', async () => {
  const page = `query ($n: Int) { services(first: $n) { nodes { id } } }`
  const far = await bothSay(viewer, { query: page, variables: { n: 1_000 } })
  expect(far.body).toContain('"locations":[{"line":1,"column":19}],"path":["services"]')
  await bothSay(viewer, { query: page, variables: { n: 1.5 } })
  await bothSay(viewer, { query: page, variables: { n: 2 ** 40 } })
  await bothSay(viewer, {
    query: `query ($id: ID = "x") { node(id: $id) { id } }`,
    variables: { id: null },
  })
  await bothSay(viewer, { query: '{ services(after: "junk") { nodes { id } } }' })
})

test('what is odd about a request is told alike', async () => {
  const query = '{ __typename }'
  await bothSay(viewer, { query })
  for (const body of [
    { query, variables: [] },
    { query, variables: 'x' },
    { query, extensions: 1 },
    { query, extra: 1 },
    { query, extra: null },
    { query: '' },
    { query: 5 },
    { query: '{' },
    { query: '{ nothing }' },
    {},
    [],
    [{ query }],
  ])
    await bothSay(viewer, body)
  const accepts = [
    '*/*',
    'application/json',
    'application/graphql-response+json',
    'application/graphql-response+json; charset=utf-8, application/json; charset=utf-8',
    'application/json;q=0.5, application/graphql-response+json',
    'application/json; charset=latin1, application/graphql-response+json',
    'text/event-stream, application/json',
    'text/html',
    'application/*',
    'image/png',
  ]
  for (const accept of accepts) {
    await bothSay(viewer, { query }, { accept })
    await bothSay(viewer, { query: 'query ($id: ID!) { node(id: $id) { id } }' }, { accept })
    await bothSay(viewer, { query: '{ services(first: 0) { nodes { id } } }' }, { accept })
  }
  const raw = [
    '',
    '{',
    'null',
    '"text"',
    '{"query":"{ __typename }"',
    ' {"query":"{ __typename }"} ',
  ]
  for (const text of raw) {
    const yoga = await send(viewer, text, { 'content-type': ONLY_YOGA })
    const fast = await send(viewer, text, { 'content-type': 'application/json' })
    expect(fast, text).toEqual(yoga)
  }
})
