import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedApp, type SharedApp } from '../../testkit/shared.ts'
import { seed } from '../../testkit/seed/chain.ts'

let app: SharedApp
let service: { id: string; handle: string }
beforeAll(async () => {
  app = await sharedApp()
  const files = { 'main.mjs': 'export const handler = () => new Response("ok")' }
  service = await seed(app.admin).deployment().version(files, { image: 'node' }).service().made()
})
afterAll(() => app.close())

/** The answer as it is written, without what differs from request to request and what it cost. */
async function sent(query: string, variables?: object, operationName?: string): Promise<string> {
  const response = await fetch(`${app.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...app.admin.headers },
    body: JSON.stringify({ query, variables, operationName }),
  })
  const id = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g
  const cost = /,"extensions":\{"cost":\{[^}]*\}\}(?=\}$)/
  return `${response.status} ${(await response.text()).replaceAll(id, 'id').replace(cost, '')}`
}

/** The first time a document is run as it is, from the second on by compiled code. */
async function often(query: string, variables?: object, operationName?: string): Promise<string> {
  const first = await sent(query, variables, operationName)
  expect(await sent(query, variables, operationName)).toBe(first)
  expect(await sent(query, variables, operationName)).toBe(first)
  return first
}

test('a text of a document never becomes code', async () => {
  const mark = '__MAGIC_DATE__33a9e76d_02e0_4128_8e92_3530ad3da74d'
  const code = 'globalThis.millraceWasHere=1'
  const texts = [
    `${mark}${code}`,
    `"${mark}${code}`,
    `__MAGIC_NAN__57f286b9_4c20_487f_b409_79804ddcb4f8`,
  ]
  for (const text of texts) {
    const literal = JSON.stringify(text)
    expect(await often(`{ service(id: ${literal}) { id } }`)).toBe('200 {"data":{"service":null}}')
    const escaped = literal.replaceAll('_', '\\u005f')
    expect(await often(`{ service(id: ${escaped}) { id } }`)).toBe('200 {"data":{"service":null}}')
    await often(`{ services(filter: { text: ${literal} }) { nodes { id } } }`)
    await often(
      `query ($a: String = ${literal}) { deployments(filter: { text: $a }) { nodes { id } } }`,
    )
  }
  expect(globalThis).not.toHaveProperty('millraceWasHere')
})

test('an absent variable inside an input is absent, not null', async () => {
  const query = `mutation ($id: ID!, $text: String) {
    updateService(input: { id: $id, description: $text }) {
      ... on UpdateServiceSuccess { service { description } }
      ... on UserError { message }
    }
  }`
  const described = `200 {"data":{"updateService":{"service":{"description":"kept"}}}}`
  expect(await sent(query, { id: service.id, text: 'kept' })).toBe(described)
  for (let n = 0; n < 3; n += 1) expect(await sent(query, { id: service.id })).toBe(described)
})

test('conditions hold for the fragment they stand at', async () => {
  const query = `query ($id: ID!, $a: Boolean!, $b: Boolean!) {
    one: service(id: $id) { ...Named @include(if: $a) id }
    two: service(id: $id) { ...Named @include(if: $b) ...Named @skip(if: $a) id }
    three: service(id: $id) { name @include(if: $a) @skip(if: $b) handle @skip(if: $b) }
  }
  fragment Named on Service { name }`
  for (const a of [true, false])
    for (const b of [true, false]) await often(query, { id: service.id, a, b })
  const fields = `query ($id: ID!, $a: Boolean = true) {
    service(id: $id) { id name @include(if: $a) ... on ProcessService { deployment @skip(if: $a) { id } } }
  }`
  expect(await often(fields, { id: service.id })).toContain('name')
  expect(await often(fields, { id: service.id, a: false })).toContain('deployment')
})

test('aliases that could be taken for other paths, or for what every object has, are only names', async () => {
  const aliases = [
    'deployment_name',
    '__proto__',
    'constructor',
    'toString',
    'idx0',
    'then',
    'Service',
  ]
  for (const alias of aliases) {
    const query = `query ($id: ID!) {
      service(id: $id) { ... on ProcessService { deployment { name } ${alias}: version { label } } }
    }`
    expect(await often(query, { id: service.id })).toContain(`"${alias}":{"label"`)
  }
})

test('errors tell their places, in the words of GraphQL', async () => {
  await often(`query ($id: ID!) { service(id: $id) { id } }`)
  expect(await often(`query ($id: ID!) { service(id: $id) { id } }`, { id: [1] })).toContain(
    'locations',
  )
  const page = await often(
    `query ($n: Int) { a: services(first: $n) { nodes { id } } b: __typename }`,
    {
      n: 1000,
    },
  )
  expect(page).toMatch(/^200 \{"errors":.*"locations":\[\{"line":1,"column":19\}\].*"data":/)
  const required = `query ($id: ID = "x") { service(id: $id) { id } }`
  expect(await often(required, { id: null })).toContain('must not be null')
  expect(await often(`query A { a: __typename } query B { b: __typename }`)).toContain('errors')
  const two = `query A { a: __typename } query B { b: __typename }`
  expect(await often(two, {}, 'B')).toBe('200 {"data":{"b":"Query"}}')
})

test('a fragment that doubles at every level is answered like any other', async () => {
  const levels = Array.from({ length: 24 }, (_, n) => n)
  const fragments = levels.map(
    (n) => `fragment F${n} on Deployment { ...${n === 0 ? 'G' : `F${n - 1}`} versions(first: 1) {
      nodes { deployment { ...${n === 0 ? 'G' : `F${n - 1}`} } } } }`,
  )
  const query = `{ deployment(id: "absent") { ...F23 } } fragment G on Deployment { id } ${fragments.join('\n')}`
  await often(query)
})
