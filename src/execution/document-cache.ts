import type { DocumentNode } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import type { Context } from '../context.ts'

/** Documents that are kept, how long the text of one may be, and how many tokens all of them may have. */
const DOCUMENTS = 1_000
const LENGTH = 65_536
const TOKENS = 200_000

/** Documents that were parsed and found valid, those used last, by their texts. */
export class KnownDocuments {
  readonly #documents = new Map<string, DocumentNode>()
  #tokens = 0

  get(text: string): DocumentNode | undefined {
    const document = this.#documents.get(text)
    if (document === undefined) return undefined
    this.#documents.delete(text) // to the end: the first is the one that was used longest ago
    this.#documents.set(text, document)
    return document
  }

  /** Hears of every document that any door parses and validates. */
  get plugin(): Plugin<Context> {
    const texts = new WeakMap<DocumentNode, string>()
    return {
      onParse: ({ params: { source } }) => {
        const text = typeof source === 'string' ? source : source.body
        return ({ result }) => {
          if (isDocument(result)) texts.set(result, text)
        }
      },
      onValidate:
        ({ params: { documentAST } }) =>
        ({ valid }) => {
          const text = texts.get(documentAST)
          if (valid && text !== undefined) this.#keep(text, documentAST)
        },
    }
  }

  #keep(text: string, document: DocumentNode): void {
    if (text.length > LENGTH) return
    this.#forget(text)
    this.#documents.set(text, document)
    this.#tokens += document.tokenCount ?? 0
    for (const oldest of this.#documents.keys()) {
      if (this.#documents.size <= DOCUMENTS && this.#tokens <= TOKENS) break
      this.#forget(oldest)
    }
  }

  #forget(text: string): void {
    this.#tokens -= this.#documents.get(text)?.tokenCount ?? 0
    this.#documents.delete(text)
  }
}

const isDocument = (result: unknown): result is DocumentNode =>
  typeof result === 'object' && result !== null && !(result instanceof Error)
