import { writeFileSync } from 'node:fs'
import type { CodegenConfig } from '@graphql-codegen/cli'
import { lexicographicSortSchema, printSchema } from 'graphql'
import { schema } from './src/schema.ts'

// the committed schema, which CI compares with this one
const text = printSchema(lexicographicSortSchema(schema))
writeFileSync(new URL('schema.graphql', import.meta.url), `${text}\n`)

/** Types for the operations that the command line and the tests send. */
const config: CodegenConfig = {
  schema: text,
  silent: true,
  config: {
    enumsAsTypes: true,
    useTypeImports: true,
    scalars: { DateTime: 'string', SafeInt: 'number', JSON: 'unknown', ID: 'string' },
  },
  generates: {
    'src/generated/operations/': {
      preset: 'client',
      documents: ['src/**/*.graphql'],
      presetConfig: { fragmentMasking: false },
      config: { documentMode: 'string' },
    },
    'test/generated/': {
      preset: 'client',
      documents: ['test/**/*.ts', 'bench/**/*.ts', '!test/generated/**'],
      presetConfig: { fragmentMasking: false },
      config: { documentMode: 'string' },
    },
  },
  importExtension: '.ts',
  ignoreNoDocuments: true,
}

export default config
