import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { GraphQLError, Kind, parse, type DocumentNode } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import { ConfigError, type Config } from '../config.ts'
import type { Context } from '../context.ts'
import { schema } from '../schema.ts'
import { compile } from './compiled.ts'
import { DocumentCache } from './document-cache.ts'
import { ownDocuments } from './own-documents.ts'
import { hintForWorker } from './renamed.ts'

/** How a request says which document it means: by its text, or by a name instead. */
interface Naming {
  readonly query?: unknown
  readonly documentId?: unknown
  readonly extensions?: unknown
}

/** Documents that a request may name instead of sending their text. */
export interface KnownDocuments {
  /** Where nothing but these documents may run: the cache of them, which refuses every other. */
  readonly only?: DocumentCache | undefined
  /** The text behind a name; undefined where no document has it. */
  named(name: string): string | undefined
}

/**
 * The documents of our own clients by their SHA-256 and, where TRUSTED_DOCUMENTS names a file, those in it by that and
 * by their names: then no other document runs. Throws a ConfigError.
 */
export function knownDocuments({ trustedDocuments: file }: Config): KnownDocuments {
  const texts = new Map<string, string>()
  const own = ownDocuments()
  for (const text of own) addHashes(texts, text)
  const named = (name: string): string | undefined => texts.get(name)
  if (file === undefined) return { named }
  const trusted = trustedIn(file)
  const documents = new Map<string, DocumentNode>()
  const only = new DocumentCache(untrusted, documents)
  for (const [name, text] of [...trusted, ...own.map((text) => ['of our own', text] as const)])
    documents.set(text, checked(file, name, text, only))
  for (const [name, text] of trusted) {
    addHashes(texts, text)
    texts.set(name, text)
  }
  return { only, named }
}

function addHashes(texts: Map<string, string>, text: string): void {
  const sha256 = createHash('sha256').update(text).digest('hex')
  for (const digest of [sha256, `sha256:${sha256}`]) texts.set(digest, text)
}

/** The names and texts in the file of TRUSTED_DOCUMENTS. */
function trustedIn(file: string): (readonly [name: string, text: string])[] {
  const entries = entriesOf(file)
  if (typeof entries !== 'object' || entries === null || Array.isArray(entries))
    throw wrong(file, 'it is not a JSON object of documents by their names')
  return Object.entries(entries).map(([name, text]) => {
    if (typeof text !== 'string') throw wrong(file, `"${name}" is not the text of a document`)
    return [name, text]
  })
}

/** The document, parsed, validated and compiled. */
function checked(file: string, name: string, text: string, cache: DocumentCache): DocumentNode {
  const document = parsed(file, name, text)
  const [error] = cache.validate(schema, document)
  if (error !== undefined) throw wrong(file, `the document "${name}" is wrong: ${error.message}`)
  for (const one of document.definitions)
    if (one.kind === Kind.OPERATION_DEFINITION) compile(schema, document, one)
  return document
}

function entriesOf(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw wrong(file, cause instanceof Error ? cause.message : String(cause))
  }
}

function parsed(file: string, name: string, text: string): DocumentNode {
  try {
    return parse(text)
  } catch (cause) {
    throw wrong(file, `the document "${name}" is wrong: ${(cause as GraphQLError).message}`) // all that parse throws
  }
}

function untrusted(text: string): never {
  const hint = hintForWorker(text)
  throw new GraphQLError(
    `This server runs only the documents it was started with (TRUSTED_DOCUMENTS), and this is none of them.${hint === undefined ? '' : ` ${hint}`}`,
    { extensions: { code: 'FORBIDDEN', http: { spec: true, status: 403 } } },
  )
}

const wrong = (file: string, what: string): ConfigError =>
  new ConfigError([`TRUSTED_DOCUMENTS (${file}) cannot be used: ${what.replace(/\.$/, '')}.`])

/**
 * The name a request has for its document instead of the text: `documentId` (GraphQL over HTTP, persisted documents)
 * or `extensions.persistedQuery.sha256Hash` (Apollo).
 */
export function nameIn({ query, documentId, extensions }: Naming): string | undefined {
  if (typeof query === 'string' && query !== '') return undefined
  if (typeof documentId === 'string') return documentId
  const { persistedQuery } = (extensions ?? {}) as {
    persistedQuery?: { sha256Hash?: unknown } | null
  }
  const hash = persistedQuery?.sha256Hash
  return typeof hash === 'string' ? hash : undefined
}

/** The text behind that name. Throws a GraphQLError when nothing has it. */
export function textOf(known: KnownDocuments, name: string): string {
  const text = known.named(name)
  if (text !== undefined) return text
  const shown = JSON.stringify(name.slice(0, 100))
  throw new GraphQLError(
    known.only === undefined
      ? `This server does not know the document ${shown}, only those of its own clients: send the text of the document.`
      : `Of the documents that this server runs (TRUSTED_DOCUMENTS) none is named ${shown}.`,
    { extensions: { code: 'NOT_FOUND', http: { status: 400 } } },
  )
}

/** Puts the document in for its name. */
export const byName = (known: KnownDocuments): Plugin<Context> => ({
  onParams({ params, request, setParams }) {
    const { documentId: inBody, ...rest } = params as typeof params & { documentId?: unknown }
    const inUrl =
      request.method === 'GET' ? /[?&]documentId=([^&]*)/.exec(request.url)?.[1] : undefined
    const documentId = inUrl === undefined ? inBody : decoded(inUrl)
    const name = nameIn({ ...rest, documentId })
    if (name !== undefined) setParams({ ...rest, query: textOf(known, name) })
  },
})

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text // it names nothing, and is shown as it came
  }
}
