import { createHash } from 'node:crypto'
import { generate } from '@graphql-codegen/cli'
import { expect, it } from 'vitest'
import { clientPreset, schema, type ClientPresetOptions } from '../../src/codegen/index.ts'

const documents = `query Frontend($id: ID!) { service(id: $id) { status createdAt revision } }`

/** The files the client preset would write for one operation, by name. */
async function generated(options: Partial<ClientPresetOptions>): Promise<Map<string, string>> {
  const config = {
    schema,
    silent: true,
    generates: { 'gql/': clientPreset({ documents, ...options }) },
  }
  const files = (await generate(config, false)) as { filename: string; content: string }[]
  return new Map(files.map(({ filename, content }) => [filename.slice('gql/'.length), content]))
}

it.each(['documentNode', 'string'] as const)(
  'the package knows its schema, its scalars and what persisted documents need: %s',
  async (documentMode) => {
    const files = await generated({ documentMode, persistedDocuments: true })
    const types = files.get('graphql.ts')
    expect(types).toContain('status: ServiceStatus, createdAt: string, revision: number')
    expect(types).toMatch(/export type ServiceStatus =\s+\/\*\*.+\*\/\s+\| 'FAILED'/)
    const persisted = JSON.parse(files.get('persisted-documents.json') ?? '') as Record<
      string,
      string
    >
    const [[hash, text] = []] = Object.entries(persisted)
    expect(text).toContain('query Frontend')
    expect(hash).toBe(
      `sha256:${createHash('sha256')
        .update(text ?? '')
        .digest('hex')}`,
    )
    expect(types).toContain(hash)
  },
)

it('without persisted documents none are written, and fragments are not masked', async () => {
  const files = await generated({})
  expect([...files.keys()].toSorted()).toEqual(['gql.ts', 'graphql.ts', 'index.ts'])
})
