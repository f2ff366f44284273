import type { DocumentNode, GraphQLError, GraphQLSchema } from 'graphql'
import { LRUCache } from 'lru-cache'
import { findingsIn } from './findings.ts'

/** Documents that are kept, how long the text of one may be, and how many tokens all of them may have. */
const DOCUMENTS = 1_000
const LENGTH = 65_536
const TOKENS = 200_000

/** Where parsed documents are, by their texts. */
type Shelf = Pick<Map<string, DocumentNode>, 'get'> & {
  set(text: string, document: DocumentNode): unknown
}

/** A shelf for documents of anybody: those used last. */
const bounded = (): Shelf =>
  new LRUCache<string, DocumentNode>({
    max: DOCUMENTS,
    maxSize: TOKENS,
    sizeCalculation: ({ tokenCount }) => tokenCount || 1,
  })

/** The documents of a server: each is parsed once and validated once, whichever door it comes through. */
export class DocumentCache {
  readonly #parse: (text: string) => DocumentNode
  readonly #shelf: Shelf
  readonly #findings = new WeakMap<DocumentNode, readonly GraphQLError[]>()

  /** `parse` makes those that are not there, or throws what their callers are told. */
  constructor(parse: (text: string) => DocumentNode, shelf: Shelf = bounded()) {
    this.#parse = parse
    this.#shelf = shelf
  }

  /** The document of a text that was parsed and found valid before. */
  valid(text: string): DocumentNode | undefined {
    const document = this.#shelf.get(text)
    return document && this.#findings.get(document)?.length === 0 ? document : undefined
  }

  parse(text: string): DocumentNode {
    const kept = this.#shelf.get(text)
    if (kept !== undefined) return kept
    const document = this.#parse(text)
    if (text.length <= LENGTH) this.#shelf.set(text, document)
    return document
  }

  /** What is wrong with a document by GraphQL's own rules. */
  validate(schema: GraphQLSchema, document: DocumentNode): readonly GraphQLError[] {
    const found = this.#findings.get(document) ?? findingsIn(schema, document)
    this.#findings.set(document, found)
    return found
  }
}
