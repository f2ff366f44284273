import type { GraphQLObjectType } from 'graphql'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openedBy } from '../../src/graph/workers.ts'
import { schema } from '../../src/schema.ts'
import type { TestApp } from '../../testkit/app.ts'
import { freshSeed, random, someOf } from '../../testkit/random.ts'
import { nodeTypes } from '../../testkit/selection.ts'
import { ask, operationAt } from './tenancy/ask.ts'
import { positionsOf, titleOf, type Own, type Position } from './tenancy/positions.ts'
import { askEach, askEachOf, isListed, listed, madeByWorkers, placesFrom } from './tenancy/roles.ts'
import { send, succeed } from './tenancy/send.ts'
import { leaks, said } from './tenancy/spellings.ts'
import { firstOf } from './tenancy/streams.ts'
import type { Tenant } from './tenancy/tenant.ts'
import { twoTenants } from './tenancy/two.ts'

/* Each role of one organization, asked for every field of every type, from every root. */

const queries = Object.values(schema.getQueryType()?.getFields() ?? {})
const mutations = Object.values(schema.getMutationType()?.getFields() ?? {})
const subscriptions = Object.values(schema.getSubscriptionType()?.getFields() ?? {})
const ids = (fields: readonly Position['field'][]) =>
  fields.flatMap((field) => positionsOf(field, 'ID'))

let app: TestApp
let ours: Tenant
let own: Own
let chance: () => number
beforeAll(async () => {
  chance = random(freshSeed())
  ;({ app, ours, own } = await twoTenants())
})
afterAll(() => app.close())

const typeNamed = (name: string) => schema.getType(name) as GraphQLObjectType // which is named here or comes from the schema

/** Where an object of ours is found by its id. */
const placeOf = (name: string, id = ours.ids[name] ?? '') => ({
  type: typeNamed(name),
  at: (selection: string) => `node(id: "${id}") { ... on ${name} { ${selection} } }`,
})

const ADMINS_ALONE = [
  ...Object.keys(typeNamed('Invitation').getFields()).map((field) => `Invitation.${field}: absent`),
  'Organization.invitations: FORBIDDEN',
  'Organization.tokens: FORBIDDEN',
].toSorted()
/** What is answered to whom otherwise than by the value; a token of one project finds that, and its organization. */
const exceptions: Readonly<Record<string, readonly string[]>> = {
  ADMIN: [],
  person: [],
  DEVELOPER: ADMINS_ALONE,
  VIEWER: ADMINS_ALONE,
  service: ADMINS_ALONE,
}

test('from VIEWER on every field of every type is read, but for what says that it needs more', async () => {
  const { service } = (
    await send(
      ours.viewers.ADMIN,
      `{ service(id: "${own['serviceId']}") { ... on ProcessService { invokeUrl } } }`,
    )
  ).data as { service: { invokeUrl: string } }
  const said = await (
    await fetch(service.invokeUrl, { headers: ours.viewers.ADMIN.headers })
  ).text()
  const all = { ...ours.viewers, service: app.client(said.split(' ').at(-1)) }
  for (const [who, expected] of someOf(Object.entries(exceptions), 1, chance)) {
    const client = all[who as keyof typeof all] ?? app.stranger
    const answers = (
      await Promise.all(nodeTypes.map(({ name }) => askEach(client, placeOf(name))))
    ).flat()
    const others = answers.filter((one) => one.said !== 'read')
    expect(others.map((one) => `${one.field}: ${one.said}`).toSorted(), who).toEqual(expected)
  }
})

test('a token of one project reads that project, and what its organization is called', async () => {
  const { project } = ours.viewers
  const open: string[] = []
  for (const { name } of nodeTypes)
    for (const { field, said } of await askEach(project ?? app.stranger, placeOf(name)))
      if (said === 'read') open.push(field)
  const types = new Set(open.map((field) => field.split('.')[0]))
  expect(types).toEqual(new Set(['Organization', 'Project']))
  expect(open).not.toContain('Organization.members')
})

const worker = () => ours.viewers['WORKER'] ?? app.stranger

test('a WORKER reads what it may of what it works on, and nothing that leads on from there', async () => {
  const input = { serviceId: ours.ids['QueueService'], parameters: { word: ours.word } }
  const made = await succeed(ours.viewers.ADMIN, 'submitJob', input, 'job { id }')
  const { id } = made['job'] as { id: string }
  const viewer = { type: typeNamed('Viewer'), at: (selection: string) => `viewer { ${selection} }` }
  const read = new Set<string>()
  for (const start of [placeOf('Job', id), placeOf('Organization'), viewer])
    for (const place of placesFrom(start))
      for (const { field, said } of await askEach(worker(), place)) {
        if (said === 'read') read.add(field)
        // a value is read with what leads to it, so all of it is to be listed; of other types the rule is asked
        if (openedBy(place.type) === undefined) expect(isListed(field), field).toBe(true)
        else if (said !== 'absent') expect(said, field).toBe(isListed(field) ? 'read' : 'FORBIDDEN')
      }
  for (const field of listed(
    'Job',
    'QueueService',
    'ServiceFunction',
    'Organization',
    'Viewer',
    'Token',
  ))
    expect(read, field).toContain(field)
  for (const { name } of nodeTypes.filter((type) => type.name !== 'Organization'))
    for (const { field, said } of await askEach(worker(), placeOf(name)))
      expect(said, field).toBe('absent')
})

test('nor is there anything more in the answers of what it does', async () => {
  for (const mutation of mutations.filter(({ name }) => madeByWorkers.includes(name))) {
    const read = await askEachOf(worker(), mutation, own)
    expect(
      read.filter((field) => !isListed(field)),
      mutation.name,
    ).toEqual([])
    expect(read.length, mutation.name).toBeGreaterThan(0)
  }
})

test('by the names of its own organization a WORKER finds nothing, follows nothing and changes nothing', async () => {
  const all = Object.entries(ours.ids).flatMap(([type, id]) =>
    type === 'Organization' ? [] : [id],
  )
  const names = someOf(all, 3, chance)
  for (const position of ids(queries).filter(({ field }) => field.name !== 'organization'))
    for (const [n, answer] of (await ask(worker(), position, names, own)).entries())
      expect(leaks(said(answer, names[n] ?? ''), ours), titleOf(position)).toEqual([])
  for (const position of ids(mutations).filter(({ field }) => field.name !== 'signIn'))
    for (const answer of await ask(worker(), position, names, own))
      if (/"__typename":"\w+Success"/.test(answer))
        expect(madeByWorkers, titleOf(position)).toContain(position.field.name)
  const socket = worker().socket()
  try {
    for (const position of ids(subscriptions).filter(({ field }) => field.name !== 'jobQueued'))
      for (const name of names) {
        const { query, variables } = operationAt(position, [name], own)
        const answer = await firstOf(socket, query, variables)
        expect(answer, titleOf(position)).toMatch(/"FORBIDDEN"|"NOT_FOUND"/)
      }
  } finally {
    await socket.dispose()
  }
})
