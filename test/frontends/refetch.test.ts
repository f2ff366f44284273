import { getNamedType, isInterfaceType, isObjectType, isRequiredArgument } from 'graphql'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { schema } from '../../src/schema.ts'
import { testApp, type TestApp } from '../../testkit/app.ts'
import { CreateUpload } from '../../testkit/operations/deployments.ts'
import { CreateToken } from '../../testkit/operations/organizations.ts'
import { SetMember } from '../../testkit/operations/people.ts'
import { CreateRoute } from '../../testkit/operations/routes.ts'
import { plainTypes } from '../../testkit/plain.ts'
import { succeeded } from '../../testkit/outcome.ts'
import { claimOne, seedQueue, submit } from '../../testkit/seed/jobs.ts'
import { seed } from '../../testkit/seed/chain.ts'

/*
 * What Relay calls refetching: an object seen anywhere is fetched again by its id alone.
 */
let app: TestApp
beforeAll(async () => {
  app = await testApp()
})
afterAll(() => app.close())

interface Seen {
  readonly __typename: string
  readonly id: string
}

/** The data of an operation that is made up here, which therefore has no type. */
async function ask(query: string): Promise<unknown> {
  const response = await fetch(`${app.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...app.admin.headers },
    body: JSON.stringify({ query }),
  })
  const { data, errors } = (await response.json()) as { data?: unknown; errors?: unknown }
  if (errors !== undefined) throw new Error(`${query}\n${JSON.stringify(errors)}`)
  return data
}

/** All objects with an id and a type in some data, however deep. */
function* nodesIn(data: unknown): Generator<Seen> {
  if (typeof data !== 'object' || data === null) return
  if ('__typename' in data && 'id' in data)
    yield { __typename: String(data.__typename), id: String(data.id) }
  for (const part of Object.values(data)) yield* nodesIn(part)
}

/** The lists of a type that need no argument, each asked for its first few. */
function listsOf(name: string): string[] {
  const type = schema.getType(name)
  const fields = isObjectType(type) ? Object.values(type.getFields()) : []
  return fields
    .filter(({ type }) => getNamedType(type).name.endsWith('Connection'))
    .filter(({ args, type }) => {
      const connection = getNamedType(type)
      const nodes = isObjectType(connection) ? connection.getFields()['nodes'] : undefined
      const node = nodes && getNamedType(nodes.type)
      const hasId = (isObjectType(node) || isInterfaceType(node)) && 'id' in node.getFields()
      return hasId && !args.some(isRequiredArgument)
    })
    .map(({ name }) => `${name}(first: 3) { nodes { __typename id } }`)
}

it('every type of Node is fetched again by its id', async () => {
  const files = { 'main.mjs': 'export const handler = () => new Response()' }
  const service = await seed(app.admin)
    .deployment()
    .version(files, { image: 'node' })
    .service()
    .ready()
    .made()
  await app.admin.request(CreateRoute, { input: { name: 'x', serviceIds: [service.id] } })
  for (const type of plainTypes)
    await ask(`mutation { create${type}(input: { name: "x" }) { __typename } }`)
  const queue = await seedQueue(app.admin)
  await submit(app.admin, queue)
  await claimOne(app.admin, queue)
  await app.admin.request(CreateToken, { input: { name: 'x', role: 'VIEWER' } })
  await app.admin.request(SetMember, { input: { email: 'ann@example.com', role: 'VIEWER' } })
  const made = await app.admin.request(CreateUpload, { input: { name: 'x' } })
  const { upload } = succeeded(made.createUpload, 'CreateUploadSuccess')

  const seen = [
    { __typename: 'DeploymentVersion', id: service.versionId },
    { __typename: 'Upload', id: upload.id },
    ...nodesIn(
      await ask(`{
        viewer { user { __typename id } organization { __typename id } }
        ${listsOf('Query').join('\n')}
      }`),
    ),
    ...nodesIn(
      await ask(`{
        services { nodes { ... on ProcessService { instances { __typename id } } } }
        jobs { nodes { attempts { __typename id } } }
      }`),
    ),
    ...nodesIn(await ask(`{ viewer { organization { ${listsOf('Organization').join('\n')} } } }`)),
  ]
  const node = schema.getType('Node')
  const types = isInterfaceType(node) ? schema.getPossibleTypes(node).map(({ name }) => name) : []
  const found = new Set(seen.map(({ __typename }) => __typename))
  expect(
    types.filter((name) => !found.has(name)),
    'types of Node that no list shows: make one of each here',
  ).toEqual([])
  for (const { __typename, id } of seen)
    expect(await ask(`{ node(id: "${id}") { __typename id } }`)).toEqual({
      node: { __typename, id },
    })
})
