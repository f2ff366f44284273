import type { DocumentNode } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import type { Context } from '../context.ts'

/** Texts that are kept, how long one may be, and how many characters all of them may have. */
const TEXTS = 1_000
const LENGTH = 65_536
const CHARACTERS = 8_388_608

/** Texts of documents that were parsed and found valid, those used last. */
export class KnownDocuments {
  readonly #texts = new Set<string>()
  #characters = 0

  has(text: string): boolean {
    return this.#texts.has(text)
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
          if (valid && text !== undefined) this.#keep(text)
        },
    }
  }

  #keep(text: string): void {
    if (text.length > LENGTH) return
    if (!this.#texts.delete(text)) this.#characters += text.length
    this.#texts.add(text) // at the end: the first is the one that was used longest ago
    for (const oldest of this.#texts) {
      if (this.#texts.size <= TEXTS && this.#characters <= CHARACTERS) break
      this.#texts.delete(oldest)
      this.#characters -= oldest.length
    }
  }
}

const isDocument = (result: unknown): result is DocumentNode =>
  typeof result === 'object' && result !== null && !(result instanceof Error)
