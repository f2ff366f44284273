import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { schema } from '../../src/schema.ts'
import { testApp, type TestApp } from '../../testkit/app.ts'
import { seed } from '../../testkit/seed/chain.ts'
import { cases, type Case, type Ground } from './cases.ts'

const names = Object.keys(schema.getMutationType()?.getFields() ?? {})
const files = { 'main.mjs': 'export const handler = () => Response.json({})' }
const run = { image: 'node' }

let app: TestApp
let ground: Ground
/** Of all cases but those that are elsewhere. */
let organizationId: string
beforeAll(async () => {
  app = await testApp()
  const { admin } = app
  const { viewer } = await send('{ viewer { organization { id } } }', {})
  organizationId = (viewer as { organization: { id: string } }).organization.id
  const both = seed(admin).deployment().version(files, run).version(files, run)
  const { deploymentId, versionIds, id: serviceId } = await both.service().ready().made()
  const [one = '', other = ''] = versionIds
  ground = { admin, deploymentId, versionIds: [one, other], serviceId, call }
})
afterAll(() => app.close())

async function send(
  query: string,
  variables: object,
  client = app.admin,
): Promise<Record<string, unknown>> {
  const response = await fetch(`${app.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...client.headers },
    body: JSON.stringify({ query, variables }),
  })
  const answer = (await response.json()) as { data?: Record<string, unknown>; errors?: unknown }
  if (answer.data == null || answer.errors !== undefined) throw new Error(JSON.stringify(answer))
  return answer.data
}

async function call(name: string, given: object, fields: string): Promise<Record<string, unknown>> {
  const Name = name.charAt(0).toUpperCase() + name.slice(1)
  const takes = 'organizationId' in (inputFields(Name) ?? {})
  const input = takes ? { organizationId, ...given } : given
  const query = `mutation ($input: ${Name}Input!) {
    ${name}(input: $input) { __typename ... on ${Name}Success { ${fields} } ... on UserError { message } } }`
  const outcome = (await send(query, { input }))[name] as Record<string, unknown>
  expect(outcome, name).toMatchObject({ __typename: `${Name}Success` })
  return outcome
}

function inputFields(Name: string): object | undefined {
  const type = schema.getType(`${Name}Input`)
  return type !== undefined && 'getFields' in type ? type.getFields() : undefined
}

const HISTORY = `query ($organizationId: ID!, $actions: [String!]) {
  activity(organizationId: $organizationId, first: 1000, filter: { actions: $actions }) {
    nodes { number action subjectId actor { kind name front user { email } } } } }`

interface Line {
  readonly number: number
  readonly action: string
  readonly subjectId: string
  readonly actor: object
}

async function history(
  action: string,
  where = organizationId,
  reader = app.admin,
): Promise<Line[]> {
  const { activity } = await send(HISTORY, { organizationId: where, actions: [action] }, reader)
  return (activity as { nodes: Line[] }).nodes
}

test('every mutation of the schema has a case', () => {
  expect(Object.keys(cases).toSorted()).toEqual(names.toSorted())
})

test.each(names)('%s is in the history with its actor, once for one key', async (name) => {
  const one: Case = cases[name] ?? { input: () => ({}) }
  const { input, lines = 1, elsewhere, reader } = one
  const given = { ...(await input(ground)), idempotencyKey: randomUUID() }
  const before = new Set((await history(name)).map(({ number }) => number))
  const fields = `replayed ${elsewhere ?? ''}`
  const first = await call(name, given, fields)
  const again = await call(name, given, fields)
  expect([first.replayed, again.replayed]).toEqual([false, true])
  const [where] = elsewhere ? (/org_\w{26}/.exec(JSON.stringify(first)) ?? []) : []
  const after = where
    ? await history(name, where, reader?.())
    : (await history(name)).filter(({ number }) => !before.has(number))
  expect(after).toHaveLength(lines)
  for (const line of after)
    expect(line).toMatchObject({
      action: name,
      subjectId: expect.stringMatching(/^[a-z]+_[0-9a-z]{26}$/),
      actor: { kind: 'USER', name: 'admin', front: null, user: { email: 'admin' } },
    })
})
