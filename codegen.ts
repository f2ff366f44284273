import type { CodegenConfig } from '@graphql-codegen/cli'
import { clientPreset, schema } from './src/codegen/index.ts'

/** Types for the operations of the command line, the tests and the samples, from the schema as it was last generated. */
const config: CodegenConfig = {
  schema,
  errorsOnly: true,
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
