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

/** The documents that a server runs and no others, by their text and by their names; those of our own clients are among them. */
export class TrustedDocuments {
  /** All of them, and no others: what is not there is refused. */
  readonly cache: DocumentCache
  readonly #texts = new Map<string, string>()

  /** Parses, validates and compiles what TRUSTED_DOCUMENTS holds. Throws a ConfigError that names what is wrong. */
  constructor(file: string, entries: Readonly<Record<string, unknown>>) {
    const documents = new Map<string, DocumentNode>()
    this.cache = new DocumentCache(untrusted, documents)
    const add = (name: string, text: string): void => {
      const document = parsed(file, name, text)
      const [error] = this.cache.validate(schema, document)
      if (error !== undefined)
        throw wrong(file, `the document "${name}" is wrong: ${error.message}`)
      for (const one of document.definitions)
        if (one.kind === Kind.OPERATION_DEFINITION) compile(schema, document, one)
      documents.set(text, document)
      const sha256 = createHash('sha256').update(text).digest('hex')
      for (const digest of [sha256, `sha256:${sha256}`]) this.#texts.set(digest, text)
    }
    for (const [name, text] of Object.entries(entries)) {
      if (typeof text !== 'string') throw wrong(file, `"${name}" is not the text of a document`)
      add(name, text)
      this.#texts.set(name, text)
    }
    for (const text of ownDocuments()) add('of our own', text)
  }

  /** The text behind a name, or undefined. */
  named(name: string): string | undefined {
    return this.#texts.get(name)
  }
}

/** What TRUSTED_DOCUMENTS names, or undefined without it. Throws a ConfigError. */
export function trustedDocuments({ trustedDocuments: file }: Config): TrustedDocuments | undefined {
  if (file === undefined) return undefined
  const entries = entriesOf(file)
  if (typeof entries !== 'object' || entries === null || Array.isArray(entries))
    throw wrong(file, 'it is not a JSON object of documents by their names')
  return new TrustedDocuments(file, entries as Record<string, unknown>) // checked above
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
export function textOf(trusted: TrustedDocuments | undefined, name: string): string {
  const text = trusted?.named(name)
  if (text !== undefined) return text
  const shown = JSON.stringify(name.slice(0, 100))
  throw new GraphQLError(
    trusted === undefined
      ? `This server keeps no documents, so none is named ${shown}: send the document itself.`
      : `Of the documents that this server runs (TRUSTED_DOCUMENTS) none is named ${shown}.`,
    { extensions: { code: 'NOT_FOUND', http: { status: 400 } } },
  )
}

/** Puts the document in for its name. */
export const byName = (trusted: TrustedDocuments | undefined): Plugin<Context> => ({
  onParams({ params, request, setParams }) {
    const { documentId: inBody, ...rest } = params as typeof params & { documentId?: unknown }
    const inUrl =
      request.method === 'GET' ? /[?&]documentId=([^&]*)/.exec(request.url)?.[1] : undefined
    const documentId = inUrl === undefined ? inBody : decoded(inUrl)
    const name = nameIn({ ...rest, documentId })
    if (name !== undefined) setParams({ ...rest, query: textOf(trusted, name) })
  },
})

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text // it names nothing, and is shown as it came
  }
}
