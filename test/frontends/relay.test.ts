import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import {
  getNamedType,
  isInterfaceType,
  isObjectType,
  isRequiredArgument,
  type GraphQLField,
  type GraphQLInterfaceType,
  type GraphQLObjectType,
} from 'graphql'
import { afterAll, expect, it } from 'vitest'
import { schema } from '../../src/schema.ts'
import { testFolder, type TestFolder } from '../../testkit/folder.ts'

const compiler = createRequire(import.meta.url).resolve('relay-compiler/cli.js')
const root = fileURLToPath(new URL('../..', import.meta.url))

const folders: TestFolder[] = []
afterAll(async () => {
  for (const folder of folders) await folder.remove()
})

/** Runs relay-compiler in a folder; throws with all it said when it refuses something. */
async function compile(cwd: string, ...args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [compiler, ...args], {
    cwd,
  })
  return stdout + stderr
}

/** A folder with documents and a configuration for them. */
async function documents(text: string): Promise<string> {
  const config = { src: '.', schema: `${root}schema.graphql`, language: 'typescript' }
  const folder = await testFolder({
    'relay.config.json': JSON.stringify(config),
    'all.ts': `import { graphql } from 'relay-runtime'\n${text}`,
  })
  folders.push(folder)
  return folder.path
}

type Composite = GraphQLObjectType | GraphQLInterfaceType
type Field = GraphQLField<unknown, unknown>

const composites = Object.values(schema.getTypeMap()).filter(
  (type): type is Composite =>
    (isObjectType(type) || isInterfaceType(type)) && !type.name.startsWith('__'),
)
const connections = composites.flatMap((type) =>
  Object.values(type.getFields())
    .filter((field) => getNamedType(field.type).name.endsWith('Connection'))
    .map((field) => ({ type, field })),
)

/** A fragment that pages through a connection, in the way of `usePaginationFragment`. */
function pagination({ type, field }: { type: Composite; field: Field }): string {
  const name = `${type.name}_${field.name}`
  const isRoot = type === schema.getQueryType()
  const canRefetch = isRoot || type.getInterfaces().some(({ name }) => name === 'Node')
  const required = field.args.filter(isRequiredArgument).map((arg) => `${arg.name}: $${arg.name}, `)
  const refetchable = canRefetch ? `@refetchable(queryName: "all${name}Query")` : ''
  return `graphql\`
    fragment all_${name} on ${type.name}
    @argumentDefinitions(count: { type: "Int", defaultValue: 10 }, cursor: { type: "String" })
    ${refetchable} {
      ${field.name}(${required.join('')}first: $count, after: $cursor) @connection(key: "all_${name}") {
        edges { node { __typename } }
      }
    }\``
}

/** The fields of a type with their types. */
const typesOf = (type: Composite): Record<string, string> =>
  Object.fromEntries(
    Object.values(type.getFields()).map((field) => [field.name, String(field.type)]),
  )

it('relay-compiler passes on the documents of the sample, and has nothing left to write', async () => {
  await compile(`${root}examples/frontends/relay`, '--validate')
})

it('relay-compiler tells: an unknown field and an edge without its place are refused', async () => {
  const unknown = 'graphql`query allQuery { services { nodes { nope } } }`'
  await expect(compile(await documents(unknown))).rejects.toThrow('nope')
  const noEdges =
    'graphql`query allQuery { services(first: 1) @connection(key: "all_services") { totalCount } }`'
  await expect(compile(await documents(noEdges))).rejects.toThrow('edges')
})

it('every connection of the schema pages as Relay does', async () => {
  expect(connections.length).toBeGreaterThan(5)
  await compile(await documents(connections.map(pagination).join('\n')))
})

it('connections, edges and pages have the fields and types of the Relay specification', () => {
  for (const { field } of connections) {
    const connection = getNamedType(field.type)
    const edge = schema.getType(connection.name.replace(/Connection$/, 'Edge'))
    if (!isObjectType(connection) || !isObjectType(edge)) throw new Error(connection.name)
    expect(typesOf(connection)).toMatchObject({ edges: `[${edge.name}!]!`, pageInfo: 'PageInfo!' })
    expect(typesOf(edge)).toMatchObject({ cursor: 'String!', node: expect.stringMatching(/!$/) })
  }
  const page = schema.getType('PageInfo')
  expect(isObjectType(page) && typesOf(page)).toEqual({
    hasNextPage: 'Boolean!',
    hasPreviousPage: 'Boolean!',
    startCursor: 'String',
    endCursor: 'String',
  })
})
