import { writeFileSync } from 'node:fs'
import type { CodegenConfig } from '@graphql-codegen/cli'
import { isAbstractType, lexicographicSortSchema, printSchema } from 'graphql'
import { clientPreset } from './src/codegen/index.ts'
import { schema } from './src/schema.ts'

const sorted = lexicographicSortSchema(schema)
const text = printSchema(sorted)
const write = (name: string, content: string): void =>
  writeFileSync(new URL(name, import.meta.url), `${content}\n`)

// both are committed; CI compares them with these
write('schema.graphql', text)
// which types an interface or union can be, for caches that match fragments by type
const abstract = Object.values(sorted.getTypeMap()).filter(isAbstractType)
const possibleTypes = abstract.map((type) => [
  type.name,
  sorted.getPossibleTypes(type).map(({ name }) => name),
])
write('possibleTypes.json', JSON.stringify(Object.fromEntries(possibleTypes), null, 2))

/** Types for the operations of the command line, the tests and the samples. */
const config: CodegenConfig = {
  schema: text,
  silent: true,
  generates: {
    'src/generated/operations/': clientPreset({
      documents: 'src/**/*.graphql',
      documentMode: 'string',
    }),
    'testkit/generated/': clientPreset({
      documents: ['testkit/**/*.ts', 'test/**/*.ts', 'bench/**/*.ts', '!testkit/generated/**'],
      documentMode: 'string',
    }),
    'examples/frontends/urql/generated/': clientPreset({
      documents: 'examples/frontends/urql/*.ts',
    }),
    'examples/frontends/apollo/generated/': clientPreset({
      documents: 'examples/frontends/apollo/*.ts',
    }),
  },
  importExtension: '.ts',
  ignoreNoDocuments: true,
}

export default config
