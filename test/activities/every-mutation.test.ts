import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { schema } from '../../src/schema.ts'
import { testApp, type TestApp } from '../../testkit/app.ts'
import { seed } from '../../testkit/seed/chain.ts'
import { cases, type Case, type Ground } from './cases.ts'

const mutations = schema.getMutationType()?.getFields() ?? {}
const names = Object.keys(mutations)
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
  const outcome = await outcomeOf(name, given, fields)
  expect(outcome, name).toMatchObject({ __typename: successOf(name) })
  return outcome
}

const upper = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1)
const successOf = (name: string): string => `${upper(name)}Success`

async function outcomeOf(
  name: string,
  given: object,
  fields: string,
  client = app.admin,
): Promise<Record<string, unknown>> {
  const Name = upper(name)
  const takes = 'organizationId' in (inputFields(Name) ?? {})
  const input = takes ? { organizationId, ...given } : given
  const query = `mutation ($input: ${Name}Input!) {
    ${name}(input: $input) { __typename ... on ${successOf(name)} { ${fields} }
      ... on UserError { message } ... on Forbidden { needed } } }`
  return (await send(query, { input }, client))[name] as Record<string, unknown>
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

/** The one with the fewest rights first. */
const roles = ['WORKER', 'VIEWER', 'DEVELOPER', 'ADMIN']

/** The role that the description of a mutation names, where it names one. */
const roleOf = (name: string): string | undefined =>
  /Requires the ([A-Z]+) role/.exec(mutations[name]?.description ?? '')?.[1]

test.each(names.filter(roleOf))('%s requires the role that its description names', async (name) => {
  const role = roleOf(name) ?? ''
  const given = await cases[name]?.input(ground)
  const withRole = async (one: string) => {
    const { secret } = await call('createToken', { name: one, role: one }, 'secret')
    return outcomeOf(name, given ?? {}, '__typename', app.client(String(secret)))
  }
  const weaker = roles[roles.indexOf(role) - 1]
  if (weaker !== undefined) {
    const refused = await withRole(weaker)
    // what a role does not see at all is not there for it
    if (refused['__typename'] !== 'NotFound')
      expect(refused).toMatchObject({ __typename: 'Forbidden', needed: role })
  }
  expect(await withRole(role)).toMatchObject({ __typename: successOf(name) })
})
