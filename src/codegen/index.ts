/** `millrace/codegen`: what GraphQL Code Generator has to know of this schema, for the `codegen.ts` of a frontend. */
import { fileURLToPath } from 'node:url'

/** The path of the schema of this version. */
export const schema: string = fileURLToPath(new URL('../../schema.graphql', import.meta.url))

/** The types of the scalars, as JSON brings them. */
export const scalars = { DateTime: 'string', SafeInt: 'number', JSON: 'unknown', ID: 'string' }

/** What differs from one frontend to another. */
export interface ClientPresetOptions {
  /** The files with operations, such as `src/**\/*.ts`. */
  readonly documents: string | string[]
  /**
   * What an operation is at run time: the syntax tree that Apollo Client and urql take, or a string that graphql-ws
   * and `fetch` send as it is. Default: `documentNode`.
   */
  readonly documentMode?: 'documentNode' | 'string'
  /** Whether only the component that names a fragment sees its fields. Default: no. */
  readonly fragmentMasking?: boolean
  /** Whether to write `persisted-documents.json` as well: hash → operation, for a server's TRUSTED_DOCUMENTS. Default: no. */
  readonly persistedDocuments?: boolean
}

/** One output of GraphQL Code Generator. */
export interface ClientPreset {
  preset: 'client'
  documents: string | string[]
  presetConfig: { fragmentMasking: boolean; persistedDocuments: boolean }
  config: {
    scalars: Record<string, string>
    enumsAsTypes: true
    useTypeImports: true
    documentMode: 'documentNodeImportFragments' | 'string'
  }
}

/**
 * An output of the client preset: a folder with `graphql()`, which types the operations of your sources.
 *
 *     import { clientPreset, schema } from 'millrace/codegen'
 *
 *     export default { schema, generates: { 'src/gql/': clientPreset({ documents: 'src/**\/*.ts' }) } }
 */
export const clientPreset = ({
  documents,
  documentMode = 'documentNode',
  fragmentMasking = false,
  persistedDocuments = false,
}: ClientPresetOptions): ClientPreset => ({
  preset: 'client',
  documents,
  presetConfig: { fragmentMasking, persistedDocuments },
  config: {
    scalars: { ...scalars },
    enumsAsTypes: true,
    useTypeImports: true,
    // of the preset's syntax trees only these come with persisted documents
    documentMode: documentMode === 'string' ? 'string' : 'documentNodeImportFragments',
  },
})
